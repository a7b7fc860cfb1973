"""What pictures look like: perceptual hashes and whether they are grey, kept by the hash of their pixels.

The hash is ImageHash's `phash` with 16 x 16 bits: the signs of the 256 lowest frequencies of the picture shrunk to 64 x 64 grey values,
against their median. It was chosen over 8 x 8 bits because there are 10^9 comparisons between 100,000 training and 5,000 test pictures,
mirrored ones included. On 135 photographs (RealSR, Set5, Set14, lite-photos; 18,090 distances, mirrored ones included) unrelated
pictures lie at 128 ± 8 of 256 bits, the nearest two at 96; with 64 bits at 32 ± 4, the nearest two at 18. (Set5 and Set14 share one
photograph, cropped a little differently: 8 bits.) What chance allows once in 10^9, 6 standard deviations, is 79 of 256 bits, but 7 of
64: less than many a copy with 1 % cut from each side.

The same photographs against copies of themselves (256 bits; tests/reporting/test_looks.py measures it again):

    =============================================  ======  ====  ===
    copy                                           median  99 %  max
    =============================================  ======  ====  ===
    x1/2, x1/4 or x1.5, another kernel                  0     4    6
    JPEG, quality 30                                    2     8   10
    JPEG, quality 10                                    6    16   20
    grey                                                0     0    0
    gamma 0.8                                           4    13   14
    1 % cut from each side, then x1/2 and JPEG 50      18    35   40
    1.5 % cut from each side                           26    43   50
    2 % cut from two sides                             34    56   62
    2.5 % cut from each side                           44    71   80
    5 % cut from each side                             82   111  128
    =============================================  ======  ====  ===

THRESHOLD lies 8 standard deviations below unrelated pictures. It finds every copy but the last two, of the last but one nine in ten;
a small crop of a large picture is not found.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, ImageOps

from semsr.errors import StorageError
from semsr.files import atomic_writer
from semsr.imaging.pictures import Rgb

logger = logging.getLogger(__name__)

SIDE = 16
BITS = SIDE * SIDE
WORDS = BITS // 64
THRESHOLD = 64
"""Bits that may differ between near-duplicates."""

_SHRUNK = 4 * SIDE
_SCHEMA = pa.schema(
    [("pixel_sha256", pa.binary(32)), ("plain", pa.binary(BITS // 8)), ("mirrored", pa.binary(BITS // 8)), ("grey", pa.bool_())]
)

Words = NDArray[np.uint64]
"""(WORDS,) or (N, WORDS): packed bits of hashes."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is kept of a picture: its hash, that of its mirror image (left and right changed), and whether it is grey."""

    plain: bytes
    mirrored: bytes
    grey: bool


def look_at(rgb: Rgb) -> Look:
    """Hash a picture.

    Args:
        rgb: (H, W, 3) uint8, RGB.
    """
    # phash shrinks by the same filter; done here once for both hashes, its own resizing then changes nothing.
    small = Image.fromarray(rgb).convert("L").resize((_SHRUNK, _SHRUNK), Image.Resampling.LANCZOS)
    return Look(_bits(small), _bits(ImageOps.mirror(small)), _is_grey(rgb))


def words(hashes: list[bytes]) -> Words:
    """Hashes as (N, WORDS) packed bits."""
    return np.frombuffer(b"".join(hashes), dtype=np.uint64).reshape(-1, WORDS)


class LookBook:
    """Looks by pixel_sha256, in a file that the next run reads. Pixels never change under their hash, so no entry is ever stale."""

    def __init__(self, path: Path) -> None:
        """Read `path`; one that is absent or damaged is an empty book."""
        self.path = path
        self._looks: dict[bytes, Look] = {}
        self._added = 0
        self._lock = threading.Lock()
        try:
            # Not from a Python file: see semsr.preparation.manifest.
            table = pq.ParquetFile(pa.BufferReader(path.read_bytes())).read(use_threads=False)
            if table.schema.equals(_SCHEMA):
                columns = [column.to_pylist() for column in table.columns]
                self._looks = {sha: Look(*rest) for sha, *rest in zip(*columns, strict=True)}
        except FileNotFoundError:
            pass
        except (pa.ArrowException, OSError, ValueError) as error:
            logger.warning("%s: can't be read (%s); pictures are looked at again", path, error)

    def __len__(self) -> int:
        return len(self._looks)

    def get(self, sha256: str) -> Look | None:
        """The look of the picture with these pixels (64 hexadecimal digits)."""
        return self._looks.get(bytes.fromhex(sha256))

    def add(self, sha256: str, look: Look) -> None:
        """Remember a look; from any thread."""
        with self._lock:
            self._looks[bytes.fromhex(sha256)] = look
            self._added += 1

    def save(self, *, at_least: int = 1) -> None:
        """Write the book, whole or not at all, where there are `at_least` new looks. A folder that can't be written is only told of."""
        with self._lock:
            if self._added < at_least:
                return
            rows = sorted(self._looks.items())
            self._added = 0
        columns = [[sha for sha, _ in rows], *([getattr(look, name) for _, look in rows] for name in _SCHEMA.names[1:])]
        table = pa.Table.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA
        )
        try:
            with atomic_writer(self.path) as file:
                pq.write_table(table, file)
        except (StorageError, OSError) as error:
            logger.warning("%s; the next report looks at all pictures again", error)


def _bits(small: Image.Image) -> bytes:
    return np.packbits(imagehash.phash(small, SIDE).hash).tobytes()


def _is_grey(rgb: Rgb) -> bool:
    # Nearly every picture has colour in the few pixels looked at first.
    return all(bool((part[..., :1] == part[..., 1:]).all()) for part in (rgb[::16, ::16], rgb))
