"""All numbers that lints judge by, of one restored picture and of what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from semsr.evaluation.lints.alignment import NOWHERE, Offset, offset, spectrum
from semsr.evaluation.lints.edges import empty_lines
from semsr.evaluation.lints.grid import grid_strength
from semsr.evaluation.lints.sketch import BUCKETS, sketch
from semsr.evaluation.lints.thumbnail import CELLS, cell_ranges, thumbnail
from semsr.imaging.pictures import Rgb
from semsr.imaging.resize import bicubic_uint8

Floats = NDArray[np.float64]
EQUAL_DB = 100.0
"""PSNR that stands for identical pictures."""
_LUMA = np.array([0.299, 0.587, 0.114])


class Originals:
    """HR and LR of one name, decoded, with what is derived of them; made once for all rows.

    Args:
        lr: (h, w, 3); None where there is only HR.
        hr: (H, W, 3); None where there is no reference.
        size: (H, W) of a restored picture.
    """

    def __init__(self, lr: Rgb | None, hr: Rgb | None, size: tuple[int, int]) -> None:
        self.lr, self.hr, self.size = lr, hr, size
        # Computed here, not when first asked for: threads share it.
        self.enlarged = None if lr is None else bicubic_uint8(lr, size=size)
        self.hr_spectrum = None if hr is None else spectrum(hr)
        self.lr_spectrum = None if self.enlarged is None else spectrum(self.enlarged)

    @cached_property
    def repeated(self) -> Rgb | None:
        """LR enlarged by repeating pixels; None where its size is no divisor."""
        if self.lr is None or self.size[0] % self.lr.shape[0] or self.size[1] % self.lr.shape[1]:
            return None
        return self.lr.repeat(self.size[0] // self.lr.shape[0], 0).repeat(self.size[1] // self.lr.shape[1], 1)

    @property
    def best(self) -> Rgb:
        """HR where it is there, else LR enlarged."""
        found = self.hr if self.hr is not None else self.enlarged
        assert found is not None, "neither HR nor LR is given"
        return found


@dataclass(frozen=True)
class Numbers:
    """Plain numbers that a journal keeps: each field is a float, or an array of the shape that its metadata has."""

    def plain(self) -> dict[str, Floats]:
        """Each field as a (1, D) array, exactly."""
        return {each.name: np.asarray(getattr(self, each.name), dtype=np.float64).reshape(1, -1) for each in fields(self)}

    @classmethod
    def from_plain(cls, kept: Mapping[str, Floats]) -> Self:
        """What `plain` gave. Raises: KeyError where a field is missing."""
        made: dict[str, Any] = {}
        for each in fields(cls):
            shape = each.metadata.get("shape", ())
            value = np.asarray(kept[each.name], dtype=np.float64).reshape(shape)
            made[each.name] = value if shape else float(value)
        return cls(**made)


_THUMB, _OFFSET, _SIDES, _SKETCH = ({"shape": shape} for shape in ((CELLS, CELLS, 3), (4,), (4,), (BUCKETS,)))


@dataclass(frozen=True, kw_only=True)
class OriginalLook(Numbers):
    """HR and LR of one name. NaN stands for what is not there.

    Attributes:
        hr, lr: thumbnails, (8, 8, 3) grey levels.
        height, width: of a restored picture.
        low, high: the darkest and brightest thousandth of HR's values (of LR enlarged without HR).
        colour: mean over pixels of the largest less the smallest channel, of HR (of LR without HR).
        hr_grid: JPEG's traces in HR (`grid_strength`).
        lr_from_hr: where LR enlarged lies compared with HR: down, right, peak, still.
    """

    hr: Floats = field(metadata=_THUMB)
    lr: Floats = field(metadata=_THUMB)
    height: float
    width: float
    low: float
    high: float
    colour: float
    hr_grid: float
    lr_from_hr: Floats = field(metadata=_OFFSET)


@dataclass(frozen=True, kw_only=True)
class Look(Numbers):
    """One restored picture. NaN stands for what can't be measured without HR (or LR).

    Attributes:
        thumb: thumbnail, (8, 8, 3) grey levels.
        lost: cells (of 64) that are one flat colour although the originals are far from it.
        low, high: the darkest and brightest thousandth of its values.
        colour: mean over pixels of the largest less the smallest channel.
        spread: standard deviation of all values.
        hr_db: PSNR against HR over all channels; 100 for identical pictures.
        enlarged_db: the larger of those against LR enlarged (bicubic; by repeating pixels).
        noise: correlation of its finest diagonal detail with HR's, -1 to 1.
        grid: JPEG's traces (`grid_strength`).
        from_hr, from_lr: where it lies compared with HR and with LR enlarged: down, right, peak, still.
        edges: lines without a picture at top, bottom, left, right.
        sketch: see `sketch`.
    """

    thumb: Floats = field(metadata=_THUMB)
    lost: float
    low: float
    high: float
    colour: float
    spread: float
    hr_db: float
    enlarged_db: float
    noise: float
    grid: float
    from_hr: Floats = field(metadata=_OFFSET)
    from_lr: Floats = field(metadata=_OFFSET)
    edges: Floats = field(metadata=_SIDES)
    sketch: Floats = field(metadata=_SKETCH)


def look_at_originals(originals: Originals) -> OriginalLook:
    """Measure HR and LR of one name."""
    nothing = np.full((8, 8, 3), np.nan)
    moved = NOWHERE
    if originals.lr_spectrum is not None and originals.hr_spectrum is not None:
        moved = offset(originals.lr_spectrum, originals.hr_spectrum)
    low, high = np.percentile(originals.best, (0.1, 99.9))
    return OriginalLook(
        hr=nothing if originals.hr is None else thumbnail(originals.hr),
        lr=nothing if originals.enlarged is None else thumbnail(originals.enlarged),
        height=originals.size[0],
        width=originals.size[1],
        low=float(low),
        high=float(high),
        colour=_colour(originals.best),
        hr_grid=float("nan") if originals.hr is None else grid_strength(originals.hr),
        lr_from_hr=_four(moved),
    )


def look_at(sr: Rgb, originals: Originals, known: OriginalLook) -> Look:
    """Measure one restored picture of the right size."""
    thumb = thumbnail(sr)
    low, high = np.percentile(sr, (0.1, 99.9))
    own = spectrum(sr)
    enlarged = [_psnr(sr, other) for other in (originals.enlarged, originals.repeated) if other is not None]
    return Look(
        thumb=thumb,
        lost=_lost(sr, thumb, known),
        low=float(low),
        high=float(high),
        colour=_colour(sr),
        spread=float(sr.std()),
        hr_db=float("nan") if originals.hr is None else _psnr(sr, originals.hr),
        enlarged_db=max(enlarged, default=float("nan")),
        noise=float("nan") if originals.hr is None else _correlation(_finest(sr), _finest(originals.hr)),
        grid=grid_strength(sr),
        from_hr=_four(NOWHERE if originals.hr_spectrum is None else offset(own, originals.hr_spectrum)),
        from_lr=_four(NOWHERE if originals.lr_spectrum is None else offset(own, originals.lr_spectrum)),
        edges=empty_lines(sr, [other for other in (originals.hr, originals.enlarged) if other is not None]),
        sketch=sketch(sr),
    )


def _four(moved: Offset) -> Floats:
    return np.array([moved.down, moved.right, moved.peak, moved.still])


def _colour(rgb: Rgb) -> float:
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return float((most - least).mean(dtype=np.float64))


def _psnr(sr: Rgb, other: Rgb) -> float:
    difference = sr.astype(np.int32) - other
    squared = float(np.square(difference).mean(dtype=np.float64))
    return EQUAL_DB if squared == 0 else min(float(10 * np.log10(255**2 / squared)), EQUAL_DB)


def _finest(rgb: Rgb) -> Floats:
    """Diagonal detail of two by two pixels (Haar): what no LR picture holds, and where noise is strongest."""
    grey = rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2].astype(np.float64) @ _LUMA
    return np.asarray(grey[::2, ::2] - grey[1::2, ::2] - grey[::2, 1::2] + grey[1::2, 1::2], dtype=np.float64)


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    length = float(np.sqrt(np.square(one).sum() * np.square(other).sum()))
    return float((one * other).sum()) / length if length > 0 else 0.0


LOST_BY = 25.0
"""Grey levels between a flat cell and the originals' mean there from which on it counts as lost."""


def _lost(sr: Rgb, thumb: Floats, known: OriginalLook) -> float:
    """Cells of one flat colour that is far from the originals' mean: a tile that became NaN, a picture that was never filled."""
    away = np.min([np.abs(thumb - other).max(axis=2) for other in (known.hr, known.lr) if not np.isnan(other).any()], axis=0)
    return float(((cell_ranges(sr) <= 1) & (away > LOST_BY)).sum())
