"""Weights that fit: every tensor and no other, whatever number format they are stored in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    require_fitting(own, state, f"{weights}: not {what}", may_lack=lambda name: name.endswith(_COUNTER))
    network.load_state_dict({**own, **state}, strict=True)


def require_fitting(
    own: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
    complaint: str,
    *,
    may_lack: Callable[[str], bool] = lambda name: False,
    advice: str = "",
) -> None:
    """Refuse tensors that are not those wanted.

    Args:
        own: those wanted, by name.
        state: those found.
        complaint: begins the error: which file is not what.
        may_lack: names that need not be found.
        advice: ends the error.

    Raises:
        WeightsError: a tensor is missing, too many or of another shape; names the first.
    """
    problems = [f"{name} is missing" for name in own if name not in state and not may_lack(name)]
    problems += [f"{name} is too many" for name in state if name not in own]
    problems += [
        f"{name} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}"
        for name, tensor in state.items()
        if name in own and tensor.shape != own[name].shape
    ]
    if problems:
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise WeightsError(f"{complaint}: {problems[0]}{more}{advice}")
