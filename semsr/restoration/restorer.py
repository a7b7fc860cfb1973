"""The contract between the harness and a method that runs in this process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Restorer(ABC):
    """Turns LR pictures into SR pictures. Reading, batching, tiling, padding, writing, resuming and timing are the harness's work.

    Class attributes an author may set:
        scale: how much larger the result is.
        halo: LR pixels around a tile that its result depends on; None: the method must see the whole picture and is never tiled.
        multiple: LR sides are padded by reflection to a multiple of this, and the result cropped back.
        halo_error: grey levels by which a tiled result may differ from that of the whole picture; 0: the halo is the receptive field.
        tile: LR side above which the harness tiles without being asked (None: only when memory runs out).
        files: every file of the weights in use by its asset's id, set before `load` (a variant may need several: `a+b`).

    Keyword arguments of `__init__` are the variant's `options`.
    """

    scale: int = 4
    halo: int | None = None
    halo_error: int = 0
    multiple: int = 1
    tile: int | None = None
    files: Mapping[str, Path]

    def __init__(self, **options: Any) -> None:
        self.files = {}
        if options:
            raise TypeError(f"{type(self).__name__} takes no options, got {sorted(options)}")

    def load(self, weights: Path | None, device: torch.device) -> None:  # noqa: B027 (a method without weights has nothing to load)
        """Load the verified weights (the first file of `files`; None where the variant names none) and move to `device`."""

    @abstractmethod
    def restore(self, lr: Tensor, *, names: tuple[str, ...], seed: int) -> Tensor:
        """Restore a batch.

        Args:
            lr: (B, 3, H, W) float32 RGB in [0, 1], on the device given to `load`; sides are multiples of `multiple`.
            names: the pictures' names; random draws must be seeded from (seed, name), so that no picture depends on another.
            seed: the run's seed.

        Returns:
            (B, 3, scale*H, scale*W), RGB in [0, 1]; the harness clips, scales by 255 and rounds half to even.
        """
