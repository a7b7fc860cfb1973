"""Taggers out of files: the plain one, DAPE (with its additions merged), and what DAPE's training starts from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from semsr.errors import WeightsError

from ..options import TaggerOptions
from .contract import Tagger
from .efficientnet import EfficientNetTagger
from .loading import load_ram
from .lora import add_lora, load_lora, merge_lora
from .ram import RamTagger
from .tags import read_tags, read_thresholds


def make_tagger(card: TaggerOptions, files: Mapping[str, Path], *, recompute: bool = False) -> Tagger:
    """A tagger in evaluation mode, frozen.

    Args:
        card: its kind and sizes.
        files: by role: `tagger` its weights; for RAM `tag-list` and `tag-thresholds`, too. Without `tagger` it is freshly drawn from
            torch's generator, and its tags are numbered; without `tag-thresholds` each tag has the card's.
        recompute: RAM forgets activations in training and computes them again.

    Raises:
        WeightsError: a file is another network's, or weights come without their list of tags.
    """
    weights = files.get("tagger")
    tagger: EfficientNetTagger | RamTagger
    if card.kind == "efficientnet":
        tagger = EfficientNetTagger(card)
        if weights is not None:
            tagger.fill(weights)
    else:
        tags, thresholds = files.get("tag-list"), files.get("tag-thresholds")
        if weights is not None and tags is None:
            raise WeightsError(f"{weights}: RAM's weights need its list of tags; give a file for the role tag-list")
        names = tuple(f"tag {at}" for at in range(card.tags)) if tags is None else read_tags(tags, card.tags)
        values = None if thresholds is None else read_thresholds(thresholds, card.tags)
        tagger = RamTagger(card, names, values, recompute=recompute)
        if weights is not None:
            load_ram(tagger, weights)
    return tagger.eval().requires_grad_(False)


def make_dape(card: TaggerOptions, files: Mapping[str, Path]) -> Tagger:
    """The tagger with the additions of the role `dape` merged, in evaluation mode, frozen; without that role, the plain tagger.

    Raises:
        WeightsError: a file does not fit.
    """
    tagger = make_tagger(card, files)
    if "dape" in files:
        merge_lora(load_lora(tagger, files["dape"]))
    return tagger.eval().requires_grad_(False)


def start_dape(card: TaggerOptions, files: Mapping[str, Path], *, recompute: bool = False) -> Tagger:
    """What DAPE's training trains: the tagger with fresh additions, which alone require gradients; in training mode.

    Raises:
        WeightsError: a file does not fit.
        SemsrError: the card says that there are no additions.
    """
    return add_lora(make_tagger(card, files, recompute=recompute)).train()
