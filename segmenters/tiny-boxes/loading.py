"""The detector with the weights that training left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from semsr.assets.tensors import load_tensors
from semsr.errors import SegmenterError, WeightsError
from semsr.segmentation.found import Category

from .network import BoxNetwork


def load_network(weights: Path, categories: Sequence[Category]) -> BoxNetwork:
    """Load them strictly.

    Args:
        weights: generator.safetensors, which says the classes, too.
        categories: the data set's, sorted by id, whose things must be those.

    Raises:
        SegmenterError: trained on other classes. WeightsError: no such file, damaged, or another network's.
    """
    tensors = load_tensors(weights)
    ids = tensors.get("category_ids")
    if ids is None or ids.dtype != torch.int64 or ids.dim() != 1 or not len(ids):
        raise WeightsError(f"{weights}: does not say which classes it knows (category_ids); train tiny-boxes again")
    known, wanted = ids.tolist(), [category.id for category in categories if category.thing]
    if known != wanted:
        raise SegmenterError(
            f"{weights}: trained on things with the ids {_said(known)}; these annotations have {_said(wanted)}; judge a data set with the "
            f"same things, or train tiny-boxes on one: recipes.yaml, data.dataset"
        )
    network = BoxNetwork(known)
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{weights}: not weights of tiny-boxes' network ({reason}); train it again") from None
    return network


def _said(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids[:12])) + (", ..." if len(ids) > 12 else "") if ids else "none"
