"""The perceptual hash on real pictures: what THRESHOLD is based on; and the book that keeps hashes."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from semsr.imaging.pictures import Rgb
from semsr.reporting import looks
from semsr.reporting.looks import BITS, THRESHOLD, Look, LookBook, look_at, words


def _image(rgb: Rgb) -> Image.Image:
    return Image.fromarray(rgb)


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(io.BytesIO(data.getvalue())).convert("RGB")


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC)


def _cut(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop((int(width * left), int(height * top), width - int(width * right), height - int(height * bottom)))


COPIES: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    "half": (lambda image: _scaled(image, 0.5), 8),
    "quarter": (lambda image: _scaled(image, 0.25), 8),
    "larger": (lambda image: _scaled(image, 1.5), 8),
    "jpeg 30": (lambda image: _jpeg(image, 30), 14),
    "jpeg 10": (lambda image: _jpeg(image, 10), 24),
    "grey": (lambda image: image.convert("L").convert("RGB"), 2),
    "brighter": (lambda image: image.point(lambda value: round(255 * (value / 255) ** 0.8)), 18),
    "1 % of each side, half, jpeg 50": (lambda image: _jpeg(_cut(_scaled(image, 0.5), 0.01, 0.01, 0.01, 0.01), 50), 46),
    "1.5 % of each side": (lambda image: _cut(image, 0.015, 0.015, 0.015, 0.015), 58),
    "2 % of two sides": (lambda image: _cut(image, 0, 0, 0.02, 0.02), THRESHOLD),
}


def _bits(rgb: Rgb, *, mirrored: bool = False) -> NDArray[np.uint64]:
    look = look_at(rgb)
    return words([look.mirrored if mirrored else look.plain])


def _distance(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    return int(np.bitwise_count(one ^ other).sum())


@pytest.mark.parametrize("copy", COPIES)
def test_copies_of_photographs_are_near(photographs: dict[str, Rgb], copy: str) -> None:
    """Every fourth photograph, as it is and mirrored; the bounds are a little above the table in semsr/reporting/looks.py."""
    make, bound = COPIES[copy]
    for rgb in list(photographs.values())[::4]:
        changed = np.asarray(make(_image(rgb)))
        assert _distance(_bits(rgb), _bits(changed)) <= bound
        turned = np.ascontiguousarray(changed[:, ::-1])
        assert _distance(_bits(rgb, mirrored=True), _bits(turned)) <= bound


def test_unrelated_photographs_are_far(photographs: dict[str, Rgb]) -> None:
    """One pair is the same photograph: Set5's and Set14's face."""
    plain = {name: _bits(rgb) for name, rgb in photographs.items()}
    mirrored = {name: _bits(rgb, mirrored=True) for name, rgb in photographs.items()}
    distances = {pair: _distance(plain[pair[0]], plain[pair[1]]) for pair in combinations(plain, 2)}
    assert distances.pop(("set5-img_004", "set14-img_006")) <= 12
    turned = [_distance(plain[one], mirrored[other]) for one, other in combinations(plain, 2)]
    every = np.array([*distances.values(), *turned])
    assert every.min() > THRESHOLD + 24
    assert every.mean() == pytest.approx(128, abs=2)
    assert every.std() == pytest.approx(8, abs=1)
    assert every.mean() - 7.5 * every.std() >= THRESHOLD


def test_the_hash_is_imagehash_s_own(photographs: dict[str, Rgb]) -> None:
    """Shrinking once for both hashes changes no bit of the plain one, and few of the mirrored (the filter's rounding)."""
    for rgb in list(photographs.values())[::10]:
        plain = np.packbits(imagehash.phash(_image(rgb), 16).hash)
        assert _distance(_bits(rgb), plain.view(np.uint64)[None]) == 0
        turned = np.packbits(imagehash.phash(ImageOps.mirror(_image(rgb)), 16).hash)
        assert _distance(_bits(rgb, mirrored=True), turned.view(np.uint64)[None]) <= 6


def test_grey_is_seen(waves: Callable[..., Rgb]) -> None:
    rgb = waves(1)
    flat = np.repeat(rgb[..., :1], 3, axis=2)
    assert not look_at(rgb).grey
    assert look_at(flat).grey
    one = flat.copy()
    one[5, 7, 2] ^= 1  # not among the pixels that are looked at first
    assert not look_at(one).grey


def test_the_smallest_pictures_have_hashes() -> None:
    for shape in ((1, 1, 3), (1, 400, 3), (3, 2, 3)):
        assert len(look_at(np.full(shape, 77, dtype=np.uint8)).plain) == BITS // 8


def test_no_hashes_are_an_empty_array() -> None:
    assert words([]).shape == (0, looks.WORDS)


def _look(value: int) -> Look:
    return Look(bytes([value] * 32), bytes([value ^ 255] * 32), value % 2 == 0)


def test_the_book_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "data" / "looks.parquet"
    book = LookBook(path)
    names = [f"{value:064x}" for value in range(50)]
    for value, name in enumerate(names):
        book.add(name, _look(value))
    book.save(at_least=51)
    assert not path.exists()
    book.save()
    again = LookBook(path)
    assert [again.get(name) for name in names] == [_look(value) for value in range(50)]
    assert again.get("f" * 64) is None


def test_a_book_with_nothing_new_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "looks.parquet"
    book = LookBook(path)
    book.add("0" * 64, _look(1))
    book.save()
    before = path.stat().st_mtime_ns
    again = LookBook(path)
    again.save()
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("cut", [0, 4, 100, -20])
def test_a_damaged_book_is_an_empty_one(tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "looks.parquet"
    book = LookBook(path)
    book.add("0" * 64, _look(1))
    book.save()
    path.write_bytes(path.read_bytes()[:cut])
    with caplog.at_level(logging.WARNING):
        assert len(LookBook(path)) == 0
    assert "looked at again" in caplog.text


def test_a_book_that_can_not_be_written_is_only_told_of(read_only_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    book = LookBook(read_only_disk / "looks.parquet")
    book.add("0" * 64, _look(1))
    with caplog.at_level(logging.WARNING):
        book.save()
    assert "looks at all pictures again" in caplog.text
