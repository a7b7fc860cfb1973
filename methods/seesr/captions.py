"""Captions of pictures by BLIP, and the things that a caption names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from semsr.assets.tensors import load_tensors
from semsr.cards.base import Card
from semsr.errors import WeightsError
from semsr.restoration.semantics.loading import require_fitting

from .options import Count

MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""CLIP's, which BLIP shares (from memory, unverified against the published configuration)."""


class CaptionerOptions(Card):
    """BLIP's sizes; the defaults are those of BLIP's base captioner, from memory and unverified: no published configuration was at hand.

    `size`: pictures are brought to this square. `beams`, `longest`, `shortest`: how words are searched for, in tokens with the first.
    """

    size: Count = 384
    patch: Count = 16
    width: Count = 768
    layers: Count = 12
    heads: Count = 12
    feed_forward: Count = 3072
    text_width: Count = 768
    text_layers: Count = 12
    text_heads: Count = 12
    text_feed_forward: Count = 3072
    positions: Count = 512
    vocabulary: Count = 30524
    begin: Annotated[int, Field(ge=0)] = 30522
    end: Annotated[int, Field(ge=0)] = 102
    padding: Annotated[int, Field(ge=0)] = 0
    beams: Count = 3
    longest: Count = 20
    shortest: Count = 5


class Captioner:
    """BLIP of transformers, made of our options, never of a downloaded configuration. Which captioner the paper used is unknown."""

    def __init__(self, card: CaptionerOptions, files: Mapping[str, Path]) -> None:
        """Make it.

        Args:
            card: its sizes.
            files: by role: `captioner` its weights, `vocabulary` one token a line.

        Raises:
            WeightsError: a file is missing, or does not fit the sizes.
        """
        for role in ("captioner", "vocabulary"):
            if role not in files:
                raise WeightsError(f"captions need a file for the role {role!r}; found: {', '.join(files) or 'none'}")
        self.card = card
        self.words = read_vocabulary(files["vocabulary"], card)
        self.network = load_blip(make_blip(card), files["captioner"]).eval().requires_grad_(False)

    def to(self, device: torch.device) -> Captioner:
        """Move to a device."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def caption(self, pictures: Tensor) -> list[str]:
        """One caption a picture (B, 3, H, W), RGB in [0, 1], of any size; nothing is drawn at random."""
        square = F.interpolate(pictures, (self.card.size, self.card.size), mode="bicubic", antialias=True).clamp(0, 1)
        mean, deviation = (torch.tensor(value, device=square.device).view(1, 3, 1, 1) for value in (MEAN, DEVIATION))
        card = self.card
        found = self.network.generate(  # type: ignore[operator]
            pixel_values=(square - mean) / deviation,
            num_beams=card.beams,
            max_length=card.longest,
            min_length=card.shortest,
            do_sample=False,
        )
        return [self.text(row) for row in found.tolist()]

    def text(self, tokens: Sequence[int]) -> str:
        """Token numbers as text: pieces that begin with `##` belong to the word before; special tokens are left out."""
        special = {self.card.begin, self.card.end, self.card.padding}
        pieces = [self.words[token] for token in tokens if token not in special and token < len(self.words)]
        return " ".join(piece for piece in pieces if piece[:1] != "[").replace(" ##", "")


def make_blip(card: CaptionerOptions) -> nn.Module:
    """The network, freshly drawn."""
    from transformers import BlipConfig, BlipForConditionalGeneration

    vision: dict[str, Any] = {
        "hidden_size": card.width,
        "intermediate_size": card.feed_forward,
        "num_hidden_layers": card.layers,
        "num_attention_heads": card.heads,
        "image_size": card.size,
        "patch_size": card.patch,
    }
    text: dict[str, Any] = {
        "vocab_size": card.vocabulary,
        "hidden_size": card.text_width,
        "encoder_hidden_size": card.width,
        "intermediate_size": card.text_feed_forward,
        "num_hidden_layers": card.text_layers,
        "num_attention_heads": card.text_heads,
        "max_position_embeddings": card.positions,
        "bos_token_id": card.begin,
        "sep_token_id": card.end,
        "pad_token_id": card.padding,
        "eos_token_id": card.end,
    }
    network: nn.Module = BlipForConditionalGeneration(BlipConfig(vision_config=vision, text_config=text))
    return network


def load_blip(network: nn.Module, weights: Path) -> nn.Module:
    """Fill the network: every tensor, but those that share their memory with one that is there (the word embedding and the output).

    Raises:
        WeightsError: a tensor is missing, too many or of another shape; names the first.
    """
    state = {name: tensor for name, tensor in load_tensors(weights).items() if not name.endswith("embeddings.position_ids")}
    own = network.state_dict()
    there = {own[name].data_ptr() for name in state if name in own}
    complaint = f"{weights}: not BLIP's captioner of these sizes"
    require_fitting(own, state, complaint, may_lack=lambda name: own[name].data_ptr() in there)
    network.load_state_dict(state, strict=False)
    return network


def read_vocabulary(path: Path, card: CaptionerOptions) -> tuple[str, ...]:
    """The tokens, a line each. Raises: WeightsError: not text, or more lines than the network has tokens."""
    try:
        words = tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path}: not a vocabulary, one token a line ({error})") from None
    if not words or len(words) > card.vocabulary:
        raise WeightsError(f"{path}: {len(words)} tokens; must be 1 to {card.vocabulary}")
    return words


_CLOSED_WORDS = """
a an the this that these those some any no each every both all few many several another other its his her their our my your
it he she they we you i one two three four five six seven eight nine ten of in on at by to from with without into onto over
under above below between behind beside near next along across around through against inside outside up down out off and or
but while as than for is are was were be been being has have had do does did can could will would there here not very so who
which what where when
"""
_CLOSED = frozenset(_CLOSED_WORDS.split())
"""Words that name nothing: determiners, pronouns, numbers, prepositions, conjunctions, auxiliaries."""

_NOUNS_IN_ING_WORDS = """
building ceiling clothing crossing evening king lightning morning painting railing ring spring string swing thing wedding wing
"""
_NOUNS_IN_ING = frozenset(_NOUNS_IN_ING_WORDS.split())


def nouns(caption: str) -> tuple[str, ...]:
    """The things that a caption names, each once, in its order, by a rule without a dictionary.

    The caption is cut at every word that names nothing (`_CLOSED`), at every word in -ing that is no known noun ("sitting"), and at
    punctuation; of each piece the last word is taken ("brown dog" -> "dog"). A plural stays as it is; verbs without -ing and adjectives
    that end a piece are taken for nouns.
    """
    found: dict[str, None] = {}
    piece: list[str] = []
    for word in [*re.findall(r"[a-z][a-z'-]*|[^\sa-z]", caption.casefold()), "."]:
        cuts = not word[0].isalpha() or word in _CLOSED or (word.endswith("ing") and word not in _NOUNS_IN_ING)
        if not cuts:
            piece.append(word)
        elif piece:
            found[piece[-1]] = None
            piece = []
    return tuple(found)
