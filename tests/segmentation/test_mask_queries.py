"""The rules of mask classification: against cases counted by hand, and against transformers' own post-processing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pycocotools import mask as coco
from torch import Tensor

from semsr.cards.protocol import PostProcessing
from semsr.segmentation.found import Category
from semsr.segmentation.mask_queries import Queries, bring, class_names, instances, panoptic, semantic

PERSON, DOG, SKY, GRASS = 0, 1, 2, 3
CATEGORIES = (
    Category(1, "person", True),
    Category(18, "dog", True),
    Category(187, "sky", False),
    Category(193, "grass", False),
)
LENIENT, STRICT = PostProcessing(score=0.25), PostProcessing(score=0.8)


def class_logits(*wanted: tuple[int, float]) -> Tensor:
    """A row for each (class, probability); the rest goes evenly to the other classes, "nothing" (4) among them."""
    rows = []
    for label, probability in wanted:
        row = torch.full((5,), (1 - probability) / 4)
        row[label] = probability
        rows.append(row)
    return torch.stack(rows).log()


def mask_logits(*masks: list[list[float]]) -> Tensor:
    """Probabilities as logits."""
    return torch.logit(torch.tensor(masks, dtype=torch.float32))


def halves(left: float, right: float) -> list[list[float]]:
    """4 x 8 pixels: the left and the right four columns."""
    return [[left] * 4 + [right] * 4 for _ in range(4)]


def test_a_pixel_goes_to_the_strongest_query_and_is_void_below_the_mask_threshold() -> None:
    queries = Queries(class_logits((PERSON, 0.9), (SKY, 0.9)), mask_logits(halves(0.9, 0.1), halves(0.2, 0.45)))
    ids, segments = panoptic(queries, CATEGORIES, LENIENT)
    # Right: sky wins there with 0.9 * 0.45, yet its mask is below 0.5, so there is nothing.
    assert ids.tolist() == [[1] * 4 + [0] * 4] * 4
    assert [(segment.id, segment.category, round(segment.score or 0, 6)) for segment in segments] == [(1, 1, 0.9)]
    ids, segments = panoptic(queries, CATEGORIES, PostProcessing(score=0.25, mask=0.4))
    assert ids.tolist() == [[1] * 4 + [2] * 4] * 4
    assert [segment.category for segment in segments] == [1, 187]


def test_the_score_threshold_of_the_protocol_decides_which_queries_count() -> None:
    """0.25 / 0.5 / 0.8 (OpenSeeD's) against 0.8 / 0.5 / 0.8 (the others') on the same logits."""
    queries = Queries(class_logits((PERSON, 0.9), (DOG, 0.4)), mask_logits(halves(0.9, 0.1), halves(0.1, 0.9)))
    lenient, _ = panoptic(queries, CATEGORIES, LENIENT)
    strict, kept = panoptic(queries, CATEGORIES, STRICT)
    assert lenient.tolist() == [[1] * 4 + [2] * 4] * 4
    assert strict.tolist() == [[1] * 4 + [0] * 4] * 4
    assert [segment.category for segment in kept] == [1]


@pytest.mark.parametrize("overlap, stays", [(0.5, True), (0.51, False)])
def test_a_segment_stays_where_enough_of_its_mask_is_left(overlap: float, stays: bool) -> None:
    """The dog's mask is everything, of which the person takes the left half: 16 of 32 pixels are left."""
    queries = Queries(class_logits((PERSON, 0.9), (DOG, 0.6)), mask_logits(halves(0.9, 0.1), halves(0.8, 0.8)))
    ids, segments = panoptic(queries, CATEGORIES, PostProcessing(score=0.25, overlap=overlap))
    assert (2 in ids) == stays
    assert len(segments) == (2 if stays else 1)


def test_stuff_of_a_class_is_one_segment_and_things_are_several() -> None:
    quarters = [[[0.9 if start <= column < start + 2 else 0.1 for column in range(8)]] * 4 for start in (0, 2, 4, 6)]
    queries = Queries(class_logits((SKY, 0.7), (PERSON, 0.9), (SKY, 0.9), (PERSON, 0.8)), mask_logits(*quarters))
    ids, segments = panoptic(queries, CATEGORIES, LENIENT)
    assert ids[0].tolist() == [1, 1, 2, 2, 1, 1, 3, 3]
    assert [(segment.category, round(segment.score or 0, 6)) for segment in segments] == [(187, 0.9), (1, 0.9), (1, 0.8)]


def test_nothing_is_found_where_no_query_is_sure() -> None:
    queries = Queries(class_logits((4, 0.9), (PERSON, 0.1)), mask_logits(halves(0.9, 0.9), halves(0.9, 0.9)))
    ids, segments = panoptic(queries, CATEGORIES, LENIENT)
    assert not ids.any() and segments == ()


def test_objects_have_scores_boxes_and_masks() -> None:
    blob = [[0.1] * 8, [0.1, 0.1, 0.9, 0.7, 0.1, 0.1, 0.1, 0.1], [0.1] * 8, [0.1] * 8]
    queries = Queries(
        class_logits((DOG, 0.6), (SKY, 0.9), (PERSON, 0.8)), mask_logits(blob, halves(0.9, 0.9), halves(0.1, 0.9))
    )
    found = instances(queries, CATEGORIES, STRICT)
    # All pairs of a query and a thing class are there, also those of the query that is mostly sky; the best two are these.
    first, second = found[:2]
    assert (first.category, first.box) == (1, (4.0, 0.0, 4.0, 4.0))
    assert first.score == pytest.approx(0.8 * 0.9, abs=1e-6)
    assert (second.category, second.box) == (18, (2.0, 1.0, 2.0, 1.0))
    assert second.score == pytest.approx(0.6 * (0.9 + 0.7) / 2, abs=1e-6)
    assert second.mask is not None
    assert coco.decode(dict(second.mask)).tolist() == [[0] * 8, [0, 0, 1, 1, 0, 0, 0, 0], [0] * 8, [0] * 8]
    assert all(instance.category in (1, 18) for instance in found)
    assert [instance.score for instance in found] == sorted((instance.score for instance in found), reverse=True)


def test_the_protocol_limits_how_many_objects_there_are() -> None:
    """The limit is over all pairs, stuff included, as in the published evaluation: of the best two one is sky."""
    queries = Queries(class_logits((DOG, 0.6), (SKY, 0.9)), mask_logits(halves(0.9, 0.1), halves(0.1, 0.9)))
    assert [instance.category for instance in instances(queries, CATEGORIES, PostProcessing(score=0.8, detections=2))] == [18]


def test_the_class_of_a_pixel_is_the_largest_sum_over_queries() -> None:
    """Left: two unsure votes for grass (0.4 * 0.9 + 0.4 * 0.9) outdo one for sky (0.5 * 0.9); the rest is spread evenly."""
    queries = Queries(
        class_logits((GRASS, 0.4), (GRASS, 0.4), (SKY, 0.5)), mask_logits(halves(0.9, 0.1), halves(0.9, 0.1), halves(0.9, 0.9))
    )
    assert semantic(queries).tolist() == [[GRASS] * 4 + [SKY] * 4] * 4


def test_padding_is_cut_before_masks_come_to_the_answer_s_size() -> None:
    """A ramp from left to right over an input of 8 pixels, of which 4 are picture: at 4 pixels it is the first half of the ramp."""
    ramp = torch.arange(8.0).expand(3, 8, 8)
    brought = bring(ramp, (8, 8), (6, 4), (6, 4))
    assert brought.shape == (3, 6, 4)
    assert brought[0, 0].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_many_queries_are_brought_as_each_alone() -> None:
    logits = torch.randn(40, 5, 7, generator=torch.Generator().manual_seed(0))
    together = bring(logits, (20, 28), (19, 25), (33, 31))
    for k in (0, 17, 39):
        alone = torch.nn.functional.interpolate(logits[None, k : k + 1], (20, 28), mode="bilinear")[..., :19, :25]
        alone = torch.nn.functional.interpolate(alone, (33, 31), mode="bilinear")
        assert torch.allclose(together[k], alone[0, 0], atol=1e-5)


def test_names_that_are_placeholders_are_none() -> None:
    assert class_names({0: "LABEL_0", 1: "LABEL_1"}) == ()
    assert class_names({1: "dog", 0: "person"}) == ("person", "dog")


# transformers' own post-processing, called directly.


def theirs(queries: Queries, rule: PostProcessing, fused: set[int]) -> tuple[np.ndarray, list[dict[str, float]]]:
    from transformers import Mask2FormerImageProcessor

    outputs = SimpleNamespace(class_queries_logits=queries.classes[None], masks_queries_logits=queries.masks[None])
    told = Mask2FormerImageProcessor().post_process_panoptic_segmentation(
        outputs,
        threshold=rule.score,
        mask_threshold=rule.mask,
        overlap_mask_area_threshold=rule.overlap,
        label_ids_to_fuse=fused,
        target_sizes=[tuple(queries.masks.shape[-2:])],
    )[0]
    return told["segmentation"].numpy().astype(np.int32), told["segments_info"]


def test_why_the_published_rule_is_not_transformers() -> None:
    """A query with score 0.4 passes 0.25, but transformers weighs its mask by the score first: 0.4 * 0.99 is below the mask threshold."""
    queries = Queries(class_logits((PERSON, 0.9), (DOG, 0.4)), mask_logits(halves(0.99, 0.01), halves(0.01, 0.99)))
    _, found = theirs(queries, LENIENT, {SKY, GRASS})
    assert [entry["label_id"] for entry in found] == [PERSON]
    _, segments = panoptic(queries, CATEGORIES, LENIENT)
    assert [segment.category for segment in segments] == [1, 18]


def test_why_stuff_is_not_fused_by_transformers() -> None:
    """After a fused segment it counts on from that one's id: here the second person gets the first one's."""
    quarters = [[[0.99 if start <= column < start + 2 else 0.01 for column in range(8)]] * 4 for start in (0, 2, 4, 6)]
    queries = Queries(class_logits((SKY, 0.9), (PERSON, 0.9), (SKY, 0.9), (PERSON, 0.9)), mask_logits(*quarters))
    _, found = theirs(queries, LENIENT, {SKY, GRASS})
    assert [entry["id"] for entry in found] == [1, 2, 1, 2]
    ids, segments = panoptic(queries, CATEGORIES, LENIENT)
    assert ids[0].tolist() == [1, 1, 2, 2, 1, 1, 3, 3] and len(segments) == 3


@pytest.mark.parametrize("seed", range(5))
def test_equals_transformers_where_the_rules_agree(seed: int) -> None:
    """Sure queries with sharp masks that share no class of stuff: every pixel is above both thresholds, and nothing is fused."""
    draw = np.random.default_rng(seed)
    owner = torch.from_numpy(draw.integers(0, 4, (6, 6))).repeat_interleave(64, 0).repeat_interleave(64, 1)  # their grid: 384
    masks = torch.stack([torch.where(owner == k, 0.999, 0.001) for k in range(4)])
    labels = [PERSON, int(draw.integers(0, 2)), SKY, GRASS]
    queries = Queries(class_logits(*((label, 0.99 - 0.01 * k) for k, label in enumerate(labels))), torch.logit(masks))
    expected, infos = theirs(queries, STRICT, {SKY, GRASS})
    ids, segments = panoptic(queries, CATEGORIES, STRICT)
    assert np.array_equal(ids, expected)
    assert [(segment.id, segment.category) for segment in segments] == [
        (entry["id"], CATEGORIES[entry["label_id"]].id) for entry in infos
    ]
    assert [segment.score for segment in segments] == pytest.approx([entry["score"] for entry in infos], abs=1e-6)
