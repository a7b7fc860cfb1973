"""Windows over whole pictures against sub-images cut plainly, one loop over rows and one over columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from semsr.errors import SemsrError
from semsr.imaging.pictures import Rgb
from semsr.preparation.manifest import Prepared
from semsr.training.crops import Patch
from semsr.training.index import Source
from semsr.training.lowres import PairedLr
from semsr.training.patches import TrainingPictures
from semsr.training.subimages import SubImages, Windows


def cut_plainly(picture: Rgb, size: int, step: int, threshold: int) -> list[Rgb]:
    """What the published scripts do: regular places, and one more at the edge where more than `threshold` pixels are left over."""
    height, width = picture.shape[:2]
    tops, lefts = np.arange(0, height - size + 1, step), np.arange(0, width - size + 1, step)
    if height - (tops[-1] + size) > threshold:
        tops = np.append(tops, height - size)
    if width - (lefts[-1] + size) > threshold:
        lefts = np.append(lefts, width - size)
    return [picture[top : top + size, left : left + size] for top in tops for left in lefts]


def windows_of(pictures: list[Rgb], cut: SubImages) -> list[Rgb]:
    windows = Windows(np.array([picture.shape[:2] for picture in pictures], np.int32), cut)
    found = []
    for number in range(len(windows)):
        at, box = windows[number]
        found.append(pictures[at][box.top : box.top + box.height, box.left : box.left + box.width])
    return found


@pytest.mark.parametrize("threshold", [0, 5, 40])
@pytest.mark.parametrize("size, step", [(48, 24), (48, 48), (50, 7), (40, 60)])
def test_equals_plain_cutting(make_coded: Callable[..., Rgb], size: int, step: int, threshold: int) -> None:
    shapes = [(50, 50), (72, 72), (73, 96), (120, 51), (97, 130), (144, 145)]
    pictures = [make_coded(*shape, number) for number, shape in enumerate(shapes)]
    plain = [part for picture in pictures for part in cut_plainly(picture, size, step, threshold)]
    windows = windows_of(pictures, SubImages(size, step, threshold))
    assert len(windows) == len(plain)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(windows, plain, strict=True))


def test_seds_own_numbers_on_a_picture_of_div2k_size(make_coded: Callable[..., Rgb]) -> None:
    """2040 x 1356: tops 0..720 and 876, lefts 0..1440 and 1560; LR 510 x 339 in 120 every 60 gives the same squares."""
    cut = Windows(np.array([[1356, 2040]], np.int32), SubImages())
    boxes = [cut[number][1] for number in range(len(cut))]
    assert sorted({box.top for box in boxes}) == [0, 240, 480, 720, 876]
    assert sorted({box.left for box in boxes}) == [0, 240, 480, 720, 960, 1200, 1440, 1560]
    assert len(cut) == 40 and {(box.height, box.width) for box in boxes} == {(480, 480)}
    low = Windows(np.array([[339, 510]], np.int32), SubImages(120, 60))
    assert [low[number][1].scaled(4) for number in range(len(low))] == boxes


def test_pictures_smaller_than_a_sub_image_are_one_window() -> None:
    windows = Windows(np.array([[30, 100], [20, 20]], np.int32), SubImages(48, 24))
    assert [(windows[n][0], windows[n][1].left, windows[n][1].height, windows[n][1].width) for n in range(len(windows))] == [
        (0, 0, 30, 48), (0, 24, 30, 48), (0, 48, 30, 48), (0, 52, 30, 48), (1, 0, 20, 20)
    ]  # fmt: skip


def test_patches_of_windows_are_patches_of_cut_sub_images(make_set: Callable[..., Prepared], photographs: Any) -> None:
    """Patches as large as the sub-images are the sub-images themselves, HR and LR, on real photographs."""
    pairs = {name: pair for name, pair in photographs("set5_gtmod12").items() if min(pair[0].shape[:2]) >= 240}
    dataset = TrainingPictures([Source(make_set(pairs))], Patch(240, cut=SubImages(240, 120)), lr=PairedLr(), flips="none")
    plain = Counter(
        (hr.tobytes(), lr.tobytes())
        for big, small in pairs.values()
        for hr, lr in zip(cut_plainly(big, 240, 120, 0), cut_plainly(small, 60, 30, 0), strict=True)
    )
    ours: Counter[tuple[bytes, bytes]] = Counter()
    for number in range(len(dataset)):
        sample = dataset[0, number]
        ours[tuple(pixels(sample[key]).tobytes() for key in ("hr", "lr"))] += 1  # type: ignore[literal-required,index]
    assert ours == plain and len(dataset) > len(pairs)


def pixels(tensor: Any) -> Rgb:
    return np.ascontiguousarray((tensor * 255).round().byte().numpy().transpose(1, 2, 0))


def test_positions_weigh_as_in_cut_sub_images(make_set: Callable[..., Prepared], make_coded: Callable[..., Rgb]) -> None:
    """A patch may begin at any place of any sub-image: the places of all epochs are exactly those, the overlaps more often."""
    dataset = TrainingPictures(
        [Source(make_set({"a": (make_coded(32, 56), make_coded(32, 56)[::4, ::4])}))],
        Patch(16, cut=SubImages(32, 16)), lr=PairedLr(), flips="none",
    )  # fmt: skip
    assert len(dataset) == 3  # lefts 0, 16, 24
    found = Counter(tuple(int(v) for v in pixels(dataset[e, n]["hr"])[0, 0, :2]) for e in range(400) for n in range(3))
    expected: Counter[tuple[int, int]] = Counter(
        (top, left + shift) for left in (0, 16, 24) for top in range(0, 17, 4) for shift in range(0, 17, 4)
    )
    assert set(found) == set(expected)
    for place, weight in expected.items():
        mean = 400 * weight / 25
        assert abs(found[place] - mean) < 5 * mean**0.5


@pytest.mark.parametrize("keys", [{"size": 0}, {"step": 0}, {"threshold": -1}])
def test_impossible_sub_images(keys: dict[str, int]) -> None:
    with pytest.raises(SemsrError, match="at least 1"):
        SubImages(**keys)
