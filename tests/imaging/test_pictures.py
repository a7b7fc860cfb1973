"""Only plain 8-bit RGB gets in; everything else is refused by name, and never silently converted."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from semsr.errors import PictureError
from semsr.imaging.pictures import decode_rgb, encode_png, picture_files, read_rgb, write_png

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)


def _png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_png_keeps_every_pixel(height: int, width: int, seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert np.array_equal(decode_rgb(encode_png(rgb), "x"), rgb)


def test_the_same_pixels_give_the_same_bytes(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", RGB)
    write_png(tmp_path / "b.png", RGB.copy())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert np.array_equal(read_rgb(tmp_path / "a.png"), RGB)


def _sixteen_bit_rgb() -> bytes:
    # PIL can't write 16-bit RGB; a PNG assembled by hand, as a camera pipeline would deliver it.
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(6 * 4) for _ in range(4))
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b"hello", "not an image"),
        (encode_png(RGB)[:60], "truncated or damaged"),
        (encode_png(RGB)[:20], "truncated or damaged"),
        (_sixteen_bit_rgb(), "16-bit RGB"),
        (_png(Image.fromarray(RGB[..., 0])), "8-bit grey"),
        (_png(Image.fromarray(RGB[..., 0].astype(np.uint16))), "16-bit grey"),
        (_png(Image.fromarray(np.dstack([RGB, RGB[..., 0]]))), "8-bit RGBA"),
        (_png(Image.fromarray(RGB).quantize(4)), "palette"),
        (_png(Image.fromarray(RGB), transparency=(1, 2, 3)), "transparency"),
    ],
)
def test_anything_but_8_bit_rgb_is_refused_by_name(data: bytes, told: str) -> None:
    with pytest.raises(PictureError, match=r"picture\.png") as error:
        decode_rgb(data, "picture.png")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_grey_only_where_a_card_allows_it() -> None:
    grey = decode_rgb(_png(Image.fromarray(RGB[..., 0])), "x", grey="replicate")
    assert np.array_equal(grey, np.repeat(RGB[..., :1], 3, axis=2))
    with pytest.raises(PictureError, match="16-bit"):
        decode_rgb(_png(Image.fromarray(RGB[..., 0].astype(np.uint16))), "x", grey="replicate")


def test_damaged_pixels_in_a_whole_file_are_found() -> None:
    data = bytearray(encode_png(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(PictureError, match="truncated or damaged"):
        decode_rgb(bytes(data), "x")


def test_folder_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no such folder"):
        picture_files(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(PictureError, match="no images"):
        picture_files(tmp_path)
    for name in ("b.png", "a.png"):
        write_png(tmp_path / name, RGB)
    assert list(picture_files(tmp_path)) == ["a", "b"]
    Image.fromarray(RGB).save(tmp_path / "a.jpg")
    with pytest.raises(PictureError, match=r"a\.jpg and a\.png"):
        picture_files(tmp_path)
