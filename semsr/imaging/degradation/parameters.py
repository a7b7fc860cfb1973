"""The published parameter sets of the second-order degradation: *full*, *light* and *PASD*.

Source, full: xinntao/Real-ESRGAN@a4abfb29:options/finetune_realesrgan_x4plus.yml, cswry/SeeSR@8edecc71:utils_data/make_paired_data.py;
light: IceClear/StableSR@398ee938:configs/stableSRNew/v2-finetune_text_T_512.yaml;
PASD: yangxy/PASD@396f9ac2:pasd/dataloader/params_realesrgan.yml
(cswry/SeeSR@8edecc71:dataloaders/params_realesrgan.yml says the same, but SeeSR's training does not use it).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isclose
from typing import Final, Literal, get_args

from semsr.errors import CardError

KernelKind = Literal["iso", "aniso", "generalised-iso", "generalised-aniso", "plateau-iso", "plateau-aniso"]
KERNEL_KINDS: Final[tuple[KernelKind, ...]] = get_args(KernelKind)
ResizeMode = Literal["area", "bilinear", "bicubic"]
RESIZE_MODES: Final[tuple[ResizeMode, ...]] = get_args(ResizeMode)

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The options of one of the two passes: blur, resize, noise, JPEG. Ranges are drawn from uniformly, both ends included.

    Attributes:
        blur_prob: probability that the picture is blurred at all.
        sinc_prob: probability that the blur is a sinc filter instead of one of the six kernels.
        kernel_prob: probabilities of the six kernels, in the order of `KERNEL_KINDS`.
        kernel_sizes: smallest and largest size; odd, drawn from all odd ones between.
        sigma: standard deviation of the kernels in pixels, for each axis of an anisotropic one.
        beta_generalised: exponent of generalised Gaussian kernels; half of them are drawn below 1, half above.
        beta_plateau: exponent of plateau kernels; likewise.
        resize_prob: probabilities of up, down, keep.
        resize_range: smallest and largest scale: up draws from 1 to the largest, down from the smallest to 1.
        gaussian_prob: probability of Gaussian noise; otherwise it is Poisson noise.
        noise: standard deviation of Gaussian noise in grey levels.
        poisson: factor on Poisson noise.
        grey_noise_prob: probability that the three channels get the same noise.
        jpeg: quality.
    """

    blur_prob: float
    sinc_prob: float = 0.1
    kernel_prob: tuple[float, ...] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    kernel_sizes: tuple[int, int] = (7, 21)
    sigma: Range
    beta_generalised: Range
    beta_plateau: Range
    resize_prob: tuple[float, float, float]
    resize_range: Range
    gaussian_prob: float = 0.5
    noise: Range
    poisson: Range
    grey_noise_prob: float = 0.4
    jpeg: Range

    def __post_init__(self) -> None:
        for key in ("blur_prob", "sinc_prob", "gaussian_prob", "grey_noise_prob"):
            _check_probability(key, getattr(self, key))
        _check_shares("kernel_prob", self.kernel_prob, len(KERNEL_KINDS))
        _check_shares("resize_prob", self.resize_prob, 3)
        _check_sizes("kernel_sizes", self.kernel_sizes)
        _check_range("sigma", self.sigma, above=0.0)
        for key in ("beta_generalised", "beta_plateau", "resize_range"):
            _check_range(key, getattr(self, key), above=0.0)
            if not getattr(self, key)[0] <= 1.0 <= getattr(self, key)[1]:
                raise CardError(f"degradation: {key}: found {getattr(self, key)}; 1 must lie in the range")
        _check_range("noise", self.noise)
        _check_range("poisson", self.poisson)
        _check_range("jpeg", self.jpeg, above=0.0, most=100.0)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Every option of the second-order degradation.

    Attributes:
        name: what cards call the set.
        first, second: the two passes. Scales of the second are relative to the size of the LR picture.
        final_sinc_prob: probability of the sinc filter after the last resize; otherwise nothing is done there.
        final_sinc_sizes: its smallest and largest size, as `Stage.kernel_sizes`.
        jpeg_last_prob: probability that the second JPEG comes after the last resize and sinc filter instead of before them.
        resize_modes: interpolations, drawn with equal chances.
    """

    name: str
    first: Stage
    second: Stage
    final_sinc_prob: float = 0.8
    final_sinc_sizes: tuple[int, int] = (7, 21)
    jpeg_last_prob: float = 0.5
    resize_modes: tuple[ResizeMode, ...] = field(default=RESIZE_MODES)

    def __post_init__(self) -> None:
        _check_probability("final_sinc_prob", self.final_sinc_prob)
        _check_probability("jpeg_last_prob", self.jpeg_last_prob)
        _check_sizes("final_sinc_sizes", self.final_sinc_sizes)
        if not self.resize_modes or set(self.resize_modes) - set(RESIZE_MODES):
            raise CardError(
                f"degradation: resize_modes: found {self.resize_modes}; allowed: one or more of {', '.join(RESIZE_MODES)}"
            )


def _check_probability(key: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise CardError(f"degradation: {key}: found {value}; allowed: a probability, 0 to 1")


def _check_shares(key: str, values: tuple[float, ...], count: int) -> None:
    if len(values) != count or min(values) < 0.0 or not isclose(sum(values), 1.0, abs_tol=1e-9):
        raise CardError(f"degradation: {key}: found {values}; allowed: {count} probabilities that sum to 1")


def _check_range(key: str, value: Range, *, above: float | None = None, most: float = float("inf")) -> None:
    low, high = value
    if not (0.0 <= low <= high <= most) or (above is not None and low <= above):
        least = "more than 0" if above is not None else "0 or more"
        upto = "" if most == float("inf") else f", at most {most:g}"
        raise CardError(f"degradation: {key}: found {value}; allowed: (smallest, largest), {least}{upto}")


def _check_sizes(key: str, value: tuple[int, int]) -> None:
    low, high = value
    if not 1 <= low <= high or low % 2 == 0 or high % 2 == 0:
        raise CardError(f"degradation: {key}: found {value}; allowed: (smallest, largest), both odd")


FULL: Final = Parameters(
    name="full",
    first=Stage(
        blur_prob=1.0,
        sigma=(0.2, 3.0),
        beta_generalised=(0.5, 4.0),
        beta_plateau=(1.0, 2.0),
        resize_prob=(0.2, 0.7, 0.1),
        resize_range=(0.15, 1.5),
        noise=(1.0, 30.0),
        poisson=(0.05, 3.0),
        jpeg=(30.0, 95.0),
    ),
    second=Stage(
        blur_prob=0.8,
        sigma=(0.2, 1.5),
        beta_generalised=(0.5, 4.0),
        beta_plateau=(1.0, 2.0),
        resize_prob=(0.3, 0.4, 0.3),
        resize_range=(0.3, 1.2),
        noise=(1.0, 25.0),
        poisson=(0.05, 2.5),
        jpeg=(30.0, 95.0),
    ),
)
"""Real-ESRGAN's own training, SeeSR's generation of training and test pairs, OSEDiff."""

LIGHT: Final = Parameters(
    name="light",
    first=Stage(
        blur_prob=1.0,
        sigma=(0.2, 1.5),
        beta_generalised=(0.5, 2.0),
        beta_plateau=(1.0, 1.5),
        resize_prob=(0.2, 0.7, 0.1),
        resize_range=(0.3, 1.5),
        noise=(1.0, 15.0),
        poisson=(0.05, 2.0),
        jpeg=(60.0, 95.0),
    ),
    second=Stage(
        blur_prob=0.5,
        sigma=(0.2, 1.0),
        beta_generalised=(0.5, 2.0),
        beta_plateau=(1.0, 1.5),
        resize_prob=(0.3, 0.4, 0.3),
        resize_range=(0.6, 1.2),
        noise=(1.0, 12.0),
        poisson=(0.05, 1.0),
        jpeg=(60.0, 100.0),
    ),
)
"""StableSR: its training, and its 3000 DIV2K pairs."""

PASD: Final = Parameters(
    name="pasd",
    first=Stage(
        blur_prob=1.0,
        sigma=(0.2, 3.0),
        beta_generalised=(0.5, 4.0),
        beta_plateau=(1.0, 2.0),
        resize_prob=(0.2, 0.7, 0.1),
        resize_range=(0.3, 1.5),
        noise=(1.0, 15.0),
        poisson=(0.05, 2.0),
        jpeg=(60.0, 95.0),
    ),
    second=Stage(
        blur_prob=0.5,
        sigma=(0.2, 1.5),
        beta_generalised=(0.5, 4.0),
        beta_plateau=(1.0, 2.0),
        resize_prob=(0.3, 0.4, 0.3),
        resize_range=(0.6, 1.2),
        noise=(1.0, 12.0),
        poisson=(0.05, 1.0),
        jpeg=(60.0, 100.0),
    ),
)
"""PASD: light in resizing, noise and JPEG, full in blur."""

PARAMETERS: Final = {parameters.name: parameters for parameters in (FULL, LIGHT, PASD)}
"""The published sets by name."""
