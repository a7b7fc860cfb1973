"""The planes of a batch, made once for all metrics that compare the same ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from semsr.cards.metric import OptionValue
from semsr.errors import SizeMismatchError
from semsr.evaluation.metric import Batch
from semsr.imaging.colour import Luma, channels

Planes = list[NDArray[np.float64]]


def planes(batch: Batch, options: Mapping[str, OptionValue]) -> Planes:
    """The planes that `luma`, `rounded` and `border` of a metric's options choose: (C, H, W) a picture."""
    luma, rounded, border = Luma(str(options["luma"])), bool(options["rounded"]), int(options["border"] or 0)
    return batch.once(
        ("planes", luma, rounded, border),
        lambda: [channels(rgb, luma, rounded=rounded, border=border) for rgb in batch.pictures],
    )


def same_shape(sr: NDArray[np.float64], hr: NDArray[np.float64]) -> None:
    """Raises SizeMismatchError where two pictures differ in size."""
    if sr.shape != hr.shape:
        raise SizeMismatchError(
            f"SR is {sr.shape[-1]} x {sr.shape[-2]}, HR is {hr.shape[-1]} x {hr.shape[-2]}; they must be of one size"
        )
