"""How a picture is brought to the size that a segmenter looks at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from semsr.errors import SegmenterError

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, of RGB in [0, 1]."""


@dataclass(frozen=True)
class Sizing:
    """The shorter side is brought to `shortest` pixels, unless the longer one would get more than `longest`; padded to `multiple`.

    800 and 1333 is how Mask2Former, OneFormer, OpenSeeD and Detectron2's COCO models are measured. `square`: both sides become `shortest`,
    whatever the picture's shape.
    """

    shortest: int = 800
    longest: int = 1333
    multiple: int = 32
    square: bool = False
    mean: tuple[float, float, float] = MEAN
    deviation: tuple[float, float, float] = DEVIATION

    def size(self, height: int, width: int) -> tuple[int, int]:
        """(H, W) that a picture is looked at in: sides scaled alike and rounded half up, as Detectron2's `ResizeShortestEdge` does."""
        if self.square:
            return self.shortest, self.shortest
        scale = self.shortest / min(height, width)
        if max(height, width) * scale > self.longest:
            scale = self.longest / max(height, width)
        return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))

    def resize(self, picture: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1] at `size`: bilinear, antialiased when it shrinks, rounded to grey levels as pictures in files are."""
        wanted = self.size(*picture.shape[-2:])
        if wanted != tuple(picture.shape[-2:]):
            picture = F.interpolate(picture, wanted, mode="bilinear", align_corners=False, antialias=True)
        return (picture.clamp(0, 1) * 255).round() / 255

    def prepare(self, picture: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """What the network gets: resized, normalised, and padded at the right and bottom with zeros (which is the mean colour).

        Args:
            picture: (1, 3, H, W) RGB in [0, 1].

        Returns:
            (1, 3, H', W') with sides that are multiples, and the (H, W) of it that are picture.
        """
        resized = self.resize(picture)
        height, width = int(resized.shape[-2]), int(resized.shape[-1])
        mean, deviation = (
            torch.tensor(value, dtype=resized.dtype, device=resized.device).view(1, 3, 1, 1)
            for value in (self.mean, self.deviation)
        )
        padding = (0, -width % self.multiple, 0, -height % self.multiple)
        return F.pad((resized - mean) / deviation, padding), (height, width)

    @classmethod
    def of_checkpoint(cls, path: Path) -> Sizing:
        """What a checkpoint's preprocessor_config.json says: `size` (shortest_edge and longest_edge, or one square), `size_divisor`, means.

        Raises:
            SegmenterError: no such file, or it says none of this.
        """
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            size = told["size"]
            multiple = int(told.get("size_divisor", 32) or 1)  # 0 and null say that nothing is padded
            sides = {"shortest_edge": size} if isinstance(size, int) else dict(size)
            square = "shortest_edge" not in sides
            if square and sides["height"] != sides["width"]:
                raise ValueError(f"size is {sides['height']}x{sides['width']}, neither a square nor a shortest_edge")
            shortest = sides["height"] if square else sides["shortest_edge"]
            longest = shortest if square else sides.get("longest_edge", told.get("max_size", cls.longest))
            mean, deviation = _three(told.get("image_mean", MEAN)), _three(told.get("image_std", DEVIATION))
            made = cls(int(shortest), int(longest), multiple, square, mean, deviation)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise SegmenterError(
                f"{path}: not a preprocessor_config.json that says how pictures are sized ({type(error).__name__}: {error}); "
                "fetch it again, or give options.input in the card"
            ) from None
        return made.checked(str(path))

    def checked(self, where: str) -> Sizing:
        """Itself. Raises: SegmenterError: sides that no picture can be brought to."""
        numbers = (self.shortest, self.longest, self.multiple)
        if min(numbers) < 1 or self.longest < self.shortest or min(self.deviation) <= 0:
            raise SegmenterError(
                f"{where}: input: found shortest {self.shortest}, longest {self.longest}, multiple {self.multiple}, deviation "
                f"{self.deviation}; allowed: 1 <= shortest <= longest, multiple >= 1, deviations above 0"
            )
        return self


def sizing_of(option: dict[str, Any] | None, preprocessor: Path | None, where: str) -> Sizing:
    """How a card says pictures are sized: its option `input` first, then the checkpoint's own file, else 800 and 1333.

    Raises:
        SegmenterError: the option has another key or no whole numbers; or the file is none.
    """
    if option is None:
        return Sizing() if preprocessor is None else Sizing.of_checkpoint(preprocessor)
    known = ("shortest", "longest", "multiple")
    wrong = [key for key, value in option.items() if key not in known or type(value) is not int]
    if wrong:
        raise SegmenterError(
            f"{where}: options: input: found {wrong[0]}: {option[wrong[0]]!r}; allowed: whole numbers for {', '.join(known)}"
        )
    return Sizing(**option).checked(f"{where}: options")


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
