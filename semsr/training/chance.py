"""Random numbers of a sample, out of (seed, epoch, index) and nothing else.

Philox is a counter-based generator: its key is the seed, its counter the epoch and the index, so that any sample's numbers are had at once,
in any process, whatever was drawn before. Only raw words are used: NumPy promises that these never change, which it does not of its
distributions.

Source: J. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011 (Philox4x64-10).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semsr.errors import SemsrError

_SAMPLES, _ORDER = 0, 1  # the second half of the key: samples and permutations never share numbers
_LIMIT = 1 << 64


class Chance:
    """The random numbers of one sample, one after the other."""

    def __init__(self, seed: int, epoch: int, index: int) -> None:
        self._bits = _philox(seed, _SAMPLES, epoch, index)

    def below(self, bound: int) -> int:
        """A whole number in 0 .. bound - 1, all equally likely (to within bound / 2^64). Raises: ValueError: bound < 1."""
        if bound < 1:
            raise ValueError(f"nothing to choose from: bound is {bound}")
        return int(self._bits.random_raw()) * bound >> 64

    def coin(self) -> bool:
        """True or False, each with probability 1/2."""
        return bool(self.below(2))


def permutation(seed: int, epoch: int, length: int) -> NDArray[np.int64]:
    """The order of an epoch: (length,) int64, each of 0 .. length - 1 once; as many random words, sorted."""
    words = _philox(seed, _ORDER, epoch, 0).random_raw(length)
    return np.argsort(words, kind="stable").astype(np.int64, copy=False)


def check_seed(seed: int) -> int:
    """The seed itself. Raises: SemsrError: not in 0 .. 2^64 - 1."""
    if not 0 <= seed < _LIMIT:
        raise SemsrError(f"training: seed: found {seed}; allowed: 0 to 2^64 - 1")
    return seed


def _philox(seed: int, purpose: int, epoch: int, index: int) -> np.random.Philox:
    # The two low words of the counter count the draws: 2^128 of them before two samples could meet.
    return np.random.Philox(key=np.array([seed, purpose], np.uint64), counter=np.array([0, 0, index, epoch], np.uint64))
