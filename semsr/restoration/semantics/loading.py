"""Extractors' weights: every tensor and no other, whatever number format they are stored in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from semsr.errors import WeightsError

_COUNTER = "num_batches_tracked"


def fill_strictly(network: nn.Module, state: Mapping[str, Tensor], weights: Path, what: str) -> None:
    """Load `state` into `network`.

    Counters of batches, which no output depends on, may be missing.

    Args:
        network: what is loaded into; left as it is on an error.
        state: by the network's names.
        weights: where they are from, and `what` they must be, for errors.

    Raises:
        WeightsError: a tensor is missing, too many or of another shape; names the first.
    """
    own = network.state_dict()
    problems = [f"{name} is missing" for name in own if name not in state and not name.endswith(_COUNTER)]
    problems += [f"{name} is too many" for name in state if name not in own]
    problems += [
        f"{name} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}"
        for name, tensor in state.items()
        if name in own and tensor.shape != own[name].shape
    ]
    if problems:
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise WeightsError(f"{weights}: not {what}: {problems[0]}{more}")
    network.load_state_dict({**own, **state}, strict=True)
