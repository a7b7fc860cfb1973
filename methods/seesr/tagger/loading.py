"""RAM's published checkpoint, brought to the names and sizes of what is built here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor

from semsr.assets.tensors import load_tensors
from semsr.restoration.semantics.loading import fill_strictly

from .ram import RamTagger

_GROUP = "model"
_COMPUTED = ("relative_position_index", "attn_mask")
"""Endings of buffers that follow from the sizes."""
_UNUSED_IN_HEAD = re.compile(r"tagging_head\.(embeddings\.|pooler\.|encoder\.layer\.\d+\.attention\.)")
"""What a BERT has, and a tagging head does without."""
_TABLE = "relative_position_bias_table"


def load_ram(tagger: RamTagger, weights: Path) -> None:
    """Fill the tagger from the published checkpoint (its group `model`), or from safetensors with the same names.

    Whole parts of RAM that are not built (`tag_encoder`, `text_decoder` and any other besides the tagger's own) are ignored, and of the
    tagging head what a BERT has besides; of everything else each tensor must be there, in its size, and none too many. Only the tables of
    relative positions may be of another window; they are resized.

    Raises:
        WeightsError: damaged, or another network's.
    """
    state = used(load_tensors(weights, None if weights.suffix == ".safetensors" else _GROUP), tagger)
    for name, own in tagger.state_dict().items():
        if name.endswith(_TABLE) and name in state and state[name].shape != own.shape:
            state[name] = resize_table(state[name], len(own))
    fill_strictly(tagger, state, weights, "RAM")


def used(state: Mapping[str, Tensor], tagger: RamTagger) -> dict[str, Tensor]:
    """What of RAM's tensors belongs to the tagger, by the tagger's names (the checkpoint calls the head `vision_multi`)."""
    parts = {name.split(".")[0] for name in tagger.state_dict()}
    renamed = {name.replace("vision_multi", "tagging_head"): tensor for name, tensor in state.items()}
    return {
        name: tensor
        for name, tensor in renamed.items()
        if name.split(".")[0] in parts and not name.endswith(_COMPUTED) and not _UNUSED_IN_HEAD.match(name)
    }


def resize_table(table: Tensor, length: int) -> Tensor:
    """Biases of relative positions for another window, (old^2, heads) -> (length, heads), bicubically.

    Our reading: that tables are resized is published, by which curve is not; at the published size nothing is resized. A table that is no
    square, or can't become one, comes back as it is (and is refused for its size).
    """
    old, new = round(len(table) ** 0.5), round(length**0.5)
    if table.ndim != 2 or old * old != len(table) or new * new != length:
        return table
    grid = table.T.reshape(1, -1, old, old)
    return F.interpolate(grid, (new, new), mode="bicubic", align_corners=False).flatten(2)[0].T.contiguous()
