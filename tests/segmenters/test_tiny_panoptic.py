"""The tiny panoptic judge: targets, losses and grouping by hand; perfect maps must give the truth back."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pycocotools import mask as coco
from torch import Tensor

import semsr.plugins  # noqa: F401 (finds plugin folders)
from semsr.cards.protocol import PostProcessing
from semsr.errors import SegmenterError, WeightsError
from semsr.evaluation.semantic.truth import TrueSegment, Truth
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Category

CATEGORIES = (Category(2, "box", True), Category(7, "ball", True), Category(90, "sky", False))
RULE = PostProcessing(score=0.4, mask=0.3)


def module(name: str) -> Any:
    return importlib.import_module(f"semsr.plugins.segmenters.tiny_panoptic.{name}")


def scene() -> Truth:
    """64x64: two boxes side by side, a ball, a crowd of balls, sky, and a corner of void."""
    ids = np.full((64, 64), 5, np.int32)
    ids[8:24, 8:20], ids[8:24, 20:36], ids[40:56, 8:24], ids[40:60, 40:60], ids[:4, 56:] = 1, 2, 3, 4, 0
    told = ((1, 2, False), (2, 2, False), (3, 7, False), (4, 7, True), (5, 90, False))
    segments = tuple(TrueSegment(number, kind, crowd, int((ids == number).sum())) for number, kind, crowd in told)
    return Truth("scene", (64, 64), ids, segments, ())


def target() -> Any:
    return module("training.targets").target_of(scene(), CATEGORIES)


def test_targets_are_what_is_annotated() -> None:
    found = target()
    assert found.classes[10, 10] == 0 and found.classes[45, 45] == 1 and found.classes[63, 63] == 2
    assert found.classes[0, 63] == 255, "void must teach nothing"
    assert found.objects.unique().tolist() == [-1, 0, 1, 2, 3]
    assert (found.objects[45, 45], found.objects[63, 63]) == (-1, 0), "a crowd has no objects, stuff is none"
    assert found.centres.tolist() == [[15.5, 13.5], [15.5, 27.5], [47.5, 15.5]]


@pytest.mark.parametrize("way", range(8))
def test_turning_moves_centres_with_their_objects(way: int) -> None:
    """The centres of the turned maps, counted anew."""
    moved = target().turned(way)
    for number, centre in enumerate(moved.centres.tolist(), 1):
        rows, columns = torch.nonzero(moved.objects == number, as_tuple=True)
        assert centre == [rows.double().mean(), columns.double().mean()]


def test_the_eight_ways_differ_and_a_cut_moves_centres() -> None:
    turned = module("training.targets").turned
    odd = torch.arange(9).reshape(3, 3)
    assert len({tuple(turned(odd, way).flatten().tolist()) for way in range(8)}) == 8
    cut = target().cut(4, 6, 32)
    assert cut.classes.shape == (32, 32) and cut.centres.tolist()[0] == [11.5, 7.5]
    assert torch.equal(cut.objects, target().objects[4:36, 6:38])


def test_focal_loss_by_hand() -> None:
    """One top, one slope of 0.5, one flat cell, and one that does not count."""
    logits = torch.tensor([[[0.3, -0.2, 1.0, 5.0]]], dtype=torch.float64)
    hills = torch.tensor([[[1.0, 0.5, 0.0, 0.0]]], dtype=torch.float64)
    found = module("training.objective").focal_loss(logits, hills, torch.tensor([[[True, True, True, False]]]))
    top, slope, flat = (1 / (1 + np.exp(-value)) for value in (0.3, -0.2, 1.0))
    by_hand = -((1 - top) ** 2 * np.log(top) + 0.5**4 * slope**2 * np.log(1 - slope) + flat**2 * np.log(1 - flat))
    assert float(found) == pytest.approx(by_hand, abs=1e-12)


class _Told:
    """Annotations of one picture."""

    categories = CATEGORIES

    def truth(self, name: str) -> Truth:
        assert name == "scene"
        return scene()


def perfect(truth: Truth) -> Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]:
    """A network that knows the whole scene: the maps it ought to give."""
    place = {category.id: at for at, category in enumerate(CATEGORIES)}
    classes = torch.zeros(1, 3, 64, 64)
    centres, offsets = torch.full((1, 16, 16), -9.0), torch.zeros(1, 2, 64, 64)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    for segment in truth.segments:
        inside = torch.from_numpy(truth.panoptic == segment.id)
        classes[0, place[segment.category], inside] = 9.0
        if CATEGORIES[place[segment.category]].thing:
            row, column = y[inside].mean(), x[inside].mean()
            offsets[0, 0, inside], offsets[0, 1, inside] = row - y[inside], column - x[inside]
            if not segment.crowd:
                centres[0, int(row / 4), int(column / 4)] = 5.0
    shrunk = (F.avg_pool2d(classes, 2), centres, F.avg_pool2d(offsets, 4) / module("network").OFFSET_UNIT)
    return lambda picture: shrunk


def test_a_network_that_knows_the_answer_has_hardly_a_loss_and_another_has() -> None:
    part = {"hr": torch.rand(4, 3, 64, 64), "name": ["demo/scene"] * 4}
    objective = module("training.objective").PanopticObjective(_Told(), module("training.objective").PanopticLoss(window=64))
    torch.manual_seed(0)
    # It knows the scene as it stands: no turning.
    unturned = [0] * 4

    def randint(high: int, size: tuple[int, ...], real: Any = torch.randint) -> Tensor:
        return torch.tensor(unturned[0]) if size == () else real(high, size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randint", randint)
        four = tuple(each.expand(4, *each.shape[1:]) for each in perfect(scene())(part["hr"]))
        good = objective(lambda picture: four, part)
        moved = four[0].roll(8, -1), four[1].roll(4, -1), four[2].roll(8, -1)
        bad = objective(lambda picture: moved, part)
    assert float(good["classes"]) < 0.01 and float(good["offsets"]) < 0.05
    for name in objective.terms:
        assert float(bad[name]) > 5 * float(good[name]), name


def test_perfect_maps_give_the_truth_back() -> None:
    grouping, truth = module("grouping"), scene()
    maps = grouping.Maps.of(perfect(truth)(torch.empty(0)), (64, 64), (64, 64))
    found = grouping.find("scene", maps, CATEGORIES, RULE, grouping.Rules())
    # All but the crowd and the void, where nothing right can be said, and pixels at edges.
    kinds = {segment.id: segment.category for segment in found.segments}
    assert sorted(kinds.values()) == [2, 2, 7, 90]
    for true in truth.segments:
        if true.crowd:
            continue
        inside = truth.panoptic == true.id
        best = max(kinds, key=lambda number: int((inside & (found.panoptic == number)).sum()))
        both = found.panoptic == best
        assert kinds[best] == true.category
        if (
            CATEGORIES[-1].id != true.category and true.id != 3
        ):  # the crowd's pixels point to the nearest centre, which is the ball's
            assert (inside & both).sum() / (inside | both).sum() > 0.9
    assert found.instances is not None
    assert [each.category for each in found.instances].count(2) == 2
    for each in found.instances:
        assert each.mask is not None
        mask = coco.decode(each.mask)
        assert each.box == tuple(coco.toBbox(each.mask)) and mask.any()
    scores = [each.score for each in found.instances]
    assert scores == sorted(scores, reverse=True) and all(0 < score <= 1 for score in scores)


def test_the_protocol_s_thresholds_decide_what_is_a_segment() -> None:
    grouping = module("grouping")
    classes, centres, offsets = perfect(scene())(torch.empty(0))
    centres = centres.clone()
    centres[0, 3, 3] = 0.0  # the left box's centre: one half

    def things(score: float) -> int:
        maps = grouping.Maps.of((classes, centres, offsets), (64, 64), (64, 64))
        found = grouping.find("scene", maps, CATEGORIES, PostProcessing(score=score), grouping.Rules())
        assert found.instances is not None and len(found.instances) == 3, "instances are not bound by the segments' threshold"
        return sum(segment.category != 90 for segment in found.segments)

    assert (things(0.4), things(0.6)) == (3, 2)
    dull = grouping.Maps.of((classes * 0.05, centres, offsets), (64, 64), (64, 64))
    sure = grouping.find("scene", dull, CATEGORIES, PostProcessing(score=0.4, mask=0.6), grouping.Rules())
    assert not sure.panoptic.any() and sure.segments == () and (sure.classes >= 0).all()


def _weights(path: Path, categories: tuple[Category, ...] = CATEGORIES, **changes: Any) -> Path:
    torch.manual_seed(0)
    network = module("network").PanopticNetwork([each.id for each in categories], [each.thing for each in categories])
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    safetensors.torch.save_file({name: tensor for name, tensor in {**tensors, **changes}.items() if tensor is not None}, path)
    return path


def test_any_size_is_answered_at_any_size_and_twice_alike(
    make: Callable[..., Segmenter], picture: Callable[..., Tensor], tmp_path: Path
) -> None:
    files = {"generator": _weights(tmp_path / "generator.safetensors")}
    segmenter = make(
        "tiny-panoptic", {"candidate": 0.0}, files=files, categories=CATEGORIES, rule=PostProcessing(score=0.0, mask=0.0)
    )
    for size in ((50, 70), (100, 35)):
        with torch.inference_mode():
            first, again = (segmenter.segment("one", picture(50, 70), size) for _ in range(2))
        assert first.size == size and first.panoptic is not None and first.classes is not None
        assert first.panoptic.shape == first.classes.shape == size
        assert _ids(first.panoptic) == {segment.id for segment in first.segments}
        assert np.array_equal(first.panoptic, again.panoptic) and first.segments == again.segments  # type: ignore[arg-type]
        assert first.instances == again.instances


def _ids(map_: NDArray[np.int32]) -> set[int]:
    return {int(number) for number in np.unique(map_)} - {0}


@pytest.mark.parametrize(
    ("categories", "changes", "kind", "said"),
    [
        (CATEGORIES[:2], {}, SegmenterError, r"trained on 2 classes, ids 2t, 7t; these annotations have 3, ids 2t, 7t, 90s"),
        (CATEGORIES, {"things": torch.tensor([True, False, True])}, SegmenterError, "ids 2t, 7s, 90t"),
        (CATEGORIES, {"category_ids": None}, WeightsError, "does not say which classes it knows"),
        (CATEGORIES, {"classes.1.bias": None}, WeightsError, r"not weights of tiny-panoptic's network .*classes\.1\.bias"),
    ],
)
def test_weights_of_other_classes_or_networks_are_one_line(
    make: Callable[..., Segmenter], tmp_path: Path, categories: Any, changes: Any, kind: type[Exception], said: str
) -> None:
    files = {"generator": _weights(tmp_path / "generator.safetensors", categories, **changes)}
    with pytest.raises(kind, match=said) as caught:
        make("tiny-panoptic", {}, files=files, categories=CATEGORIES)
    assert "\n" not in str(caught.value)


def test_weights_that_are_no_numbers_are_one_line(
    make: Callable[..., Segmenter], picture: Callable[..., Tensor], tmp_path: Path
) -> None:
    files = {"generator": _weights(tmp_path / "generator.safetensors", **{"classes.1.bias": torch.full((3,), torch.nan)})}
    segmenter = make("tiny-panoptic", {}, files=files, categories=CATEGORIES)
    with pytest.raises(SegmenterError, match="tiny-panoptic: one: values that are not finite"):
        segmenter.segment("one", picture(32, 32), (32, 32))
