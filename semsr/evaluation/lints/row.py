"""A whole row of looks, as judges take it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from semsr.evaluation.lints.look import Look, OriginalLook

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RowLooks:
    """The pictures of one row, in the order of `names`, and their originals."""

    names: tuple[str, ...]
    looks: tuple[Look, ...]
    originals: tuple[OriginalLook, ...]

    def __len__(self) -> int:
        return len(self.names)

    def without(self, names: Collection[str]) -> RowLooks:
        """The row without some of its pictures."""
        kept = [at for at, name in enumerate(self.names) if name not in names]
        return RowLooks(
            tuple(self.names[at] for at in kept), tuple(self.looks[at] for at in kept), tuple(self.originals[at] for at in kept)
        )

    @cached_property
    def thumbs(self) -> Floats:
        """(N, 8, 8, 3) mean colours."""
        return np.stack([look.thumb for look in self.looks])

    @cached_property
    def references(self) -> tuple[Floats, ...]:
        """Mean colours of HR and of LR, (N, 8, 8, 3) each; one alone where the other is missing.

        A method sees LR and is measured against HR; in real pairs the two differ. What is wrong is wrong compared with both.
        """
        both = (np.stack([getattr(each, kind) for each in self.originals]) for kind in ("hr", "lr"))
        return tuple(thumbs for thumbs in both if not np.isnan(thumbs).any())

    def of(self, field: str) -> Floats:
        """One number (or array) of all looks: (N, ...)."""
        return np.array([getattr(look, field) for look in self.looks], dtype=np.float64)

    def of_originals(self, field: str) -> Floats:
        """The same of the originals."""
        return np.array([getattr(look, field) for look in self.originals], dtype=np.float64)

    def where(self, holds: NDArray[np.bool_]) -> tuple[str, ...]:
        """The names of those pictures for which something holds (N,)."""
        return tuple(name for name, it in zip(self.names, holds, strict=True) if it)


def median_and_spread(values: Floats) -> tuple[Floats, Floats]:
    """Median over the first axis, and the standard deviation that the median absolute deviation stands for."""
    middle = np.median(values, axis=0)
    return middle, 1.4826 * np.median(np.abs(values - middle), axis=0)


def least(values: Sequence[Floats]) -> Floats:
    """Of deviations from several references the one nearest to 0, element by element; 0 where they disagree about the sign."""
    stacked = np.stack(values)
    agree = (stacked > 0).all(axis=0) | (stacked < 0).all(axis=0)
    nearest = np.take_along_axis(stacked, np.abs(stacked).argmin(axis=0)[None], axis=0)[0]
    return np.asarray(np.where(agree, nearest, 0.0), dtype=np.float64)
