"""The data set that training reads: patches of prepared pictures, each drawn from (seed, epoch, index) alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from semsr.errors import SemsrError
from semsr.imaging.degradation.recipe import degrade
from semsr.imaging.degradation.sharpen import sharpen
from semsr.imaging.pictures import Rgb
from semsr.imaging.resize import bicubic_uint8
from semsr.training.chance import Chance, check_seed
from semsr.training.crops import Patch, Resized, View, cut, extend, place, require_room
from semsr.training.flips import Flips, draw_flip
from semsr.training.index import Index, Kind, Source
from semsr.training.lowres import BicubicLr, DegradedLr, LowRes, PairedLr
from semsr.training.pixels import FilePixels, PackedPixels, Pixels
from semsr.training.subimages import Box, SubImages, Windows
from semsr.training.tags import Tags


class Sample(TypedDict):
    """One sample, or after collation a batch of them.

    `hr` is (3, size, size) float32 in [0, 1], `lr` (3, size/scale, size/scale), `target` as `hr`, but sharpened; all are whole numbers
    divided by 255. `name` is `<data set>/<picture>`.
    """

    name: str
    hr: Tensor
    lr: NotRequired[Tensor]
    target: NotRequired[Tensor]
    tags: NotRequired[str]


class TrainingPictures(Dataset[Sample]):
    """Samples of one or several prepared data sets, by (epoch, index).

    A sample depends on the arguments, the epoch and the index: not on the number of workers, the batch, or what was read before. The index
    counts pictures, or sub-images where the view has them.

    Args:
        sources: the data sets, joined.
        view: `Patch` or `Resized`.
        lr: where LR comes from; None: HR alone.
        flips: "all" eight, "horizontal" or "none"; HR and LR alike. They come before a random degradation, as in Real-ESRGAN.
        packed: the folder that `pack` wrote into; None: decode the files.
        seed: of all draws.
        target: "sharpened" adds HR after unsharp masking, which Real-ESRGAN's pixel and perceptual losses compare with. Where HR is
            degraded, it is what was degraded, edges of the patch and all; else the patch is sharpened by itself.

    Raises:
        SemsrError: something does not fit; every picture's size is checked here, from the manifests, before training starts.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        view: View,
        *,
        lr: LowRes | None = None,
        flips: Flips = "all",
        packed: Path | None = None,
        seed: int = 0,
        target: Literal["plain", "sharpened"] = "plain",
    ) -> None:
        self.index = Index(sources)
        self.target = target
        self.scale, self.view, self.lr, self.flips = self.index.scale, view, lr, flips
        self.seed = check_seed(seed)
        self._tags = Tags(sources, self.index) if any(source.tags for source in sources) else None
        view.check(self.scale)
        kinds: tuple[Kind, ...] = ("hr", "lr") if isinstance(lr, PairedLr) else ("hr",)
        if isinstance(lr, DegradedLr):
            lr.check(self.scale, view.size)
            if isinstance(view, Resized) and lr.context is not None:
                raise SemsrError("training: a whole picture has no context around it; leave 'context' out")
        if isinstance(lr, PairedLr):
            _check_paired(view)
            self.index.require_pairs()
        # What is paired on a grid is cut on that grid: positions are LR pixels there, and HR pixels elsewhere.
        self._grid = self.scale if isinstance(lr, PairedLr | BicubicLr) else 1
        self._side = lr.context if isinstance(lr, DegradedLr) and lr.context else view.size
        self._windows = self._make_windows(view)
        self._pixels: Pixels = FilePixels() if packed is None else PackedPixels(packed)
        if isinstance(self._pixels, PackedPixels):
            self._pixels.require(self.index, kinds)

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        """The sample of (epoch, index). Raises: PictureError, PairingError: a file is damaged; SemsrError: a plain index was given."""
        if not isinstance(key, tuple):
            raise SemsrError(
                f"training: found index {key!r}; allowed: (epoch, index), as EpochSampler gives, since without the epoch "
                f"every epoch would see the same patches"
            )
        epoch, number = key
        if not 0 <= number < len(self):
            raise IndexError(f"sample {number} of {len(self)}")
        chance = Chance(self.seed, epoch, number)
        at, window = self._windows[number]
        hr, lr = self._whole(at) if isinstance(self.view, Resized) else self._patch(at, window, chance)
        flip = draw_flip(chance, self.flips)
        hr = flip(hr)
        target = None
        if isinstance(self.lr, DegradedLr):
            hr, lr, target = self._degrade(self.lr, np.ascontiguousarray(hr), epoch, number, chance)
        elif lr is not None:
            lr = flip(lr)
        sample = Sample(name=self.index.name(at), hr=_tensor(hr))
        if self.target == "sharpened":
            sample["target"] = _tensor(_sharpened(hr) if target is None else target)
        if lr is not None:
            sample["lr"] = _tensor(lr)
        if self._tags is not None:
            sample["tags"] = self._tags.read(self.index, at)
        return sample

    def _make_windows(self, view: View) -> Windows:
        grid, sizes = self._grid, self.index.sizes("hr")
        if isinstance(view, Resized):
            return Windows(sizes, None)
        sub = view.cut
        if sub is not None and self._side > sub.size:
            raise SemsrError(f"training: a context of {self._side} pixels does not fit into sub-images of {sub.size}")
        if sub is not None and grid > 1:
            if sub.size % grid or sub.step % grid or sub.threshold % grid:
                raise SemsrError(f"training: {sub}: all three must be multiples of the scale, {grid}, where LR is cut alike")
            sub = SubImages(sub.size // grid, sub.step // grid, sub.threshold // grid)
        if view.small == "refuse":
            require_room(self.index, self._side)
        return Windows(sizes // grid, sub)

    def _whole(self, at: int) -> tuple[Rgb, Rgb | None]:
        height, width = self.index.size(at, "hr")
        picture = Image.fromarray(np.ascontiguousarray(self._pixels.read(self.index, at, "hr", Box(0, 0, height, width))))
        hr = np.asarray(picture.resize((self.view.size, self.view.size), Image.Resampling.LANCZOS))
        return hr, bicubic_uint8(hr, 1 / self.scale, dialect=self.lr.dialect) if isinstance(self.lr, BicubicLr) else None

    def _patch(self, at: int, window: Box, chance: Chance) -> tuple[Rgb, Rgb | None]:
        """HR, and LR where it is on the same grid; HR alone may be the larger square that is to be degraded."""
        box = place(chance, window, self._side // self._grid)
        if isinstance(self.lr, BicubicLr):
            return self._bicubic(self.lr, at, box)
        hr = self._pixels.read(self.index, at, "hr", box.scaled(self._grid))
        lr = self._pixels.read(self.index, at, "lr", box) if isinstance(self.lr, PairedLr) else None
        return extend(hr, self._side, self._side), lr

    def _bicubic(self, lr: BicubicLr, at: int, box: Box) -> tuple[Rgb, Rgb]:
        """Downscale with enough around the patch that its LR pixels are those of the whole picture."""
        scale, side = self.scale, self.view.size
        height, width = self.index.size(at, "hr")
        # An LR pixel is made of 4 x scale HR pixels in a row: less than 2 x scale beyond its own on either side.
        top, left = max(0, box.top - 2) * scale, max(0, box.left - 2) * scale
        bottom, right = min(height, (box.top + box.height + 2) * scale), min(width, (box.left + box.width + 2) * scale)
        # A side too short for the patch is read to its end, the rest beyond the grid too, and then mirrored.
        bottom, right = (height if height < side else bottom), (width if width < side else right)
        around = self._pixels.read(self.index, at, "hr", Box(top, left, bottom - top, right - left))
        around = extend(around, side if height < side else 0, side if width < side else 0)
        at_hr = Box(box.top * scale - top, box.left * scale - left, side, side)
        at_lr = Box(at_hr.top // scale, at_hr.left // scale, side // scale, side // scale)
        return cut(around, at_hr), cut(bicubic_uint8(np.ascontiguousarray(around), 1 / scale, dialect=lr.dialect), at_lr)

    def _degrade(self, lr: DegradedLr, hr: Rgb, epoch: int, number: int, chance: Chance) -> tuple[Rgb, Rgb, Rgb | None]:
        """HR, LR and, where it is asked for, sharpened HR."""
        # The name of the draw is the sample, not the picture: each epoch degrades a picture anew.
        image, place_in_run = f"{self.seed}/{epoch}/{number}", epoch * len(self) + number
        sharp = self.target == "sharpened"
        # The ground truth's kind changes neither the draws nor LR.
        made = degrade(hr, replace(lr.recipe, ground_truth="sharpened") if sharp else lr.recipe, image, place=place_in_run)
        shown = hr if sharp and lr.recipe.ground_truth == "plain" else made.hr
        if self._side == self.view.size:
            return shown, made.lr, made.hr if sharp else None
        whole = Box(0, 0, *(side // self.scale for side in made.hr.shape[:2]))
        box = place(chance, whole, self.view.size // self.scale)
        at = box.scaled(self.scale)
        return cut(shown, at), cut(made.lr, box), cut(made.hr, at) if sharp else None


def _check_paired(view: View) -> None:
    if isinstance(view, Resized):
        raise SemsrError("training: whole pictures brought to a size have no paired LR; make LR while training")
    if isinstance(view, Patch) and view.small == "reflect":
        raise SemsrError(
            "training: small='reflect' does not go with LR files: mirrored at their last pixels, LR and HR come apart; "
            "use small='refuse', or LR made while training"
        )


def _sharpened(hr: Rgb) -> Rgb:
    planes = torch.from_numpy(np.ascontiguousarray(hr.transpose(2, 0, 1))).to(torch.float64)
    return sharpen(planes).round().clamp(0, 255).to(torch.uint8).numpy().transpose(1, 2, 0)


def _tensor(picture: Rgb) -> Tensor:
    planes: NDArray[np.uint8] = np.ascontiguousarray(picture.transpose(2, 0, 1))
    return torch.from_numpy(planes).to(torch.float32) / 255
