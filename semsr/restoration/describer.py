"""The contract of what puts pictures into words: tags, a class, a caption. A method's card names its kinds under `descriptions`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Description:
    """What was said of one picture.

    Attributes:
        tags: names of things, in the describer's order, each once; what precision and recall are counted by.
        text: the words as a prompt gets them.
    """

    tags: tuple[str, ...]
    text: str


class Describer(ABC):
    """Puts pictures into words. Keyword arguments of `__init__` are the options of the card's entry.

    Attributes:
        files: every file of the weights in use, by asset id or, where trained here, by role ("generator" first); set before `load`.
    """

    files: Mapping[str, Path]

    def __init__(self, **options: Any) -> None:
        self.files = {}
        if options:
            raise TypeError(f"{type(self).__name__} takes no options, got {sorted(options)}")

    def load(self, device: torch.device) -> None:  # noqa: B027 (one without weights has nothing to load)
        """Load the verified weights in `files` and move to `device`."""

    @abstractmethod
    def describe(self, pictures: Tensor) -> list[Description]:
        """Describe a batch.

        Args:
            pictures: (B, 3, H, W) float32 RGB in [0, 1], on the device given to `load`, of any size.

        Returns:
            one description a picture, which depends on no other picture.
        """
