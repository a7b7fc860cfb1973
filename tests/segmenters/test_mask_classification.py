"""Mask2Former and OneFormer through transformers, end to end with small random networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from semsr.cards.protocol import PostProcessing
from semsr.errors import SegmenterError, WeightsError
from semsr.project import Project
from semsr.segmentation.checks import broken
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Category, Found

BOTH = pytest.mark.parametrize("name", ["mask2former", "oneformer"])
INPUT = {"shortest": 64, "longest": 96, "multiple": 32}
NONE = PostProcessing(score=0.0, mask=0.3, overlap=0.0)


@pytest.fixture
def small(make: Any, config: Any, clip_files: dict[str, Path]) -> Callable[..., Segmenter]:
    """A segmenter with a small random network, its options changed."""

    def small(name: str, rule: PostProcessing = NONE, **options: Any) -> Segmenter:
        given = {"config": config(name), "input": INPUT} | options
        segmenter: Segmenter = make(name, given, files=clip_files if name == "oneformer" else {}, rule=rule)
        return segmenter

    return small


def same(a: Found, b: Found) -> bool:
    return (
        np.array_equal(a.panoptic, b.panoptic)
        and a.segments == b.segments
        and np.array_equal(a.classes, b.classes)
        and a.instances == b.instances
    )


@BOTH
@pytest.mark.parametrize("size", [(60, 80), (30, 40), (97, 61)])
def test_it_answers_at_the_size_asked_for(
    small: Any, picture: Any, project: Project, categories: tuple[Category, ...], name: str, size: tuple[int, int]
) -> None:
    found = small(name).segment("a", picture(), size)
    assert broken(project.segmenter(name), found, categories, size) is None
    assert found.segments and found.instances, "a random network finds something when nothing is cut off"


@BOTH
def test_thresholds_come_from_the_protocol(small: Any, picture: Any, name: str) -> None:
    """A random network is never sure: 0 keeps every query whose mask is there, 0.25 and 0.8 none."""
    loose, strict = small(name), small(name, PostProcessing(score=0.8))
    assert loose.segment("a", picture(), (60, 80)).segments
    assert strict.segment("a", picture(), (60, 80)).segments == ()
    few = small(name, PostProcessing(score=0.0, mask=0.3, detections=3)).segment("a", picture(), (60, 80)).instances
    assert few is not None and len(few) <= 3


@BOTH
def test_the_two_published_pairs_of_thresholds_give_different_maps(
    small: Any, picture: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """0.25 / 0.5 / 0.8 against 0.8 / 0.5 / 0.8 on the same logits: those of the random network, made sure to different degrees."""
    maps = []
    for score in (0.25, 0.8):
        segmenter = small(name, PostProcessing(score=score, mask=0.5, overlap=0.8))
        outputs = segmenter.outputs

        def sharper(pixels: Tensor, answer: str, outputs: Any = outputs) -> Any:
            raw = outputs(pixels, answer)
            wanted = torch.zeros_like(raw.class_queries_logits)
            masks = torch.full_like(raw.masks_queries_logits, -9.0)
            for k, sure in enumerate((6.0, 2.5, 6.0)):  # probabilities 0.99, 0.71, 0.99
                wanted[0, k, k] = sure
                masks[0, k, :, 6 * k : 6 * k + 6] = 9.0
            wanted[0, 3:, -1] = 9.0
            raw.class_queries_logits, raw.masks_queries_logits = wanted, masks
            return raw

        monkeypatch.setattr(segmenter, "outputs", sharper)
        maps.append(segmenter.segment("a", picture(), (60, 80)))
    assert [segment.category for segment in maps[0].segments] == [1, 18, 95]
    assert [segment.category for segment in maps[1].segments] == [1, 95]
    assert not np.array_equal(maps[0].panoptic, maps[1].panoptic)


@BOTH
def test_by_transformers_equals_its_post_processing_called_directly(
    small: Any, picture: Any, categories: tuple[Category, ...], name: str
) -> None:
    """Their map with nothing fused, pixel by pixel; ours then fuses stuff."""
    rule = PostProcessing(score=0.0, mask=0.1, overlap=0.0)
    segmenter: Any = small(name, rule, panoptic="transformers")
    given = picture(64, 96)
    found = segmenter.segment("a", given, (60, 80))
    pixels, _ = segmenter.sizing.prepare(given)
    told = segmenter.processor().post_process_panoptic_segmentation(
        segmenter.outputs(pixels, "panoptic"),
        threshold=0.0,
        mask_threshold=0.1,
        overlap_mask_area_threshold=0.0,
        label_ids_to_fuse=set(),
        target_sizes=[(60, 80)],
    )[0]
    assert told["segments_info"], "the case is empty"
    theirs = told["segmentation"].numpy().astype(int)
    category = {entry["id"]: categories[entry["label_id"]] for entry in told["segments_info"]}
    of = {segment.id: segment.category for segment in found.segments}
    assert found.panoptic is not None
    assert np.array_equal(found.panoptic == 0, theirs <= 0)
    for number, expected in category.items():
        ours = set(np.unique(found.panoptic[theirs == number]).tolist())
        assert len(ours) == 1 and {of[each] for each in ours} == {expected.id}
    things = [number for number, each in category.items() if each.thing]
    stuff = {each.id for each in category.values() if not each.thing}
    assert len(found.segments) == len(things) + len(stuff)


@BOTH
def test_a_checkpoint_is_saved_loaded_and_answers_the_same(
    small: Any, make: Any, picture: Any, clip_files: dict[str, Path], tmp_path: Path, name: str
) -> None:
    drawn: Any = small(name)
    drawn.network.save_pretrained(tmp_path / "checkpoint")
    weights, config = tmp_path / "checkpoint" / "model.safetensors", tmp_path / "checkpoint" / "config.json"
    files = {"weights": weights, "config": config} | (clip_files if name == "oneformer" else {})
    loaded = make(name, {"input": INPUT}, files=files, rule=NONE)
    assert same(drawn.segment("a", picture(), (60, 80)), loaded.segment("a", picture(), (60, 80)))
    # As torch.save writes it, too.
    plain = tmp_path / "pytorch_model.bin"
    torch.save(dict(drawn.network.state_dict()), plain)
    loaded = make(name, {"input": INPUT}, files={**files, "weights": plain}, rule=NONE)
    assert same(drawn.segment("a", picture(), (60, 80)), loaded.segment("a", picture(), (60, 80)))


@BOTH
def test_weights_that_do_not_fit_are_one_line(
    small: Any, make: Any, clip_files: dict[str, Path], tmp_path: Path, name: str
) -> None:
    drawn: Any = small(name)
    drawn.network.save_pretrained(tmp_path / "checkpoint")
    config, weights = tmp_path / "checkpoint" / "config.json", tmp_path / "pytorch_model.bin"
    files = {"weights": weights, "config": config} | (clip_files if name == "oneformer" else {})
    state = dict(drawn.network.state_dict())
    first = next(key for key in state if key.endswith("embeddings.norm.weight"))
    for changed, says in (
        ({key: value for key, value in state.items() if key != first}, "lacks"),
        ({**state, "something.else": torch.zeros(2)}, "holds what is not known: 'something.else'"),
        ({**state, first: torch.zeros(3)}, r"is \(3,\), expected \(8,\)"),
    ):
        torch.save(changed, weights)
        with pytest.raises(WeightsError, match=rf"pytorch_model\.bin: not the weights of [^\n]*{says}[^\n]*$"):
            make(name, {"input": INPUT}, files=files)
    weights.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin: [^\n]+$"):
        make(name, {"input": INPUT}, files=files)


@BOTH
def test_other_classes_are_one_line(make: Any, config: Any, clip_files: dict[str, Path], categories: Any, name: str) -> None:
    with pytest.raises(SegmenterError, match="knows 5 classes, the data set has 4 categories"):
        make(name, {"config": config(name), "input": INPUT}, files=clip_files, categories=categories[:4])
    names = {str(k): each.name for k, each in enumerate(categories)}
    make(name, {"config": config(name) | {"id2label": names}, "input": INPUT}, files=clip_files)
    with pytest.raises(SegmenterError, match="class 1 is 'cat', the data set's category in that place is 'dog'"):
        make(name, {"config": config(name) | {"id2label": names | {"1": "cat"}}, "input": INPUT}, files=clip_files)


@BOTH
def test_what_is_missing_or_of_another_model_is_one_line(
    make: Any, config: Any, clip_files: dict[str, Path], tmp_path: Path, name: str
) -> None:
    with pytest.raises(SegmenterError, match=rf"{name}: no config\.json among its files"):
        make(name, {}, files=clip_files)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config(name)))
    with pytest.raises(SegmenterError, match=r"none of model\.safetensors, pytorch_model\.bin among its files"):
        make(name, {}, files={"config": path, **clip_files})
    for text, says in (
        ('{"model_type": "bert"}', "found 'bert', allowed"),
        ("{", "not the config"),
        ("[]", "not the config"),
        ("[" * 100_000, "not the config"),
    ):
        path.write_text(text)
        with pytest.raises(SegmenterError, match=rf"config\.json: [^\n]*{says}[^\n]*$"):
            make(name, {}, files={"config": path, **clip_files})
    with pytest.raises(SegmenterError, match="options: config: no network can be made of it"):
        make(name, {"config": config(name) | {"hidden_dim": 33}}, files=clip_files)


@BOTH
def test_options_that_can_t_be_are_one_line(make: Any, name: str) -> None:
    with pytest.raises(SegmenterError, match=r"options: panoptic: found 'theirs'; allowed: published, transformers"):
        make(name, {"panoptic": "theirs"})
    if name == "oneformer":
        with pytest.raises(SegmenterError, match=r"options: task: found 'all'; allowed: each, panoptic"):
            make(name, {"task": "all"})
        with pytest.raises(SegmenterError, match=r"no vocab\.json and merges\.txt among its files"):
            make(name, {})


def test_oneformer_is_told_each_task_or_one(small: Any, picture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for task, expected in (("each", ["panoptic", "instance", "semantic"]), ("panoptic", ["panoptic"])):
        segmenter = small("oneformer", task=task)
        told: list[str] = []
        outputs = segmenter.outputs
        monkeypatch.setattr(
            segmenter,
            "outputs",
            lambda pixels, answer, outputs=outputs, told=told: (told.append(answer), outputs(pixels, answer))[1],
        )
        segmenter.segment("a", picture(), (60, 80))
        assert told == expected


def test_values_that_are_not_finite_are_one_line(small: Any, picture: Any) -> None:
    segmenter: Any = small("mask2former")
    with torch.no_grad():
        segmenter.network.class_predictor.bias.fill_(float("nan"))
    with pytest.raises(SegmenterError, match=r"mask2former: a: values that are not finite"):
        segmenter.segment("a", picture(), (60, 80))
