"""RAM, the recognize-anything model (arXiv 2306.03514), as far as SeeSR needs it: 212.1 M of its 470.9 M parameters."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from semsr.restoration.vgg_files import IMAGENET_MEAN, IMAGENET_STD

from ..options import TaggerOptions
from .contract import Tagger, with_mean
from .head import TaggingHead, draw_labels
from .swin import Swin


class RamTagger(Tagger):
    """Swin, the mean of its places before them, a projection to the tokens (f_rep), and tags that ask them.

    Names of tensors are those of the published weights; what SeeSR has no use for (`tag_encoder`, `text_decoder`) is not built.

    Source: cswry/SeeSR@8edecc7 and xinyu1205/recognize-anything@7cb804a, described in words.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, card: TaggerOptions, tags: Sequence[str], thresholds: Tensor | None = None, *, recompute: bool = False
    ) -> None:
        super().__init__(card, tags, thresholds, card.width)
        self.visual_encoder = Swin(card.swin, card.size, recompute=recompute)
        self.image_proj = nn.Linear(self.visual_encoder.width, card.width)
        self.label_embed = draw_labels(len(self.tags), card.width)
        self.wordvec_proj = nn.Linear(card.width, card.head.hidden)
        self.tagging_head = TaggingHead(card.head, card.width)
        self.fc = nn.Linear(card.head.hidden, 1)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)

    def look(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """See `Tagger.look`."""
        places = self.visual_encoder((pictures - self.mean) / self.std)
        tokens = self.image_proj(with_mean(places))
        queries = torch.relu(self.wordvec_proj(self.label_embed))
        found = self.tagging_head(queries.expand(len(tokens), -1, -1), tokens)
        return tokens, self.fc(found).squeeze(-1)
