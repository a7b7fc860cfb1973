"""Batches out of worker processes, in an order that can be taken up again, with errors in one line."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from semsr.errors import SemsrError
from semsr.training.patches import Sample
from semsr.training.sampler import EpochSampler, Place

Batch = dict[str, Any]
"""`hr` (B, 3, size, size) and, where the data set has them, `lr` and `target`; lists `name` and `tags`."""


GRACE = 30
"""Seconds that a worker outlives SIGTERM."""


class Loader:
    """PyTorch's DataLoader over `TrainingPictures` and an `EpochSampler`, which it keeps up to date.

    Iterating gives what is left of the epoch (or batches without end, if the sampler is endless); the next loop the next epoch. A state
    saved in the loop counts the batches handed out, not those that workers have fetched ahead.

    Args:
        dataset: gives a `Sample` for (epoch, index).
        sampler: the order; it belongs to this loader from now on.
        batch: samples a batch, on this rank.
        workers: processes; 0: in this one. Samples do not depend on it.
        drop_last: leave out what does not fill a batch at the end of an epoch.
        prefetch: batches that each worker fetches ahead.
        start: how worker processes start; None: the system's way.
        pin: copy batches to page-locked memory, from which a GPU copies faster.

    Raises:
        SemsrError: a rank's epoch does not fill one batch.
    """

    def __init__(
        self,
        dataset: Dataset[Sample],
        sampler: EpochSampler,
        *,
        batch: int,
        workers: int = 0,
        drop_last: bool = True,
        prefetch: int = 2,
        start: Literal["fork", "spawn", "forkserver"] | None = None,
        pin: bool = False,
    ) -> None:
        each = sampler.per_epoch
        if batch < 1 or (drop_last and not sampler.endless and each < batch):
            raise SemsrError(
                f"training: batch: found {batch}; allowed: 1 to {each}, the samples of an epoch on each of {sampler.ranks} processes "
                f"(or an endless sampler, or drop_last=False)"
            )
        self.sampler, self._batch, self._drop_last = sampler, batch, drop_last
        self._loader: DataLoader[Any] = DataLoader(
            _Guarded(dataset),
            batch_size=batch,
            sampler=sampler,
            num_workers=workers,
            collate_fn=_collate,
            drop_last=drop_last,
            persistent_workers=workers > 0,
            prefetch_factor=prefetch if workers else None,
            multiprocessing_context=start if workers else None,
            pin_memory=pin,
            worker_init_fn=_outlive_signals,
            # It draws seeds for workers, which use none; drawn from the global generator, they would change the training's own draws.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        """Batches left in this epoch."""
        left = self.sampler.remaining
        return left // self._batch if self._drop_last else -(-left // self._batch)

    def __iter__(self) -> Iterator[Batch]:
        self._skip_rest()
        batches = iter(self._loader)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except RuntimeError as error:
                raise _plain(error) from None
            if isinstance(batch, _Failure):
                raise batch.error()
            self.sampler.advance(len(batch["name"]))
            self._skip_rest()  # before the batch is used: a state saved after the last one must begin the next epoch
            yield batch

    def state_dict(self) -> Place:
        """Where training stands after the batches handed out so far."""
        return self.sampler.state_dict()

    def load_state_dict(self, state: Place) -> None:
        """Go on there with the next loop. Raises: SemsrError: the state is of another run."""
        self.sampler.load_state_dict(state)

    def close(self) -> None:
        """End the workers; the next loop starts new ones."""
        batches: Any = getattr(self._loader, "_iterator", None)
        if batches is not None:
            batches._shutdown_workers()
            self._loader._iterator = None

    def _skip_rest(self) -> None:
        if self._drop_last and not self.sampler.endless and self.sampler.remaining < self._batch:
            self.sampler.next_epoch()


def to_device(batch: Batch, wanted: Sequence[str], device: torch.device, dtype: torch.dtype, *, name: str) -> Batch:
    """What is wanted of a batch, its tensors on the device in this dtype; `name` is what errors call the training.

    Raises:
        SemsrError: the batch lacks something.
    """
    if missing := [key for key in wanted if key not in batch]:
        raise SemsrError(f"{name}: the training data gives no {missing[0]!r}, only: {', '.join(batch)}")
    found = {key: batch[key] for key in wanted}
    return {
        key: value.to(device, dtype, non_blocking=True) if isinstance(value, Tensor) else value for key, value in found.items()
    }


@dataclass(frozen=True)
class _Failure:
    """A user's error on its way out of a worker; as an exception it would arrive inside a traceback of the worker's."""

    kind: type[SemsrError]
    text: str

    def error(self) -> SemsrError:
        return self.kind(self.text)


class _Guarded(Dataset[Any]):
    def __init__(self, dataset: Dataset[Sample]) -> None:
        self._dataset = dataset

    def __getitem__(self, key: tuple[int, int]) -> Sample | _Failure:
        try:
            return self._dataset[key]
        except SemsrError as error:
            kind = type(error) if type(error).__init__ is SemsrError.__init__ else SemsrError
            return _Failure(kind, str(error))


def _outlive_signals(_: int) -> None:
    """Signals that a terminal or a job's manager sends to all processes are for the training to answer, with a last checkpoint.

    So workers go on at Ctrl-C, and for a while at SIGTERM: a training that dies without closing its loader ends them by it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))


def _collate(samples: list[Sample | _Failure]) -> Batch | _Failure:
    for sample in samples:
        if isinstance(sample, _Failure):
            return sample
    batch: Batch = default_collate(samples)
    return batch


def _plain(error: RuntimeError) -> Exception:
    """A worker that the system ended (out of memory, mostly) in one line; other errors as they are."""
    if "exited unexpectedly" in str(error) or "is killed by signal" in str(error):
        first = str(error).splitlines()[0]
        return SemsrError(
            f"training: {first}; memory ran out, most often: use fewer workers, smaller batches or a smaller prefetch"
        )
    return error
