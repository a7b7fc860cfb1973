"""Rectangles out of large pictures: from the picture files, or from raw pixels that were packed before (the measured difference: 300-fold).

A packed picture is a plain .npy file, (H, W, 3) uint8, under the hash of its pixels: `<folder>/<2 digits>/<64 digits>.npy`. So it can't be
stale, data sets that share pictures share the files, and anything that reads NumPy reads them.
"""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np

from semsr.errors import PictureError, SemsrError, SizeMismatchError
from semsr.imaging.pictures import Rgb, read_rgb
from semsr.training.index import Index, Kind
from semsr.training.subimages import Box

_PAGE = mmap.PAGESIZE


class Pixels(Protocol):
    """Where the pixels of an index come from."""

    def read(self, index: Index, at: int, kind: Kind, box: Box) -> Rgb:
        """(H, W, 3) uint8, the pixels of picture `at` inside `box`. Raises: PictureError, which names the file."""
        ...


class FilePixels:
    """Decodes the whole file each time: no disk space, some 30 to 50 ms a megapixel of PNG. For small pictures, and for JPEG."""

    def read(self, index: Index, at: int, kind: Kind, box: Box) -> Rgb:
        """See `Pixels.read`."""
        path = index.file(at, kind)
        picture = read_rgb(path, grey="replicate" if index.replicates_grey(at) else "refuse")
        height, width = index.size(at, kind)
        if picture.shape[:2] != (height, width):
            raise SizeMismatchError(
                f"{path}: {picture.shape[1]}x{picture.shape[0]} pixels, but the manifest says {width}x{height}; "
                f"the file was changed: prepare the data set again"
            )
        return picture[box.top : box.top + box.height, box.left : box.left + box.width]


class PackedPixels:
    """Reads from the packed files, memory-mapped: only the rows of the box, asked for at once.

    Args:
        folder: where `semsr.training.packing.pack` put them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, index: Index, at: int, kind: Kind, box: Box) -> Rgb:
        """See `Pixels.read`."""
        height, width = index.size(at, kind)
        path = packed_file(self.folder, index.sha256(at, kind))
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            raise PictureError(
                f"{path}: no such file ({index.name(at)} is not packed); run `{index.pack_command(at)}`"
            ) from None
        try:
            size = os.fstat(descriptor).st_size
            if size != packed_size(height, width):
                raise PictureError(
                    f"{path}: {size} bytes, but {index.name(at)} needs {packed_size(height, width)}; "
                    f"run `{index.pack_command(at)}`, which makes it again"
                )
            mapped = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)
        first = HEADER + box.top * width * 3
        start = first // _PAGE * _PAGE
        # One large read instead of a small one a page: 2 ms instead of 8 where the file is not in memory.
        mapped.madvise(mmap.MADV_WILLNEED, start, first + box.height * width * 3 - start)
        picture = np.frombuffer(mapped, np.uint8, offset=HEADER).reshape(height, width, 3)
        return picture[box.top : box.top + box.height, box.left : box.left + box.width].copy()

    def require(self, index: Index, kinds: Iterable[Kind]) -> None:
        """Make sure that all pictures are packed. Raises: SemsrError, which counts the missing ones and names the first."""
        for kind in kinds:
            missing = [at for at in range(len(index)) if not is_packed(self.folder, index, at, kind)]
            if missing:
                raise SemsrError(
                    f"{self.folder}: {len(missing)} of {len(index)} {kind.upper()} pictures are not packed, "
                    f"{index.name(missing[0])} first; run `{index.pack_command(missing[0])}`, or read the picture files"
                )


def _header(height: int, width: int) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (height, width, 3)})
    return buffer.getvalue()


HEADER = len(_header(1, 1))
"""Bytes before the pixels. NumPy pads its header to a multiple of 64, so that it is the same for pictures of any size."""


def packed_bytes(picture: Rgb) -> tuple[bytes, bytes]:
    """Header and pixels of a packed file."""
    return _header(picture.shape[0], picture.shape[1]), picture.tobytes()


def packed_size(height: int, width: int) -> int:
    """Bytes of a packed file."""
    return HEADER + height * width * 3


def packed_file(folder: Path, sha256: str) -> Path:
    """Where the picture of these pixels lies or would lie."""
    return folder / sha256[:2] / f"{sha256}.npy"


def is_packed(folder: Path, index: Index, at: int, kind: Kind) -> bool:
    """Whether the picture's file is there and has its full size."""
    try:
        return packed_file(folder, index.sha256(at, kind)).stat().st_size == packed_size(*index.size(at, kind))
    except (FileNotFoundError, NotADirectoryError):
        return False
