"""Each fault, planted in real pictures, is found and nothing else is; what is found of whole sets stands in benchmarks/lints.py."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from semsr.evaluation.lints.finding import Finding
from semsr.imaging.pictures import Rgb

Found = Callable[..., dict[str, Finding]]


def same(rgb: Rgb) -> Rgb:
    return rgb


def jpeg(quality: int) -> Callable[[Rgb], Rgb]:
    def change(rgb: Rgb) -> Rgb:
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return change


def shift(down: int, right: int) -> Callable[[Rgb], Rgb]:
    return lambda rgb: np.roll(rgb, (down, right), axis=(0, 1))


def gamma(exponent: float) -> Callable[[Rgb], Rgb]:
    return lambda rgb: np.rint(255 * (rgb / 255) ** exponent).astype(np.uint8)


def add(levels: tuple[int, int, int]) -> Callable[[Rgb], Rgb]:
    return lambda rgb: np.clip(rgb.astype(int) + levels, 0, 255).astype(np.uint8)


def frame(width: int, value: int) -> Callable[[Rgb], Rgb]:
    inner = slice(width, -width)
    return lambda rgb: np.pad(rgb[inner, inner], ((width, width), (width, width), (0, 0)), constant_values=value)


def copied_frame(width: int) -> Callable[[Rgb], Rgb]:
    inner = slice(width, -width)
    return lambda rgb: np.pad(rgb[inner, inner], ((width, width), (width, width), (0, 0)), mode="edge")


def lost_tile(rgb: Rgb) -> Rgb:
    changed = rgb.copy()
    changed[64:128, 64:128] = 0
    return changed


def grey(rgb: Rgb) -> Rgb:
    return np.asarray(Image.fromarray(rgb).convert("L").convert("RGB"))


def limited(rgb: Rgb) -> Rgb:
    return np.rint(16 + rgb * (219 / 255)).astype(np.uint8)


def test_nothing_is_said_of_outputs_as_they_are(found_in: Found) -> None:
    assert found_in(same) == {}


ROWS = {
    "1 px down": (shift(1, 0), "shift"),
    "1 px up": (shift(-1, 0), "shift"),
    "1 px right": (shift(0, 1), "shift"),
    "1 px left": (shift(0, -1), "shift"),
    "BGR": (lambda rgb: rgb[..., ::-1], "channels"),
    "GBR": (lambda rgb: rgb[..., [1, 2, 0]], "channels"),
    "gamma 1.15": (gamma(1.15), "tone"),
    "gamma 1 / 1.15": (gamma(1 / 1.15), "tone"),
    "gamma 2.2": (gamma(2.2), "tone"),
    "12 levels too bright": (add((12, 12, 12)), "tone"),
    "red cast": (add((4, 0, 0)), "cast"),
    "green lack": (add((0, -4, 0)), "cast"),
    "limited range": (limited, "limited-range"),
    "JPEG 95": (jpeg(95), "jpeg"),
    "JPEG 75": (jpeg(75), "jpeg"),
    "black border of 1": (frame(1, 0), "border"),
    "white border of 3": (frame(3, 255), "border"),
    "copied border of 2": (copied_frame(2), "border"),
    "0-1 as 8 bits": (lambda rgb: np.rint(rgb / 255).astype(np.uint8), "black"),
    "flat": (lambda rgb: np.full_like(rgb, 128), "flat"),
    "lost tile": (lost_tile, "lost-part"),
    "grey": (grey, "grey"),
}


@pytest.mark.parametrize("fault", ROWS)
def test_a_fault_of_the_whole_row(found_in: Found, fault: str) -> None:
    change, lint = ROWS[fault]
    found = found_in(change)
    assert list(found) == [lint], [finding.message for finding in found.values()]
    assert found[lint].severity == "warning"


SINGLE = {
    "shift": shift(0, 2),
    "channels": lambda rgb: rgb[..., ::-1],
    "tone": gamma(2.2),
    "jpeg": jpeg(95),
    "border": frame(1, 0),
    "black": np.zeros_like,
    "lost-part": lost_tile,
    "grey": grey,
    "turned": lambda rgb: rgb[::-1],
}


@pytest.mark.parametrize("lint", SINGLE)
def test_a_fault_of_one_picture_names_it(found_in: Found, triplets: list, lint: str) -> None:
    found = found_in(SINGLE[lint], only=1)
    assert list(found) == [lint]
    assert found[lint].pictures == (triplets[1].name,)
    assert repr(triplets[1].name) in found[lint].message


def test_says_how_far_and_whither(found_in: Found) -> None:
    message = found_in(shift(2, -1))["shift"].message
    assert "1.8 px below" in message or "1.9 px below" in message or "2 px below" in message or "2.1 px below" in message, (
        message
    )
    assert "left of" in message


def test_says_which_order_the_channels_have(found_in: Found) -> None:
    assert "BGR instead of RGB" in found_in(lambda rgb: rgb[..., ::-1])["channels"].message
