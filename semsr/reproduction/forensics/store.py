"""Explanations as a file: results/<profile>/explained/<table>.json, which `semsr explain --all` writes and the tables read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from semsr.errors import SemsrError
from semsr.files import write_atomic
from semsr.reproduction.forensics.explanation import Alternative, Explanation

FORMAT = 1
Key = tuple[str, str, str]
"""Result id of our value, the published value as printed, and the column's name: another result is not explained by an old file."""


def write_explanations(path: Path, explanations: Mapping[Key, Explanation]) -> None:
    """Write the explanations of a table's cells, sorted, whole or not at all. Raises: StorageError."""
    entries = [{"column": key[2], **asdict(found)} for key, found in sorted(explanations.items())]
    write_atomic(path, json.dumps({"format": FORMAT, "explanations": entries}, indent=1, ensure_ascii=False) + "\n")


def read_explanations(path: Path, name: str = "") -> dict[Key, Explanation]:
    """What is known of a table's cells; nothing where there is no such file.

    Args:
        path: the file.
        name: what errors call it; default: its path.

    Raises:
        SemsrError: it can't be read, or another version wrote it.
    """
    again = f"{name or path}: %s; delete it and run `semsr explain --all`"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SemsrError(again % f"not a readable file of explanations ({' '.join(str(error).split())})") from None
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        found = held.get("format") if isinstance(held, dict) else type(held).__name__
        raise SemsrError(again % f"format: found {found!r}; allowed: {FORMAT}")
    try:
        return dict(_entry(entry) for entry in held["explanations"])
    except (KeyError, TypeError, ValueError) as error:
        raise SemsrError(again % f"made by another version of semsr ({error})") from None


def _entry(entry: Mapping[str, Any]) -> tuple[Key, Explanation]:
    facts = dict(entry)
    column = facts.pop("column")
    facts["alternatives"] = tuple(
        Alternative(**{**each, "joint": tuple(each["joint"]), "against": tuple(each["against"])})
        for each in facts["alternatives"]
    )
    facts["untried"] = tuple(facts["untried"])
    found = Explanation(**facts)
    return (found.result_id, found.published, column), found
