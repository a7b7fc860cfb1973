"""What every text encoder is, and how it finds its files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from semsr.errors import WeightsError


class TextEncoder(nn.Module):
    """Prompts to vectors, one a token.

    Args:
        length: tokens of a prompt, longer ones are cut off.
        width: of a token's vector.
    """

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.length, self.width = length, width

    @abstractmethod
    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Encode a batch: (B, length, width), on the encoder's device, without gradients. A prompt's
        vectors depend on no other prompt but, on some machines, in their last digits: encode one alone where that matters."""


def role(files: Mapping[str, Path], name: str, wants: str) -> Path:
    """The file of a role. Raises: WeightsError: there is none; says what the encoder wants."""
    if name not in files:
        raise WeightsError(f"the text encoder has no file for the role {name!r}; found {sorted(files)}; it needs {wants}")
    return files[name]
