"""Samples: what is cut where, how it lies, and that HR and LR belong together, on real pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from semsr.errors import PictureError
from semsr.imaging.degradation.parameters import FULL
from semsr.imaging.degradation.recipe import Recipe, degrade
from semsr.imaging.pictures import Rgb
from semsr.imaging.resize import Dialect, bicubic_uint8
from semsr.preparation.manifest import Prepared
from semsr.training.crops import Patch, Resized
from semsr.training.flips import Flip
from semsr.training.index import Source
from semsr.training.lowres import BicubicLr, DegradedLr, PairedLr
from semsr.training.patches import Sample, TrainingPictures


def pixels(tensor: Tensor) -> Rgb:
    return np.ascontiguousarray((tensor * 255).round().byte().numpy().transpose(1, 2, 0))


def same(one: Sample, other: Sample) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(a, other[key]) if isinstance(a, Tensor) else a == other[key]  # type: ignore[literal-required]
        for key, a in one.items()
    )


def every(dataset: TrainingPictures, epochs: int = 1) -> list[Sample]:
    return [dataset[epoch, number] for epoch in range(epochs) for number in range(len(dataset))]


def test_a_sample_is_float32_in_0_to_1_with_its_name(demo: Prepared) -> None:
    for number, sample in enumerate(every(TrainingPictures([Source(demo)], Patch(64), lr=PairedLr()))):
        assert sample["name"] == f"demo/p{number}"
        assert sample["hr"].dtype == sample["lr"].dtype == torch.float32
        assert sample["hr"].shape == (3, 64, 64) and sample["lr"].shape == (3, 16, 16)
        assert sample["hr"].min() >= 0 and sample["hr"].max() <= 1
        assert torch.equal(sample["hr"], torch.from_numpy(pixels(sample["hr"])).permute(2, 0, 1).float() / 255)
    assert "lr" not in TrainingPictures([Source(demo)], Patch(64))[0, 0]


# HR and LR belong together.


@pytest.mark.parametrize("name, dialect, size", [
    ("set5_gtmod12", "symmetric", 128), ("set5", "replicate", 128), ("set14", "replicate", 192)
])  # fmt: skip
@pytest.mark.parametrize("flips", ["all", "none"])
def test_the_crop_of_published_lr_is_the_lr_of_the_crop(
    make_set: Any, photographs: Any, name: str, dialect: Dialect, size: int, flips: Any
) -> None:
    """Published LR files, cut, against MATLAB bicubic of the HR around the same patch: equal in every pixel, edges and flips included."""
    data = Source(make_set(photographs(name)))
    files = TrainingPictures([data], Patch(size), lr=PairedLr(), flips=flips)
    made = TrainingPictures([data], Patch(size), lr=BicubicLr(dialect), flips=flips)
    for one, other in zip(every(files, 3), every(made, 3), strict=True):
        assert same(one, other)


def test_patches_as_large_as_the_picture_and_at_its_edges(make_set: Any, photographs: Any) -> None:
    hr, _ = next(iter(photographs("set5_gtmod12").values()))
    side = min(hr.shape[:2]) // 4 * 4
    square = {"a": (hr[:side, :side], None)}
    sample = TrainingPictures([Source(make_set(square))], Patch(side), lr=BicubicLr(), flips="none")[0, 0]
    assert np.array_equal(pixels(sample["hr"]), hr[:side, :side])
    assert np.array_equal(pixels(sample["lr"]), bicubic_uint8(hr[:side, :side], 0.25))


def test_real_pairs_stay_aligned(make_set: Any, photographs: Any) -> None:
    """RealSR's LR is no bicubic of HR, but lies closer to it than to its neighbours and its other seven positions."""
    pairs = dict(list(photographs("realsr_crop128").items())[::9])
    for sample in every(TrainingPictures([Source(make_set(pairs))], Patch(256), lr=PairedLr()), 2):
        small = F.avg_pool2d(sample["hr"][None], 4)[0]
        lr = sample["lr"]

        def error(other: Tensor, lr: Tensor = lr) -> float:
            return float((other - lr)[:, 4:-4, 4:-4].abs().mean())

        others = [torch.rot90(m, k, (1, 2)) for m in (small, small.flip(2)) for k in range(4)][1:]
        others += [torch.roll(small, shift, (1, 2)) for shift in ((3, 0), (-3, 0), (0, 3), (0, -3))]
        assert error(small) < min(map(error, others))


def test_cut_where_it_was_drawn(demo: Prepared, make_coded: Any) -> None:
    """Rows and columns are written in the pixels: HR starts at four times LR's place, and lies as LR does."""
    for sample in every(TrainingPictures([Source(demo)], Patch(32), lr=PairedLr()), 20):
        hr, lr = pixels(sample["hr"]).astype(int), pixels(sample["lr"]).astype(int)
        places = {(int(y), int(x)) for y, x in hr[..., :2].reshape(-1, 2)}
        top, left = min(places)
        assert top % 4 == left % 4 == 0 and places == {(top + y, left + x) for y in range(32) for x in range(32)}
        assert {(int(y), int(x)) for y, x in lr[..., :2].reshape(-1, 2)} == {
            (top + 4 * y, left + 4 * x) for y in range(8) for x in range(8)
        }
        along_rows, along_columns = hr[1, 0, :2] - hr[0, 0, :2], hr[0, 1, :2] - hr[0, 0, :2]
        assert np.array_equal(lr[1, 0, :2] - lr[0, 0, :2], 4 * along_rows)
        assert np.array_equal(lr[0, 1, :2] - lr[0, 0, :2], 4 * along_columns)


@pytest.mark.parametrize("lr, step", [(PairedLr(), 4), (BicubicLr(), 4), (None, 1)])
def test_every_place_occurs_edges_included(make_set: Any, make_coded: Any, lr: Any, step: int) -> None:
    hr = make_coded(40, 28)
    dataset = TrainingPictures([Source(make_set({"a": (hr, hr[::4, ::4])}))], Patch(16), lr=lr, flips="none")
    found = Counter(
        tuple(int(v) for v in pixels(dataset[epoch, 0]["hr"])[0, 0, :2]) for epoch in range(5000 if step == 1 else 600)
    )
    assert set(found) == {(y, x) for y in range(0, 25, step) for x in range(0, 13, step)}


# How it lies.


def test_flips_are_the_eight_elements() -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    ours = {Flip(h, v, t)(picture).tobytes() for h in (False, True) for v in (False, True) for t in (False, True)}
    group = {np.ascontiguousarray(np.rot90(m, k)).tobytes() for m in (picture, picture[:, ::-1]) for k in range(4)}
    assert ours == group and len(group) == 8


@pytest.mark.parametrize("flips, elements", [("all", 8), ("horizontal", 2), ("none", 1)])
def test_flips_occur_alike_often(make_set: Any, make_coded: Any, flips: Any, elements: int) -> None:
    hr = make_coded(16, 16)
    dataset = TrainingPictures([Source(make_set({"a": (hr, hr[::4, ::4])}))], Patch(16), lr=PairedLr(), flips=flips)
    found = Counter(pixels(dataset[epoch, 0]["hr"]).tobytes() for epoch in range(800))
    group = {
        "all": {np.ascontiguousarray(np.rot90(m, k)).tobytes() for m in (hr, hr[:, ::-1]) for k in range(4)},
        "horizontal": {hr.tobytes(), hr[:, ::-1].tobytes()},
        "none": {hr.tobytes()},
    }[flips]
    assert set(found) == group and len(group) == elements
    assert all(abs(count - 800 / elements) < 5 * (800 / elements) ** 0.5 for count in found.values())


# Degradation while training.


def test_a_degraded_patch_is_the_recipes_own(demo: Prepared) -> None:
    recipe = Recipe(FULL, seed=3)
    dataset = TrainingPictures([Source(demo)], Patch(48), lr=DegradedLr(recipe), seed=9)
    for epoch, number in ((0, 0), (0, 4), (5, 4)):
        sample = dataset[epoch, number]
        expected = degrade(pixels(sample["hr"]), recipe, f"9/{epoch}/{number}", place=epoch * len(dataset) + number)
        assert np.array_equal(pixels(sample["lr"]), expected.lr)
    assert not torch.equal(dataset[0, 4]["lr"], dataset[1, 4]["lr"])
    other = TrainingPictures([Source(demo)], Patch(48), lr=DegradedLr(recipe), seed=10)
    assert not torch.equal(dataset[0, 4]["lr"], other[0, 4]["lr"])


def test_sharpened_ground_truth_is_what_hr_becomes(demo: Prepared) -> None:
    plain, sharp = (
        TrainingPictures([Source(demo)], Patch(48), lr=DegradedLr(Recipe(FULL, ground_truth=kind))) for kind in ("plain", "sharpened")
    )  # fmt: skip
    one, other = plain[0, 0], sharp[0, 0]
    assert torch.equal(one["lr"], other["lr"]) and not torch.equal(one["hr"], other["hr"])


def test_the_context_is_degraded_and_the_patch_cut_from_it(demo: Prepared) -> None:
    recipe = Recipe(FULL)
    dataset = TrainingPictures(
        [Source(demo)], Patch(32, small="reflect"), lr=DegradedLr(recipe, context=64), flips="none", seed=1
    )
    around = TrainingPictures([Source(demo)], Patch(64, small="reflect"), lr=DegradedLr(recipe), flips="none", seed=1)
    places = set()
    for epoch in range(6):
        patch, whole = dataset[epoch, 3], around[epoch, 3]
        hr, lr = whole["hr"].unfold(1, 32, 4).unfold(2, 32, 4), whole["lr"].unfold(1, 8, 1).unfold(2, 8, 1)
        fits = [
            (y, x) for y in range(9) for x in range(9) if torch.equal(hr[:, y, x], patch["hr"]) and torch.equal(lr[:, y, x], patch["lr"])
        ]  # fmt: skip
        assert fits
        places.add(fits[0])
    assert len(places) > 3


# Small pictures, whole pictures, other files.


@pytest.mark.parametrize("lr", [None, BicubicLr(), DegradedLr(Recipe(FULL))])
def test_small_pictures_are_mirrored_below_and_on_the_right(make_set: Any, make_coded: Any, lr: Any) -> None:
    hr = make_coded(41, 20)
    sample = TrainingPictures([Source(make_set({"a": (hr, None)}))], Patch(32, small="reflect"), lr=lr, flips="none")[0, 0]
    found = pixels(sample["hr"])
    top = int(found[0, 0, 0])
    columns = [*range(20), *range(18, 6, -1)]  # the edge pixel, 19, is not repeated
    assert [int(v) for v in found[0, :, 1]] == columns
    assert np.array_equal(found[..., 0], np.repeat(np.arange(top, top + 32)[:, None], 32, axis=1))


def test_bicubic_of_a_mirrored_picture_is_that_of_its_extension(make_set: Any, photographs: Any) -> None:
    hr = next(iter(photographs("set5").values()))[0][:150, :90]
    dataset = TrainingPictures([Source(make_set({"a": (hr, None)}))], Patch(128, small="reflect"), lr=BicubicLr(), flips="none")
    extended = np.pad(hr, ((0, 0), (0, 38), (0, 0)), mode="reflect")
    whole = bicubic_uint8(extended, 0.25)
    tops = set()
    for epoch in range(8):
        sample = dataset[epoch, 0]
        top = next(y for y in range(0, 23, 4) if np.array_equal(extended[y : y + 128], pixels(sample["hr"])))
        assert np.array_equal(whole[top // 4 : top // 4 + 32], pixels(sample["lr"]))
        tops.add(top)
    assert len(tops) > 2


def test_whole_pictures_are_brought_to_a_square(make_set: Any, photographs: Any) -> None:
    hr = next(iter(photographs("set5").values()))[0][:, :200]
    sample = TrainingPictures([Source(make_set({"a": (hr, None)}))], Resized(128), lr=BicubicLr(), flips="none")[0, 0]
    assert np.array_equal(pixels(sample["hr"]), np.asarray(Image.fromarray(hr).resize((128, 128), Image.Resampling.LANCZOS)))
    assert sample["lr"].shape == (3, 32, 32)


def test_jpeg_originals_and_grey_ones(make_set: Callable[..., Prepared], photographs: Any) -> None:
    """Files that kept their JPEG bytes give the same samples as their decoded pixels in PNG; grey ones where the card allows them."""
    pairs = {key: (hr, None) for key, (hr, _) in photographs("set5").items()}
    jpegs = make_set(pairs, "jpegs", jpeg=True, grey="replicate")
    Image.open(jpegs.train[0].hr).convert("L").save(jpegs.train[0].hr, quality=95)
    decoded = {entry.name: (np.asarray(Image.open(entry.hr).convert("RGB")), None) for entry in jpegs.train}
    assert all(entry.hr is not None and entry.hr.suffix == ".jpg" for entry in jpegs.train)
    for one, other in zip(
        every(TrainingPictures([Source(jpegs)], Patch(128))),
        every(TrainingPictures([Source(make_set(decoded, "pngs"))], Patch(128))),
        strict=True,
    ):
        assert torch.equal(one["hr"], other["hr"])
    refused = make_set(pairs, "refused", jpeg=True)
    Image.open(refused.train[0].hr).convert("L").save(refused.train[0].hr)
    with pytest.raises(PictureError, match="only 8-bit RGB"):
        TrainingPictures([Source(refused)], Patch(128))[0, 0]


def test_several_data_sets_are_joined(make_set: Any, make_coded: Any) -> None:
    one = make_set({"a": (make_coded(16, 16, 1), None), "b": (make_coded(16, 16, 2), None)}, "one")
    two = make_set({"a": (make_coded(16, 16, 3), None)}, "two")
    dataset = TrainingPictures([Source(one), Source(two)], Patch(16), flips="none")
    assert [(s["name"], int(pixels(s["hr"])[0, 0, 2])) for s in every(dataset)] == [("one/a", 1), ("one/b", 2), ("two/a", 3)]


def test_tags_come_with_their_picture(make_set: Any, make_coded: Any, tmp_path: Any) -> None:
    (tmp_path / "tags").mkdir()
    for name in "ab":
        (tmp_path / "tags" / f"{name}.txt").write_text(f"tree, {name}, naïve\n", encoding="utf-8")
    data = make_set({name: (make_coded(16, 16), None) for name in "ab"})
    dataset = TrainingPictures([Source(data, tags=tmp_path / "tags")], Patch(16))
    assert [s["tags"] for s in every(dataset)] == ["tree, a, naïve", "tree, b, naïve"]
