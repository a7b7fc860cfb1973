"""One picture of a data set, made from its originals: read, check, crop, degrade. Nothing here writes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from semsr.cards import DatasetCard
from semsr.cards.dataset import MatlabBicubic, Photo, RealEsrgan, Resize, Split
from semsr.errors import PictureError, SizeMismatchError
from semsr.imaging.pictures import PNG_SIGNATURE, Rgb, decode_rgb, encode_png
from semsr.imaging.resize import bicubic_uint8
from semsr.preparation.crops import Box
from semsr.preparation.labels import Labels
from semsr.preparation.pairing import Pair
from semsr.preparation.photographs import cut

if TYPE_CHECKING:
    from semsr.imaging.degradation.recipe import Recipe

_PNG_RGB = 2
_JPEG_SIGNATURE = b"\xff\xd8\xff"


@dataclass(frozen=True)
class File:
    """A picture's pixels and the file that holds them; `origin` is a file of the same bytes that may be linked instead of written."""

    rgb: Rgb
    data: bytes
    suffix: str = ".png"
    origin: Path | None = None


@dataclass(frozen=True)
class Picture:
    """One picture, ready to be written; `labels` are its annotations where they are made with it."""

    name: str
    hr: File | None
    lr: File | None
    split: Split = "test"
    labels: Labels | None = None


def picture_of_pair(
    card: DatasetCard, pair: Pair, place: int = 0, box: Box | None = None, split: Split | None = None
) -> Picture:
    """Read, check and crop one pair; LR is made by the card's degradation where there is none.

    A file that is an 8-bit RGB PNG already keeps its bytes; in a training set so does an RGB JPEG.

    Args:
        card: the data set's card.
        pair: the files.
        place: the picture's number in its data set, which only a degradation with shared choices asks for.
        box: cut this out, in HR pixels; its corner lies on the LR grid where there is an LR file.
        split: default: the card's.

    Raises:
        PictureError: a file is truncated or not 8-bit RGB; or there is no LR and no way to make one.
        SizeMismatchError: HR is not exactly `scale` times LR.
    """
    split = split or card.split
    if box is None:
        hr = _file(card, pair.hr, card.crop_to_multiple, card.resize) if pair.hr else None
        lr = _file(card, pair.lr, 1) if pair.lr else None
    else:
        hr = _cut(card, pair.hr, box) if pair.hr else None
        lr = _cut(card, pair.lr, box.divided(card.scale)) if pair.lr else None
    if lr is None and (split == "test" or card.degradation is not None):
        hr, lr = degraded(card, pair.name, hr, place)
    if hr is not None and lr is not None:
        (height, width), (small_height, small_width) = hr.rgb.shape[:2], lr.rgb.shape[:2]
        if (height, width) != (card.scale * small_height, card.scale * small_width):
            cropped = f" (cropped to multiples of {card.crop_to_multiple})" if card.crop_to_multiple > 1 else ""
            raise SizeMismatchError(
                f"{card.id}: {pair.name}: HR is {width}x{height}{cropped}, LR {small_width}x{small_height}; HR must be exactly "
                f"{card.scale} times LR ({pair.hr}, {pair.lr})"
            )
    return Picture(pair.name, hr, lr, split)


def picture_of_photo(card: DatasetCard, photo: Photo, path: Path, place: int = 0) -> Picture:
    """Cut one HR picture from a photograph and make its LR. Raises: PictureError, SizeMismatchError."""
    rgb = cut(photo, path)
    hr, lr = degraded(card, photo.name, File(rgb, encode_png(rgb)), place)
    return Picture(photo.name, hr, lr, photo.split)


def _file(card: DatasetCard, path: Path, multiple: int, resize: Resize | None = None) -> File:
    data = _bytes(path)
    whole = rgb = decode_rgb(data, str(path), grey=card.grey)
    if resize is not None and rgb.shape[:2] != resize.size:
        rgb = resized(rgb, resize)
    height, width = (side // multiple * multiple for side in rgb.shape[:2])
    if min(height, width) == 0:
        raise SizeMismatchError(
            f"{path}: {rgb.shape[1]}x{rgb.shape[0]} is smaller than {multiple} pixels, nothing is left after cropping"
        )
    if (height, width) != whole.shape[:2]:
        rgb = np.ascontiguousarray(rgb[:height, :width])
        return File(rgb, encode_png(rgb))
    # Only training sets are linked: they are large, and no table is measured on them.
    origin = path if card.split == "train" else None
    if data.startswith(PNG_SIGNATURE) and data[25] == _PNG_RGB:
        return File(rgb, data, origin=origin)
    if card.split == "train" and data.startswith(_JPEG_SIGNATURE) and _is_rgb(data):
        return File(rgb, data, ".jpg", origin)
    return File(rgb, encode_png(rgb))


def resized(rgb: Rgb, resize: Resize) -> Rgb:
    """A whole picture (H, W, 3) at the size of the card, its aspect given up: by Pillow's antialiased filter, in its 8-bit arithmetic."""
    height, width = resize.size
    filters = {"lanczos": Image.Resampling.LANCZOS, "bicubic": Image.Resampling.BICUBIC}
    return np.asarray(Image.fromarray(rgb).resize((width, height), filters[resize.filter]))


def _cut(card: DatasetCard, path: Path, box: Box) -> File:
    whole = _whole(path, card.grey == "replicate")
    height, width = whole.shape[:2]
    if box.bottom > height or box.right > width:
        raise SizeMismatchError(
            f"{path}: {width}x{height} is too small for a crop of {box.width}x{box.height} at {box.left},{box.top}"
        )
    rgb = np.ascontiguousarray(whole[box.top : box.bottom, box.left : box.right])
    return File(rgb, encode_png(rgb))


@lru_cache(maxsize=2)
def _whole(path: Path, replicate: bool) -> Rgb:
    """A decoded picture; many crops of one follow each other. Prepared files, which these are, do not change under one name."""
    return decode_rgb(_bytes(path), str(path), grey="replicate" if replicate else "refuse")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: can't be read ({error.strerror})") from None


def _is_rgb(data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        return image.mode == "RGB"


def degraded(card: DatasetCard, name: str, hr: File | None, place: int) -> tuple[File, File]:
    """HR (sharpened, where the card says so) and the LR that the card's degradation makes of it.

    Raises:
        PictureError: there is no HR, or the card has no degradation.
        SizeMismatchError: the sides of HR are no multiples of the scale.
    """
    if hr is None or card.degradation is None:
        raise PictureError(f"{card.id}: {name} has no LR picture, and the card tells no way to make one from HR")
    if any(side % card.scale for side in hr.rgb.shape[:2]):
        height, width = hr.rgb.shape[:2]
        raise SizeMismatchError(
            f"{card.id}: {name}: the sides of HR ({width}x{height}) must be multiples of the scale, {card.scale}"
        )
    if isinstance(card.degradation, MatlabBicubic):
        rgb = bicubic_uint8(hr.rgb, 1.0 / card.scale, dialect=card.degradation.dialect)
        return hr, File(rgb, encode_png(rgb))
    # Imported here: it brings torch, which preparing by bicubic does without.
    import torch

    from semsr.imaging.degradation.recipe import degrade

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads that wait for each other on busy cores are many times slower than one
    try:
        result = degrade(hr.rgb, recipe_of(card.degradation, card.scale), name, place=place)
    finally:
        torch.set_num_threads(before)
    same = card.degradation.ground_truth == "plain"
    return hr if same else File(result.hr, encode_png(result.hr)), File(result.lr, encode_png(result.lr))


def recipe_of(degradation: RealEsrgan, scale: int) -> Recipe:
    """The card's random degradation as `semsr.imaging.degradation` runs it."""
    from semsr.imaging.degradation.parameters import PARAMETERS
    from semsr.imaging.degradation.recipe import Recipe

    return Recipe(
        PARAMETERS[degradation.parameters],
        seed=degradation.seed,
        ground_truth=degradation.ground_truth,
        shared_choices=degradation.shared_choices,
        scale=scale,
    )
