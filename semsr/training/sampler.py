"""The order of samples: a permutation of each epoch, shared out over processes, that can be taken up again anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict

from torch.utils.data import Sampler

from semsr.errors import SemsrError
from semsr.training.chance import check_seed, permutation


class Place(TypedDict):
    """Where training stands: `position` samples of `epoch` were handed out by all ranks together. `seed` and `length` name the order."""

    seed: int
    length: int
    epoch: int
    position: int


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields (epoch, index), so that workers that live on from epoch to epoch learn the epoch with each sample.

    Rank r of n takes every nth sample of the epoch's permutation from the rth on: every sample goes to exactly one rank, and a run may be
    taken up with another number of ranks. What was *yielded* says nothing about what was *used*, since workers fetch ahead; so iterating
    changes nothing here, and whoever uses samples says so by `advance` (`Loader` does).

    Args:
        length: of the data set.
        seed: of the permutations.
        rank: this process, 0 .. ranks - 1.
        ranks: how many processes share an epoch.
        uneven: where the length is no multiple of the ranks: "drop" the last few samples of the permutation (others in every epoch), or
            "pad" with the first few.
        endless: go on with the next epoch without a stop, so that batches may hold samples of two; for training by iterations.

    Raises:
        SemsrError: an argument that can't be.
    """

    def __init__(
        self,
        length: int,
        *,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
        uneven: Literal["drop", "pad"] = "drop",
        endless: bool = False,
    ) -> None:
        if not 0 <= rank < ranks:
            raise SemsrError(f"training: rank: found {rank}; allowed: 0 to {ranks - 1}")
        if length < 1 or (uneven == "drop" and length < ranks):
            raise SemsrError(f"training: {length} samples for {ranks} processes; each needs one at least")
        self.length, self.seed, self.rank, self.ranks = length, check_seed(seed), rank, ranks
        self.uneven, self.endless = uneven, endless
        self.epoch = self.position = 0

    @property
    def per_epoch(self) -> int:
        """How many samples of a whole epoch each rank gets."""
        return self._share(self.length)

    @property
    def remaining(self) -> int:
        """How many samples of this epoch are left for this rank; equal for all ranks."""
        return self._share(max(0, self.length - self.position))

    def __len__(self) -> int:
        return self.remaining

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, position, count = self.epoch, self.position, self.remaining
        while True:
            order = permutation(self.seed, epoch, self.length)
            for nth in range(count):
                # Padding starts the permutation again.
                yield epoch, int(order[(position + nth * self.ranks + self.rank) % self.length])
            if not self.endless:
                return
            epoch, position = epoch + 1, 0
            count = self.per_epoch

    def advance(self, count: int) -> None:
        """Say that this rank (and every other) has used `count` samples more; at the end of an epoch the next one begins."""
        while count:
            step = min(count, self.remaining)
            self.position += step * self.ranks
            count -= step
            if not self.remaining:
                self.next_epoch()

    def next_epoch(self) -> None:
        """Leave the rest of this epoch out."""
        self.epoch, self.position = self.epoch + 1, 0

    def _share(self, count: int) -> int:
        return count // self.ranks if self.uneven == "drop" else -(-count // self.ranks)

    def state_dict(self) -> Place:
        """Where training stands, for a checkpoint; the same for all ranks."""
        return Place(seed=self.seed, length=self.length, epoch=self.epoch, position=self.position)

    def load_state_dict(self, state: Place) -> None:
        """Go on where `state_dict` was called. Raises: SemsrError: the state belongs to another seed or length, or is damaged."""
        for key, ours in (("seed", self.seed), ("length", self.length)):
            if state.get(key) != ours:
                raise SemsrError(
                    f"training state: {key} is {state.get(key)!r}, but this run has {ours}; go on with the same data and seed"
                )
        epoch, position = state.get("epoch"), state.get("position")
        if not (
            isinstance(epoch, int) and isinstance(position, int) and epoch >= 0 and 0 <= position <= self.length + self.ranks
        ):
            raise SemsrError(
                f"training state: found epoch {epoch!r}, position {position!r}; allowed: whole numbers within the data set"
            )
        self.epoch, self.position = epoch, position
        if not self.remaining:
            self.next_epoch()
