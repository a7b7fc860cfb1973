"""What is known of a row besides its values: what it costs, what may be done with it, what was noticed in its outputs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from semsr.cards import ProfileCard
from semsr.leaderboard.collect_licences import licences_of, policy
from semsr.leaderboard.model import NO_COST, Cost
from semsr.planning import seeds_of
from semsr.project import Project

GIB = 2**30


@dataclass(frozen=True)
class Rows:
    """The rows of a profile's results."""

    project: Project
    profile: ProfileCard

    def cost(self, dataset: str, method: str | None, variant: str) -> Cost:
        """What the first seed that was restored took, as its run.json has it; nothing of a row that nobody restored here."""
        if method is None or method not in self.project.methods or variant not in self.project.methods[method].rows:
            return NO_COST
        for folder in self.cells(dataset, method, variant).values():
            if record := _record(folder / "run.json"):
                return cost_of(record)
        return NO_COST

    def cells(self, dataset: str, method: str, variant: str) -> dict[int, Path]:
        """The folder of each seed of a row, whether it is there or not."""
        seeds: Sequence[int] = seeds_of(self.project, self.profile, method, variant)
        return {seed: self.project.cell(self.profile.id, dataset, method, variant, seed) for seed in seeds}

    def policy(self, method: str | None, variant: str) -> str:
        """See `SiteRow.licence_policy`; of a row that only a paper has, nothing is known."""
        card = self.project.methods.get(method or "")
        if method is None or card is None or variant not in {**card.variants, **card.descriptions}:
            return "unknown"
        return policy(licences_of(self.project, method, variant))


def cost_of(record: Mapping[str, object]) -> Cost:
    """What a cell's run.json says of its cost; what it does not say, or says of another kind, is not known."""
    memory, parameters = _number(record.get("peak_memory_bytes")), _number(record.get("parameters"))
    return Cost(
        seconds=_number(record.get("seconds_per_image")),
        device=str(record.get("device") or ""),
        parameters=None if parameters is None else int(parameters),
        memory_gib=None if memory is None else memory / GIB,
    )


def _record(path: Path) -> dict[str, object]:
    """A JSON object; empty where there is none or it can't be read: a cost that is not known stops nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return None
    return float(value)
