"""EfficientNet-Lite0 as a tagger: ImageNet's 1000 classes where RAM's 4585 tags can't be had."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from semsr.assets.tensors import load_tensors
from semsr.restoration.semantics.efficientnet import timm_names
from semsr.restoration.semantics.loading import fill_strictly

from ..options import EFFICIENTNET_WIDTH, TaggerOptions
from .contract import Tagger, with_mean


class EfficientNetTagger(Tagger):
    """Tokens are the map of stride 32 after the last convolution, its mean before it; logits give softmax probabilities by a sigmoid.

    Batch normalisation keeps to the stored statistics in whatever mode the tagger is: the network is frozen, only additions to it learn.
    Its input is (x - 127) / 128 of 0-255.
    """

    def __init__(self, card: TaggerOptions) -> None:
        super().__init__(card, imagenet_tags(), None, EFFICIENTNET_WIDTH)
        import timm

        self.network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=len(self.tags))

    def look(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """See `Tagger.look`."""
        maps = self.network.forward_features((pictures * 255 - 127) / 128)
        tokens = with_mean(maps.flatten(2).transpose(1, 2))
        return tokens, sigmoid_logits(self.network.classifier(tokens[:, 0]))

    def fill(self, weights: Path) -> None:
        """Load verified weights: the package's or timm's names, strictly. Raises: WeightsError: they are another network's."""
        fill_strictly(self.network, timm_names(load_tensors(weights), weights), weights, "EfficientNet-Lite0")

    def train(self, mode: bool = True) -> Self:
        """As any module's, but for batch normalisation."""
        super().train(mode)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def imagenet_tags() -> tuple[str, ...]:
    """The 1000 classes' names, in the order of every classifier of ImageNet, as torchvision lists them."""
    from torchvision.models import EfficientNet_B0_Weights

    return tuple(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])


def sigmoid_logits(scores: Tensor) -> Tensor:
    """Logits whose sigmoids are the softmax of `scores`: score - log sum exp of the others, (B, K) -> (B, K).

    Finite for every finite input: the largest score's others are summed apart, since 1 - p would be lost in rounding.
    """
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    first = torch.nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).bool()
    total = scores.logsumexp(-1, keepdim=True)
    but_first = scores.masked_fill(first, -torch.inf).logsumexp(-1, keepdim=True)
    share = torch.exp(scores - total).masked_fill(first, 0.0)
    return scores - torch.where(first, but_first, total + torch.log1p(-share))
