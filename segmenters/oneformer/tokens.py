"""What OneFormer is told to do, as numbers of CLIP's tokens."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from semsr.errors import WeightsError

START, END = "<|startoftext|>", "<|endoftext|>"


def task_tokens(answer: str, length: int, vocabulary: Path, merges: Path) -> Tensor:
    """ "the task is <answer>" as (1, length) int64: start, tokens, end, then zeros.

    Args:
        answer: "panoptic", "instance" or "semantic".
        length: of the row, 77 in the published networks (`task_seq_len`).
        vocabulary, merges: vocab.json and merges.txt of the checkpoint.

    Raises:
        WeightsError: the files are not CLIP's tokenizer, or the text does not fit into the length.
    """
    from transformers import CLIPTokenizer

    try:
        numbers = json.loads(vocabulary.read_text(encoding="utf-8"))
        lines = merges.read_text(encoding="utf-8").splitlines()
        pairs = [tuple(line.split()) for line in lines if line.strip() and not line.startswith("#version")]
        tokenizer = CLIPTokenizer(vocab=numbers, merges=pairs)
        ids: list[int] = tokenizer(f"the task is {answer}")["input_ids"]
    except Exception as error:  # the tokenizers library raises plain Exception for whatever is wrong with a file
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"{vocabulary}: with {merges.name}, not the tokenizer of a CLIP ({first}); fetch both again"
        ) from None
    for sign, place in ((START, 0), (END, -1)):
        if numbers.get(sign) is None or not ids or ids[place] != numbers[sign]:
            raise WeightsError(f"{vocabulary}: has no token {sign!r} around a text; is it the vocabulary of a CLIP?")
    if len(ids) > length:
        raise WeightsError(f"{vocabulary}: the task takes {len(ids)} tokens, the network reads {length} (task_seq_len)")
    return torch.tensor([ids + [0] * (length - len(ids))])
