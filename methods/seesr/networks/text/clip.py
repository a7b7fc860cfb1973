"""Stable Diffusion 2's text encoder: OpenCLIP ViT-H's, whose last layer is left out, through transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from semsr.errors import WeightsError

from ...options import TextOptions
from ..fitting import fit, on_meta, read, under
from .encoder import TextEncoder, role

PREFIX = "text_model."
"""What the published names begin with; transformers 5 has dropped it."""

POSITIONS = "text_model.embeddings.position_ids"
"""0, 1, 2, ... in files of older versions; not a weight."""

START, END = "<|startoftext|>", "<|endoftext|>"
WANTS = "'vocabulary' (vocab.json) and 'merges' (merges.txt), or 'tokenizer' (tokenizer.json)"


class ClipText(TextEncoder):
    """(B, L, D) after the final layer norm, attending to what came before only; padding is not masked (as Stable Diffusion 2's is not)."""

    def __init__(self, card: TextOptions, files: Mapping[str, Path]) -> None:
        super().__init__(card.length, card.width)
        self.tokens = ClipTokens(card, files)
        self.model = _load(card, files["text-encoder"]) if "text-encoder" in files else _make(card)
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> Tensor:
        """See `TextEncoder.encode`."""
        ids = torch.tensor([self.tokens(prompt) for prompt in prompts], device=self.model.final_layer_norm.weight.device)
        encoded: Tensor = self.model(input_ids=ids).last_hidden_state
        return encoded


class ClipTokens:
    """Prompts to numbers: start, tokens, end, then padding up to the length; what is too long is cut before the end.

    Args:
        card: length, vocabulary and the number that pads. Stable Diffusion 2 pads with 0, "!" (from memory, not verified).
        files: see `make_text_encoder`.

    Raises:
        WeightsError: files are missing, damaged, or of another vocabulary.
    """

    def __init__(self, card: TextOptions, files: Mapping[str, Path]) -> None:
        self.length, self.padding = card.length, card.padding
        self.tokenizer = _tokenizer(files)
        for name in (START, END):
            number = self.tokenizer.convert_tokens_to_ids(name)
            if self.tokenizer.convert_ids_to_tokens(number) != name:
                raise WeightsError(f"{_source(files)}: has no token {name!r}; is it the vocabulary of a CLIP?")
        if len(self.tokenizer) > card.vocabulary:
            raise WeightsError(
                f"{_source(files)}: has {len(self.tokenizer)} tokens, the text encoder {card.vocabulary} (text.vocabulary)"
            )

    def __call__(self, prompt: str) -> list[int]:
        """The numbers of a prompt, `length` of them."""
        ids: list[int] = self.tokenizer(prompt, truncation=True, max_length=self.length)["input_ids"]
        return ids + [self.padding] * (self.length - len(ids))


def _make(card: TextOptions) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=card.vocabulary,
            hidden_size=card.width,
            intermediate_size=card.feed_forward,
            num_hidden_layers=card.layers,
            num_attention_heads=card.heads,
            max_position_embeddings=card.length,
            hidden_act="gelu",
            # Only the pooled result, which nothing here reads, depends on these; the defaults may lie outside a small vocabulary.
            bos_token_id=None,
            eos_token_id=2,
            pad_token_id=None,
        )
    )


def _load(card: TextOptions, path: Path) -> CLIPTextModel:
    model = on_meta(lambda: _make(card))
    state = read(path, ignored=(POSITIONS,))
    bare = next((name for name in state if not name.startswith(PREFIX)), None)
    if bare is not None:
        raise WeightsError(f"{path}: holds {bare!r}; every name of a text encoder begins with {PREFIX!r}")
    fit(model, under(state, PREFIX), path, "a CLIP text encoder")
    model.embeddings.position_ids = torch.arange(card.length)[None]
    return model


def _tokenizer(files: Mapping[str, Path]) -> Any:
    from transformers import CLIPTokenizer

    try:
        if "tokenizer" in files:
            return CLIPTokenizer(tokenizer_file=str(files["tokenizer"]))
        vocabulary, merges = role(files, "vocabulary", WANTS), role(files, "merges", WANTS)
        numbers = json.loads(vocabulary.read_text(encoding="utf-8"))
        lines = merges.read_text(encoding="utf-8").splitlines()
        pairs = [tuple(line.split()) for line in lines if line.strip() and not line.startswith("#version")]
        return CLIPTokenizer(vocab=numbers, merges=pairs)
    except WeightsError:
        raise
    except Exception as error:  # the tokenizers library raises plain Exception for whatever is wrong with a file
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{_source(files)}: not the tokenizer of a CLIP ({first}); fetch it again") from None


def _source(files: Mapping[str, Path]) -> Path:
    return files["tokenizer"] if "tokenizer" in files else files["vocabulary"]
