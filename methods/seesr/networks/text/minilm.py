"""A small sentence encoder, all-MiniLM-L6-v2, in the place of Stable Diffusion's text encoder: vectors of tokens, not of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertModel

from semsr.errors import MethodError, WeightsError

from ...options import TextOptions
from ..fitting import fit, on_meta, read
from .encoder import TextEncoder, role

WIDTH, LAYERS, HEADS, FEED_FORWARD, VOCABULARY, PLACES = 384, 6, 12, 1536, 30522, 512
"""The published sizes (the package's config.json); a card may only say how long prompts are."""

POSITIONS = "embeddings.position_ids"
"""0, 1, 2, ... in files of older versions; not a weight."""

WANTS = "'text-encoder' (model.safetensors) and 'tokenizer' (tokenizer.json)"


class MiniLmText(TextEncoder):
    """(B, L, 384): the last hidden states of a prompt's tokens, [CLS] and [SEP] included; zeros behind, whatever the length."""

    def __init__(self, card: TextOptions, files: Mapping[str, Path]) -> None:
        if card.width != WIDTH or card.length > PLACES:
            raise MethodError(
                f"text.width is {card.width} and text.length {card.length}; all-MiniLM-L6-v2 has {WIDTH} and at most {PLACES}"
            )
        super().__init__(card.length, card.width)
        weights, tokenizer = role(files, "text-encoder", WANTS), role(files, "tokenizer", WANTS)
        try:
            self.tokenizer = Tokenizer.from_file(str(tokenizer))
            self.tokenizer.enable_truncation(card.length)
            self.tokenizer.no_padding()
        except Exception as error:  # the tokenizers library raises plain Exception for whatever is wrong with a file
            raise WeightsError(f"{tokenizer}: not a tokenizer.json ({str(error).splitlines()[0]}); fetch it again") from None
        if self.tokenizer.get_vocab_size() != VOCABULARY:
            raise WeightsError(
                f"{tokenizer}: has {self.tokenizer.get_vocab_size()} tokens, expected {VOCABULARY}; is it another model's?"
            )
        self.model = load_bert(weights)
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> Tensor:
        """See `TextEncoder.encode`; a prompt that is there several times is encoded once."""
        distinct = {prompt: at for at, prompt in enumerate(dict.fromkeys(prompts))}
        numbers = [self.tokenizer.encode(prompt).ids for prompt in distinct]
        ids = torch.zeros(len(numbers), max(map(len, numbers)), dtype=torch.long)
        real = torch.zeros_like(ids)
        for at, row in enumerate(numbers):
            ids[at, : len(row)], real[at, : len(row)] = torch.tensor(row), 1
        device = self.model.device
        ids, real = ids.to(device), real.to(device)
        states = self.model(input_ids=ids, attention_mask=real).last_hidden_state * real[..., None]
        return F.pad(states, (0, 0, 0, self.length - ids.shape[1]))[[distinct[prompt] for prompt in prompts]]


def load_bert(path: Path) -> BertModel:
    """The encoder without its pooling layer's use. Raises: WeightsError: the file does not fit strictly."""
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=FEED_FORWARD,
        max_position_embeddings=PLACES,
    )
    model = on_meta(lambda: BertModel(config))
    fit(model, read(path, ignored=(POSITIONS,)), path, "all-MiniLM-L6-v2")
    for name, values in (
        ("position_ids", torch.arange(PLACES)[None]),
        ("token_type_ids", torch.zeros(1, PLACES, dtype=torch.long)),
    ):
        setattr(model.embeddings, name, values)
    return model
