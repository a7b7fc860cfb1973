"""Resizing against the published LR pictures, Pillow's float resampler, and the definition in exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semsr.imaging.pictures import picture_files, read_rgb
from semsr.imaging.resize import Dialect, bicubic_uint8, resize, round_half_up

PUBLISHED: list[tuple[str, Dialect, float]] = [
    ("set5_gtmod12", "symmetric", 28.397),
    ("set5", "replicate", 28.432),
    ("set14", "replicate", 26.093),
]


def luma(rgb: np.ndarray) -> np.ndarray:
    """BT.601, 16-235, not rounded: MATLAB's rgb2ycbcr."""
    red, green, blue = np.moveaxis(rgb.astype(np.float64), 2, 0)
    return (65.481 * red + 128.553 * green + 24.966 * blue) / 255.0 + 16.0


@pytest.mark.parametrize(("name", "dialect", "_"), PUBLISHED)
def test_lr_equals_the_published_files_in_every_pixel(test_data: Path, name: str, dialect: Dialect, _: float) -> None:
    for stem, path in picture_files(test_data / name / "hr").items():
        lr = read_rgb(test_data / name / "lr_x4" / f"{stem}.png", grey="replicate")
        made = bicubic_uint8(read_rgb(path, grey="replicate"), 0.25, dialect=dialect)
        assert np.array_equal(made, lr), f"{name}/{stem}: {np.count_nonzero(made != lr)} values differ"


@pytest.mark.parametrize(("name", "dialect", "_"), PUBLISHED)
def test_the_other_dialect_does_not_fit(test_data: Path, name: str, dialect: Dialect, _: float) -> None:
    other: Dialect = "replicate" if dialect == "symmetric" else "symmetric"
    for stem, path in picture_files(test_data / name / "hr").items():
        lr = read_rgb(test_data / name / "lr_x4" / f"{stem}.png", grey="replicate")
        assert np.mean(bicubic_uint8(read_rgb(path, grey="replicate"), 0.25, dialect=other) == lr) < 0.99


@pytest.mark.parametrize(("name", "_", "published"), PUBLISHED)
def test_upscaling_has_the_published_psnr(test_data: Path, name: str, _: str, published: float) -> None:
    values = []
    for stem, path in picture_files(test_data / name / "hr").items():
        hr = read_rgb(path, grey="replicate")
        sr = bicubic_uint8(read_rgb(test_data / name / "lr_x4" / f"{stem}.png", grey="replicate"), 4)
        error = (luma(sr) - luma(hr))[4:-4, 4:-4]
        values.append(10 * np.log10(255.0**2 / np.mean(error**2)))
    assert np.mean(values) == pytest.approx(published, abs=0.002)


@pytest.mark.parametrize("size", [(16, 24), (13, 9), (64, 50), (100, 130), (131, 97)])
def test_interior_agrees_with_pillow(size: tuple[int, int]) -> None:
    """Pillow's float resampler has the same kernel but other borders."""
    picture = np.random.default_rng(1).uniform(0, 255, (64, 50)).astype(np.float32)
    pillow = np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))
    margin = [ceil(3 * max(1, out / inside)) for out, inside in zip(size, picture.shape, strict=True)]
    inner = tuple(slice(edge, -edge) for edge in margin)
    ours = resize(picture, size=size)
    assert ours.shape == size
    assert np.abs(ours - pillow)[inner].max() < 1e-3


def by_definition(values: list[int], scale: Fraction, mirrored: bool) -> list[Fraction]:
    """One dimension, straight from Keys' formula over the picture continued beyond its edges, without any rounding."""

    def kernel(x: Fraction) -> Fraction:
        x = abs(x)
        if x <= 1:
            return Fraction(3, 2) * x**3 - Fraction(5, 2) * x**2 + 1
        return -Fraction(1, 2) * x**3 + Fraction(5, 2) * x**2 - 4 * x + 2 if x < 2 else Fraction(0)

    def beyond(k: int) -> int:
        if not mirrored:
            return values[min(max(k, 0), len(values) - 1)]
        while not 0 <= k < len(values):
            k = -1 - k if k < 0 else 2 * len(values) - 1 - k
        return values[k]

    shrink = min(scale, Fraction(1))
    result = []
    for index in range(ceil(scale * len(values))):
        centre = (index + Fraction(1, 2)) / scale - Fraction(1, 2)
        reach = 2 / shrink
        taps = [(kernel(shrink * (centre - k)), beyond(k)) for k in range(floor(centre - reach), ceil(centre + reach) + 1)]
        result.append(sum((w * v for w, v in taps), Fraction(0)) / sum((w for w, _ in taps), Fraction(0)))
    return result


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.integers(0, 255), min_size=1, max_size=20),
    scale=st.sampled_from(
        [Fraction(1, 4), Fraction(1, 3), Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2), Fraction(4)]
    ),
)
def test_equals_the_definition_in_fractions(values: list[int], scale: Fraction) -> None:
    expected = [float(value) for value in by_definition(values, scale, mirrored=True)]
    column = resize(np.array(values, dtype=np.float64)[:, None], size=(len(expected), 1))
    if len(values) * scale == len(expected):  # otherwise size and scale tell different scales
        assert np.abs(column[:, 0] - expected).max() < 1e-9
    across = resize(np.tile(np.array(values), (len(values), 1)), float(scale))
    assert across.shape == (len(expected), len(expected))
    assert np.abs(across[0] - expected).max() < 1e-9


@settings(deadline=None, max_examples=60)
@given(values=st.lists(st.integers(0, 255), min_size=4, max_size=16).filter(lambda values: len(values) % 4 == 0))
def test_replicate_repeats_the_edge_and_rounds_after_each_pass(values: list[int]) -> None:
    exact = by_definition(values, Fraction(1, 4), mirrored=False)
    expected = [min(max(floor(value + Fraction(1, 2)), 0), 255) for value in exact]
    column = np.repeat(np.array(values, dtype=np.uint8)[:, None], 4, axis=1)
    assert resize(column, 0.25, dialect="replicate")[:, 0].tolist() == expected


@settings(deadline=None, max_examples=80)
@given(
    level=st.integers(0, 255),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    scale=st.floats(0.1, 5.0),
    dialect=st.sampled_from(["symmetric", "replicate"]),
)
def test_a_constant_picture_stays_constant(level: int, height: int, width: int, scale: float, dialect: Dialect) -> None:
    picture = np.full((height, width, 3), level, dtype=np.uint8)
    result = bicubic_uint8(picture, scale, dialect=dialect)
    assert result.shape == (ceil(scale * height), ceil(scale * width), 3)
    assert (result == level).all()


def test_halves_go_up_as_in_matlab() -> None:
    assert round_half_up(np.array([-3.0, 0.49, 0.5, 1.5, 2.5, 254.5, 300.0])).tolist() == [0, 0, 1, 2, 3, 255, 255]
    # By 1/2 the weights are multiples of 1/128, so ties are exact in binary: 128 and 129 in equal parts make 128.5.
    picture = np.array([[128, 129], [128, 129]], dtype=np.uint8)
    assert bicubic_uint8(picture, 0.5).tolist() == [[129]]


def test_channels_are_independent_and_layout_does_not_matter() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (37, 21, 3), dtype=np.uint8)
    whole = resize(picture, 0.4)
    planes = np.stack([resize(picture[..., channel], 0.4) for channel in range(3)], axis=2)
    assert np.array_equal(whole, planes)
    assert np.array_equal(whole, resize(np.asfortranarray(picture), 0.4))
    assert whole.flags.c_contiguous


def test_the_smaller_scale_goes_first() -> None:
    """With rounding between the passes the order shows: columns first where they shrink more."""
    picture = np.random.default_rng(3).integers(0, 256, (32, 64), dtype=np.uint8)
    columns_first = resize(resize(picture, size=(32, 16), dialect="replicate"), size=(16, 16), dialect="replicate")
    rows_first = resize(resize(picture, size=(16, 64), dialect="replicate"), size=(16, 16), dialect="replicate")
    assert not np.array_equal(columns_first, rows_first)
    assert np.array_equal(resize(picture, size=(16, 16), dialect="replicate"), columns_first)


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((4,), {"scale": 2}, "expected a picture"),
        ((0, 4), {"scale": 2}, "expected a picture"),
        ((4, 4), {}, "scale or size"),
        ((4, 4), {"scale": 2, "size": (8, 8)}, "scale or size"),
        ((4, 4), {"scale": 0}, "must be positive"),
        ((4, 4), {"scale": float("inf")}, "must be positive"),
        ((4, 4), {"size": (0, 8)}, "must be positive"),
    ],
)
def test_nonsense_is_refused(shape: tuple[int, ...], arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resize(np.zeros(shape), **arguments)  # type: ignore[arg-type]
