"""Options of the objectives that SeeSR's networks are trained by; defaults are the published values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from semsr.cards.base import Card
from semsr.cards.recipe import PerceptualLoss, Share

Weight = Annotated[float, Field(ge=0)]


class AutoencoderLoss(Card):
    """An autoencoder's: the mean difference of pixels in [-1, 1], plus `kl` times the mean divergence of a latent's number from a unit
    Gaussian, plus features of VGG (role "perceptual" of the recipe's assets), of pixels in [0, 1].

    `begin`: "passing" makes of the weights drawn something near the identity (`beginning.py`). `log_variance`: what the posteriors begin
    with; None: as drawn, about 0, in whose noise means that are still small drown.
    """

    pixel: Literal["l1", "l2"] = "l1"
    kl: Weight = 1e-6
    perceptual: PerceptualLoss | None = None
    begin: Literal["drawn", "passing"] = "drawn"
    log_variance: float | None = None


class DiffusionLoss(Card):
    """A text-to-image model's.

    `words`: from where the ground truth's tags come, the tagger or the files beside the training data (SeeSR makes these beforehand).
    `null_text`: how often a picture goes without them. `begin`: as an autoencoder's; of stage two, the ControlNet.
    """

    begin: Literal["drawn", "passing"] = "drawn"

    null_text: Share = 0.1
    words: Literal["tagger", "files"] = "tagger"


class ControlLoss(DiffusionLoss):
    """Stage two's. `train`: "published": ControlNet and the U-Net's representation attention; "all": the whole U-Net, too."""

    null_text: Share = 0.5
    train: Literal["published", "all"] = "published"
