"""What is known of the machines that made numbers: one file a machine, called by a short id; read without torch.

`semsr.machine` finds out about the machine at hand; `semsr doctor` adds how far the metrics' values are from the stored ones there.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from semsr.errors import SemsrError
from semsr.files import write_atomic
from semsr.places import Places

LENGTH = 12
_ID = re.compile(r"[0-9a-f]{12}")


def passport_id(facts: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of the SHA-256 over facts of a machine; the order of keys does not count."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


@dataclass(frozen=True)
class Deviation:
    """How far canaries of one metric are from the values stored for them.

    Attributes:
        metric: its id; `column`, the whole key with version and options (`ResolvedColumn.key`).
        largest: the largest absolute difference, in the metric's unit; NaN where a value is infinite on one side alone.
        count: how many values were compared.
        elsewhere: the stored values were made on another machine, so that the difference says something about machines.
    """

    metric: str
    column: str
    largest: float
    count: int
    elsewhere: bool


@dataclass(frozen=True)
class Passport:
    """A machine, as far as it may move a number.

    Attributes:
        facts: plain values by name, see `semsr.machine`; nothing that names the machine, its user or a folder.
        created: when it was first written, ISO 8601 in UTC.
        canaries: what `semsr doctor` found there last; None: it has not been run.
    """

    facts: Mapping[str, Any]
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    canaries: tuple[Deviation, ...] | None = None

    @property
    def id(self) -> str:
        """See `passport_id`."""
        return passport_id(self.facts)


def passport_path(places: Places, passport: str) -> Path:
    """Where a machine's passport is kept, whichever profile it was made for."""
    return places.root / "results" / "passports" / f"{passport}.json"


def keep_passport(places: Places, passport: Passport) -> Path:
    """Write a passport, over an earlier one of the same machine. Raises: StorageError."""
    plain: dict[str, Any] = {"id": passport.id, "created": passport.created, "facts": dict(passport.facts)}
    if passport.canaries is not None:
        plain["canaries"] = [
            vars(each) | {"largest": None if math.isnan(each.largest) else each.largest} for each in passport.canaries
        ]
    path = passport_path(places, passport.id)
    write_atomic(path, json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
    return path


def read_passport(places: Places, passport: str) -> Passport | None:
    """The passport of a machine; None where there is none (it is kept with the results, and these may come from elsewhere).

    Raises:
        SemsrError: the file is damaged, or its facts are not those that its name stands for.
    """
    if not _ID.fullmatch(passport):
        raise SemsrError(f"passport: found {passport!r}; must be {LENGTH} hexadecimal digits")
    path = passport_path(places, passport)
    again = "delete it and run `semsr doctor`"
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        canaries = plain.get("canaries")
        found = Passport(
            facts=plain["facts"],
            created=str(plain["created"]),
            canaries=None if canaries is None else tuple(_deviation(each) for each in canaries),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = type(error).__name__
        raise SemsrError(f"{places.show(path)}: not a readable passport ({problem}: {error}); {again}") from None
    if found.id != passport:
        raise SemsrError(f"{places.show(path)}: its facts are those of {found.id}; it was changed by hand: {again}")
    return found


def machine_noise(places: Places, passport: str) -> dict[str, float]:
    """How far one machine moves values of metrics, by metric id, as its canaries say; in the metric's unit, of one picture.

    Only what was compared with values of another machine counts: a machine that agrees with itself says nothing about noise. Of a metric
    that is measured in several ways, the largest deviation; none for a metric whose value was infinite on one side alone.

    Args:
        places: the project.
        passport: the machine's id; empty, or one without a file: nothing is known.

    Raises:
        SemsrError: the passport can't be read.
    """
    found = read_passport(places, passport) if passport else None
    deviations: dict[str, list[float]] = {}
    for each in (found.canaries if found is not None else None) or ():
        if each.elsewhere:
            deviations.setdefault(each.metric, []).append(each.largest)
    return {metric: max(values) for metric, values in deviations.items() if all(map(math.isfinite, values))}


def _deviation(plain: Mapping[str, Any]) -> Deviation:
    largest = math.nan if plain["largest"] is None else float(plain["largest"])
    return Deviation(str(plain["metric"]), str(plain["column"]), largest, int(plain["count"]), bool(plain["elsewhere"]))
