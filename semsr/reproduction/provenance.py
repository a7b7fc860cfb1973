"""What a number was made from, as one short id."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

LENGTH = 12


@dataclass(frozen=True)
class Origin:
    """Everything that decides one mean of ours.

    Attributes:
        manifest: SHA-256 of the prepared data set's manifest.
        cells: fingerprint of each restored cell that it is a mean of, by seed in the profile's order; of the row HR, which nobody
            restored, what stands for it.
        protocol_hash: of the protocol as it was measured.
        column: name of the column in the protocol.
        metric, version, weights: of the metric; `weights` are SHA-256 joined by "+".
        seeds: those of the cells.
        pictures: SHA-256 over the files that were measured, by seed: what was restored again on another machine, or painted over and
            scored again, is another number, whatever the cell's record says. Empty where judges saw them: what they found says it.
    """

    manifest: str
    cells: tuple[str, ...]
    protocol_hash: str
    column: str
    metric: str
    version: int
    weights: str
    seeds: tuple[int, ...] = (0,)
    pictures: tuple[str, ...] = ()

    @property
    def result_id(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 over all of it: two numbers share it only if everything behind them is the same."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
