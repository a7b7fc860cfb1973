"""The network with the weights that training left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from semsr.assets.tensors import load_tensors
from semsr.errors import SegmenterError, WeightsError
from semsr.segmentation.found import Category

from .network import PanopticNetwork


def load_network(weights: Path, categories: Sequence[Category]) -> PanopticNetwork:
    """Load them strictly.

    Args:
        weights: generator.safetensors, which says the classes, too.
        categories: the data set's, sorted by id, which must be those.

    Raises:
        SegmenterError: trained on other classes. WeightsError: no such file, damaged, or another network's.
    """
    tensors = load_tensors(weights)
    ids, things = tensors.get("category_ids"), tensors.get("things")
    if ids is None or things is None or ids.dtype != torch.int64 or ids.shape != things.shape or ids.dim() != 1:
        raise WeightsError(f"{weights}: does not say which classes it knows (category_ids, things); train tiny-panoptic again")
    known = list(zip(ids.tolist(), things.bool().tolist(), strict=True))
    wanted = [(category.id, category.thing) for category in categories]
    if known != wanted:
        raise SegmenterError(
            f"{weights}: trained on {len(known)} classes, ids {_said(known)}; these annotations have {len(wanted)}, ids {_said(wanted)} "
            f"(t: things, s: stuff); judge a data set with the same classes, or train tiny-panoptic on one: recipes.yaml, data.dataset"
        )
    network = PanopticNetwork(*zip(*known, strict=True)) if known else None
    if network is None:
        raise WeightsError(f"{weights}: knows no class; train tiny-panoptic again")
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{weights}: not weights of tiny-panoptic's network ({reason}); train it again") from None
    return network


def _said(classes: Sequence[tuple[int, bool]]) -> str:
    shown = ", ".join(f"{number}{'t' if thing else 's'}" for number, thing in classes[:12])
    return shown + (", ..." if len(classes) > 12 else "")
