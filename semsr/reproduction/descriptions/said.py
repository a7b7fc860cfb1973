"""What describers said of a data set's pictures, as the stage `describe` left it: one JSON file a description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsr.assets.missing import MissingFile, from_plain
from semsr.errors import SemsrError


@dataclass(frozen=True)
class Said:
    """What was said of one picture.

    Attributes:
        tags: names of things, in the describer's order.
        text: the words as a prompt gets them.
    """

    tags: tuple[str, ...]
    text: str

    @property
    def names(self) -> frozenset[str]:
        """The tags as they are compared: without regard to case and spaces at the ends, each once."""
        return frozenset(name for tag in self.tags if (name := tag.strip().casefold()))


@dataclass(frozen=True)
class Pair:
    """One picture described twice: `clean` is of HR, `degraded` of LR at its own size."""

    name: str
    clean: Said
    degraded: Said


@dataclass(frozen=True)
class Described:
    """One description of a data set.

    Attributes:
        pairs: every test picture, by name and sorted; empty where the describer could not be had.
        reason: why it could not be had; empty where it could.
        missing: the files from outside that could not be had.
        facts: the rest of the record: weights, options, the manifest's hash.
    """

    pairs: tuple[Pair, ...]
    reason: str
    missing: tuple[MissingFile, ...]
    facts: Mapping[str, Any]


def folder_of(results: Path, dataset: str, method: str) -> Path:
    """Where a profile keeps what a method's describers said of a data set; `results` is the profile's folder."""
    return results / "descriptions" / dataset / method


def file_of(results: Path, dataset: str, method: str, description: str) -> Path:
    """What one describer said, a file in that folder."""
    return folder_of(results, dataset, method) / f"{description}.json"


def read_described(path: Path, name: str, again: str) -> Described:
    """Read what one describer said.

    Args:
        path: the file.
        name: what errors call it.
        again: the command that makes it.

    Raises:
        SemsrError: missing, not JSON, or not what `semsr describe` writes.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SemsrError(f"{name}: no such file; run `{again}`, or `dvc repro` for everything") from None
    except (OSError, ValueError) as error:
        raise SemsrError(f"{name}: can't be read ({' '.join(str(error).split())}); delete it and run `{again}`") from None
    try:
        unavailable = record["unavailable"] or {"reason": "", "missing": []}
        pairs = [Pair(entry["name"], _said(entry["clean"]), _said(entry["degraded"])) for entry in record["pictures"]]
        return Described(
            pairs=tuple(sorted(pairs, key=lambda pair: pair.name)),
            reason=str(unavailable["reason"]),
            missing=from_plain(unavailable["missing"]),
            facts={key: value for key, value in record.items() if key not in ("pictures", "unavailable")},
        )
    except (KeyError, TypeError) as error:
        raise SemsrError(f"{name}: made by another version of semsr (key {error}); delete it and run `{again}`") from None


def _said(entry: Mapping[str, Any]) -> Said:
    return Said(tuple(map(str, entry["tags"])), str(entry["text"]))
