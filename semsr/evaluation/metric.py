"""The contract between the harness and a metric: batches of equal-sized pictures in, one number a picture out."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from semsr.cards.metric import MetricCard, OptionValue
from semsr.imaging.pictures import Rgb

if TYPE_CHECKING:
    import torch

Values = NDArray[np.float64]
"""(B,), one value a picture, in the metric's unit."""


@dataclass(frozen=True)
class Workshop:
    """What a metric is made with.

    Attributes:
        card: the metric's card.
        options: every option of the card, with the protocol's choices filled in.
        asset: gives the verified file of one of the card's assets; raises AssetError where it can't be had.
        device: where networks run, "cpu" or "cuda".
    """

    card: MetricCard
    options: Mapping[str, OptionValue]
    asset: Callable[[str], Path]
    device: str = "cpu"


class Batch:
    """Pictures of one size, decoded once; each derived form is made at most once and shared by all metrics."""

    def __init__(self, names: Sequence[str], pictures: Sequence[Rgb], device: str = "cpu") -> None:
        self.names = tuple(names)
        self.pictures = tuple(pictures)
        self.device = device
        self.shared: dict[Any, Any] = {}
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of every picture."""
        return self.pictures[0].shape[0], self.pictures[0].shape[1]

    @property
    def tensor(self) -> torch.Tensor:
        """(B, 3, H, W) float32 in [0, 1], RGB, channels-last in memory, on `device`."""
        tensor: torch.Tensor = self.once("tensor", self._make_tensor)
        return tensor

    def _make_tensor(self) -> torch.Tensor:
        import torch

        stacked = torch.from_numpy(np.stack(self.pictures)).to(self.device)
        return stacked.permute(0, 3, 1, 2).float().div_(255.0)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """The derived form called `key` (a luma plane, say), made by `make` the first time a metric asks for it, in any thread."""
        with self._lock:
            if key not in self.shared:
                self.shared[key] = make()
            return self.shared[key]


class Metric(ABC):
    """One definition of quality. Subclasses load their weights in `__init__` and raise MetricUnavailableError where they can't run.

    `reference` is computed once for each HR batch and handed to `measure` for every method scored against it. Metrics with
    `uses_network = False` run in worker threads beside the network ones and must be thread-safe.
    """

    uses_network = False

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def reference(self, hr: Batch) -> Any:
        """What this metric keeps of the HR pictures (features, statistics); default: the batch itself."""
        return hr

    @abstractmethod
    def measure(self, sr: Batch, reference: Any) -> Values:
        """One value a picture. `reference` is None for metrics without one."""

    def pooled(self, values: Values, sizes: Sequence[tuple[int, int]]) -> float | None:
        """The value of all pictures taken as one, where it follows from their own (PSNR of all square errors); None where it does not.

        Args:
            values: (N,), what `measure` gave.
            sizes: (H, W) of each picture.
        """
        return None


class SetMetric(ABC):
    """A metric of two sets of pictures (FID, KID): features are gathered picture by picture, the value is of the whole set."""

    uses_network = True

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    @abstractmethod
    def features(self, batch: Batch) -> NDArray[np.float64]:
        """(B, D) features."""

    @abstractmethod
    def distance(self, sr: NDArray[np.float64], hr: NDArray[np.float64]) -> float:
        """The value of the set from (N, D) features of each side."""
