"""8-bit RGB pictures in and out; everything that is not plain 8-bit RGB is refused by name."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from semsr.errors import PictureError
from semsr.files import write_atomic

Rgb = NDArray[np.uint8]
"""(H, W, 3), RGB, 0-255."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_COLOUR = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}

# A picture of 8K or more is legitimate here; PIL's guard against decompression bombs is raised, not removed.
Image.MAX_IMAGE_PIXELS = 1 << 29


def decode_rgb(data: bytes, name: str, *, grey: Literal["refuse", "replicate"] = "refuse") -> Rgb:
    """Decode the bytes of an image file.

    Args:
        data: the whole file.
        name: what errors call it.
        grey: "replicate" turns one 8-bit grey channel into three equal ones (Set14's third picture is grey); default: an error.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        PictureError: empty, truncated, not an image, 16-bit, palette, grey or with alpha.
    """
    if not data:
        raise PictureError(f"{name}: the file is empty")
    if data.startswith(PNG_SIGNATURE):
        _check_png(data, name, grey)
    try:
        with Image.open(io.BytesIO(data)) as file:
            file.load()
            image = file.convert("RGB") if file.mode == "L" and grey == "replicate" else file
            if image.mode != "RGB":
                raise PictureError(f"{name}: mode {image.mode}; only 8-bit RGB is allowed: convert the file first")
            return np.asarray(image)
    except UnidentifiedImageError:
        raise PictureError(f"{name}: not an image file (or of a kind that can't be read); use 8-bit RGB PNG") from None
    except Image.DecompressionBombError as error:
        raise PictureError(f"{name}: {error}") from None
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise PictureError(f"{name}: truncated or damaged ({error}); get or make the file again") from None


def read_rgb(path: Path, *, grey: Literal["refuse", "replicate"] = "refuse") -> Rgb:
    """Read an image file as (H, W, 3) uint8 RGB. Raises: PictureError; FileNotFoundError is one too."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file") from None
    return decode_rgb(data, str(path), grey=grey)


def encode_png(rgb: Rgb) -> bytes:
    """(H, W, 3) uint8 RGB as PNG; the same pixels always give the same bytes (with the locked Pillow)."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def write_png(path: Path, rgb: Rgb) -> None:
    """Write a PNG whole or not at all. Raises: StorageError."""
    write_atomic(path, encode_png(rgb))


def picture_files(folder: Path) -> dict[str, Path]:
    """The images directly in `folder`, by file stem, sorted.

    Raises:
        PictureError: no such folder, no image in it, or two files with the same stem.
    """
    if not folder.is_dir():
        raise PictureError(f"{folder}: no such folder")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"} or path.name.startswith("."):
            continue
        if path.stem in found:
            raise PictureError(f"{folder}: {found[path.stem].name} and {path.name} have the same name; remove one")
        found[path.stem] = path
    if not found:
        raise PictureError(f"{folder}: no images (.png, .jpg, .bmp, .tif, .webp) in this folder")
    return found


def _check_png(data: bytes, name: str, grey: str) -> None:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise PictureError(f"{name}: truncated or damaged (no PNG header); get or make the file again")
    depth, colour = data[24], data[25]
    allowed = (2,) if grey == "refuse" else (0, 2)
    if depth == 8 and colour in allowed and b"tRNS" not in data[: data.find(b"IDAT")]:
        return
    kind = _PNG_COLOUR.get(colour, f"colour type {colour}")
    kind = f"{kind} with transparency" if depth == 8 and colour in allowed else kind
    raise PictureError(f"{name}: {depth}-bit {kind}; only 8-bit RGB is allowed: convert the file first")
