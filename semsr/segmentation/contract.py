"""The contract between the harness and a segmenter that runs in this process: a picture in, what is where out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semsr.cards.protocol import PostProcessing
from semsr.segmentation.found import Category, Found

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Segmenter(ABC):
    """Says what is where. Keyword arguments of `__init__` are the card's options.

    Attributes:
        files: every file of the weights in use, by asset id, or "generator" where it is trained here; set before `load`.
        categories: the data set's, sorted by id; set before `load`. A segmenter that knows other classes raises SegmenterError there.
        post_processing: the protocol's thresholds; set before `load`.
    """

    files: Mapping[str, Path]
    categories: Sequence[Category]
    post_processing: PostProcessing

    def __init__(self, **options: Any) -> None:
        self.files, self.categories = {}, ()
        if options:
            raise TypeError(f"{type(self).__name__} takes no options, got {sorted(options)}")

    @abstractmethod
    def load(self, device: torch.device) -> None:
        """Load the verified weights in `files` and move to `device`. Raises: SegmenterError, WeightsError."""

    @abstractmethod
    def segment(self, name: str, picture: Tensor, size: tuple[int, int]) -> Found:
        """Say what is in one picture; deterministic, and whatever came before.

        Args:
            name: the picture's, for `Found.name` and errors.
            picture: (1, 3, H, W) float32 RGB in [0, 1], on the device given to `load`.
            size: (H, W) of the answer: the picture's own, or its annotations' (boxes and masks are brought there).

        Returns:
            every answer that the card's `gives` promises, none of another.
        """
