"""Where the LR patch of a HR patch comes from."""

from __future__ import annotations

from dataclasses import dataclass

from semsr.errors import SemsrError
from semsr.imaging.degradation.recipe import Recipe
from semsr.imaging.resize import Dialect


@dataclass(frozen=True)
class PairedLr:
    """The data set's own LR pictures (SeD: the official bicubic ones), cut at the same place."""


@dataclass(frozen=True)
class BicubicLr:
    """MATLAB-compatible bicubic downscaling while training. A patch is the patch of the downscaled whole picture, pixel for pixel."""

    dialect: Dialect = "symmetric"


@dataclass(frozen=True)
class DegradedLr:
    """A random degradation while training (Real-ESRGAN, SeeSR), with other choices for each sample and epoch.

    Attributes:
        recipe: what is done; with ground_truth="sharpened" the HR patch is the sharpened one.
        context: side of the square that is degraded, in HR pixels, of which the patch is then cut at random (Real-ESRGAN: 400);
            None: the patch itself is degraded, edges and all (SeeSR).
    """

    recipe: Recipe
    context: int | None = None

    def check(self, scale: int, size: int) -> None:
        """Raises: SemsrError: another scale than the data set's, or a context that can't be."""
        if self.recipe.scale != scale:
            raise SemsrError(
                f"training: the recipe makes LR of 1/{self.recipe.scale}, but the data sets are x{scale}; use one scale"
            )
        if self.context is not None and (self.context < size or self.context % scale):
            raise SemsrError(
                f"training: context: found {self.context}; allowed: multiples of {scale}, at least the patch size, {size}"
            )


LowRes = PairedLr | BicubicLr | DegradedLr
