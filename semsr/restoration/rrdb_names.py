"""The three sets of names that RRDB's layers are published under, and how one becomes another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from semsr.errors import WeightsError

Naming = Literal["esrgan", "basicsr", "spandrel"]
"""Of the first ESRGAN release and KAIR (`RRDB_trunk.0.RDB1.conv1`), of BasicSR and Real-ESRGAN (`body.0.rdb1.conv1`), and of spandrel
and the oldest ESRGAN files (`model.1.sub.0.RDB1.conv1.0`)."""

_DENSE: dict[Naming, str] = {
    "esrgan": "RRDB_trunk.{block}.RDB{dense}.conv{conv}",
    "basicsr": "body.{block}.rdb{dense}.conv{conv}",
    "spandrel": "model.1.sub.{block}.RDB{dense}.conv{conv}.0",
}
_AROUND: dict[Naming, tuple[str, ...]] = {
    "esrgan": ("conv_first", "trunk_conv", "upconv1", "upconv2", "HRconv", "conv_last"),
    "basicsr": ("conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"),
    "spandrel": ("model.0", "model.1.sub.{block}", "model.3", "model.6", "model.8", "model.10"),
}


def layers(blocks: int, naming: Naming) -> tuple[str, ...]:
    """The names of the 15 * blocks + 6 convolutions of a x4 RRDB in the order of the forward pass."""
    first, *last = (name.format(block=blocks) for name in _AROUND[naming])
    dense = [
        _DENSE[naming].format(block=block, dense=dense, conv=conv)
        for block in range(blocks)
        for dense in range(1, 4)
        for conv in range(1, 6)
    ]
    return (first, *dense, *last)


def recognise(names: Mapping[str, object]) -> tuple[Naming, int] | None:
    """Which naming a state dict has and its number of blocks; None: it is no RRDB's."""
    for naming, pattern in _DENSE.items():
        form = re.compile(re.escape(pattern.format(block="#", dense=1, conv=1)).replace(r"\#", r"(\d+)") + r"\.weight")
        blocks = [int(found[1]) for name in names if (found := form.fullmatch(name))]
        if blocks:
            return naming, max(blocks) + 1
    return None


def rename(state: Mapping[str, Tensor], to: Naming) -> dict[str, Tensor]:
    """A whole RRDB under other names, in the order of the forward pass; the tensors are the same objects.

    Args:
        state: every weight and bias of a x4 RRDB of any number of blocks under one of the namings.
        to: the naming wanted.

    Raises:
        WeightsError: it is no RRDB, or a tensor is missing or too many.
    """
    found = recognise(state)
    if found is None:
        raise WeightsError(f"not an RRDB under the names of ESRGAN, BasicSR or spandrel; found {_some(sorted(state))}")
    naming, blocks = found
    pairs = zip(layers(blocks, naming), layers(blocks, to), strict=True)
    names = {f"{old}.{kind}": f"{new}.{kind}" for old, new in pairs for kind in ("weight", "bias")}
    missing = [name for name in names if name not in state]
    extra = sorted(set(state) - set(names))
    if missing or extra:
        problems = [f"{_some(missing)} missing"] * bool(missing) + [f"{_some(extra)} too many"] * bool(extra)
        raise WeightsError(f"not a whole x4 RRDB of {blocks} blocks: {'; '.join(problems)}")
    return {new: state[old] for old, new in names.items()}


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}" if names else "nothing"
