"""Makes the prepared form of a data set, picture by picture: each file is written whole, the manifest last, so that a killed run
leaves nothing that passes for finished, and the next run ends with the same bytes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semsr.cards import DatasetCard
from semsr.cards.dataset import MatlabBicubic, Photo, Split
from semsr.errors import PictureError, SizeMismatchError
from semsr.files import remove_partial, storage_errors, write_atomic
from semsr.imaging.pictures import PNG_SIGNATURE, Rgb, decode_rgb, encode_png, read_rgb
from semsr.imaging.resize import bicubic_uint8
from semsr.preparation.manifest import MANIFEST, Entry, Prepared, pixel_sha256, read_manifest, write_manifest
from semsr.preparation.pairing import Pair
from semsr.preparation.photographs import cut

logger = logging.getLogger(__name__)
_PNG_RGB = 2


@dataclass(frozen=True)
class Png:
    """A picture's pixels and the PNG file that holds them."""

    rgb: Rgb
    data: bytes


@dataclass(frozen=True)
class Picture:
    """One picture, ready to be written."""

    name: str
    hr: Png | None
    lr: Png
    split: Split = "test"


def picture_of_pair(card: DatasetCard, pair: Pair) -> Picture:
    """Read, check and crop one pair; LR is made by the card's degradation where there is none.

    A file that is an 8-bit RGB PNG already keeps its bytes.

    Raises:
        PictureError: a file is truncated or not 8-bit RGB.
        SizeMismatchError: HR is not exactly `scale` times LR.
    """
    hr = _read(card, pair.hr, card.crop_to_multiple) if pair.hr else None
    lr = _read(card, pair.lr, 1) if pair.lr else _degraded(card, pair.name, hr)
    if hr is not None:
        (height, width), (small_height, small_width) = hr.rgb.shape[:2], lr.rgb.shape[:2]
        if (height, width) != (card.scale * small_height, card.scale * small_width):
            cropped = f" (cropped to multiples of {card.crop_to_multiple})" if card.crop_to_multiple > 1 else ""
            raise SizeMismatchError(
                f"{card.id}: {pair.name}: HR is {width}x{height}{cropped}, LR {small_width}x{small_height}; HR must be exactly "
                f"{card.scale} times LR ({pair.hr}, {pair.lr})"
            )
    return Picture(pair.name, hr, lr)


def picture_of_photo(card: DatasetCard, photo: Photo, path: Path) -> Picture:
    """Cut one HR picture from a photograph and make its LR. Raises: PictureError, SizeMismatchError."""
    rgb = cut(photo, path)
    hr = Png(rgb, encode_png(rgb))
    return Picture(photo.name, hr, _degraded(card, photo.name, hr), photo.split)


def build(card: DatasetCard, folder: Path, pictures: Iterable[Callable[[], Picture]]) -> Prepared:
    """Write `folder`: hr/, lr/ and, when all pictures are there, manifest.parquet. Files that have the right bytes are kept.

    Raises:
        PictureError: what a picture's own error says; nothing of that picture is written.
        StorageError: the folder can't be written.
    """
    with storage_errors(folder):
        for part in (folder, folder / "hr", folder / "lr"):
            part.mkdir(parents=True, exist_ok=True)
            remove_partial(part)
        (folder / MANIFEST).unlink(missing_ok=True)
    entries = [_write(folder, make()) for make in pictures]
    _remove_strangers(folder, entries)
    write_manifest(folder, entries)
    return read_manifest(card, folder)


def damage(prepared: Prepared) -> str | None:
    """What is wrong with a prepared folder: the first file that is gone or has other pixels than the manifest says; None if nothing."""
    for entry in prepared.entries:
        for path, sha in ((entry.hr, entry.hr_sha256), (entry.lr, entry.lr_sha256)):
            if path is None:
                continue
            try:
                if pixel_sha256(read_rgb(path)) != sha:
                    return f"{path}: other pixels than the manifest says"
            except PictureError as error:
                return str(error)
    return None


def _read(card: DatasetCard, path: Path, multiple: int) -> Png:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: can't be read ({error.strerror})") from None
    rgb = decode_rgb(data, str(path), grey=card.grey)
    height, width = (side // multiple * multiple for side in rgb.shape[:2])
    if min(height, width) == 0:
        raise SizeMismatchError(
            f"{path}: {rgb.shape[1]}x{rgb.shape[0]} is smaller than {multiple} pixels, nothing is left after cropping"
        )
    if (height, width) != rgb.shape[:2]:
        rgb = np.ascontiguousarray(rgb[:height, :width])
    elif data.startswith(PNG_SIGNATURE) and data[25] == _PNG_RGB:
        return Png(rgb, data)
    return Png(rgb, encode_png(rgb))


def _degraded(card: DatasetCard, name: str, hr: Png | None) -> Png:
    if hr is None or card.degradation is None:
        raise PictureError(f"{card.id}: {name} has no LR picture, and the card tells no way to make one from HR")
    if any(side % card.scale for side in hr.rgb.shape[:2]):
        height, width = hr.rgb.shape[:2]
        raise SizeMismatchError(
            f"{card.id}: {name}: the sides of HR ({width}x{height}) must be multiples of the scale, {card.scale}"
        )
    assert isinstance(card.degradation, MatlabBicubic)
    rgb = bicubic_uint8(hr.rgb, 1.0 / card.scale, dialect=card.degradation.dialect)
    return Png(rgb, encode_png(rgb))


def _write(folder: Path, picture: Picture) -> Entry:
    hr, lr = folder / "hr" / f"{picture.name}.png", folder / "lr" / f"{picture.name}.png"
    if picture.hr is not None:
        _place(hr, picture.hr.data)
    _place(lr, picture.lr.data)
    return Entry(
        name=picture.name,
        lr=lr,
        hr=hr if picture.hr else None,
        lr_size=_size(picture.lr.rgb),
        hr_size=_size(picture.hr.rgb) if picture.hr else None,
        lr_sha256=pixel_sha256(picture.lr.rgb),
        hr_sha256=pixel_sha256(picture.hr.rgb) if picture.hr else None,
        split=picture.split,
    )


def _place(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_atomic(path, data)


def _size(rgb: Rgb) -> tuple[int, int]:
    return rgb.shape[0], rgb.shape[1]


def _remove_strangers(folder: Path, entries: Sequence[Entry]) -> None:
    """Delete files that an earlier preparation left and this one does not know."""
    known = {path for entry in entries for path in (entry.hr, entry.lr)}
    for part in ("hr", "lr"):
        for path in sorted((folder / part).iterdir()):
            if path not in known and path.is_file():
                logger.info("%s: removed, not a picture of this data set", path)
                with storage_errors(path):
                    path.unlink()
