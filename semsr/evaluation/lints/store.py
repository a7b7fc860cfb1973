"""results/<profile>/lints/<dataset>.json: the findings of every row of a data set, for pages and people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from semsr.errors import SemsrError
from semsr.evaluation.lints.finding import SEVERITIES, Finding
from semsr.files import write_atomic

FORMAT = 1
Key = tuple[str, str, int]
"""Method, variant, seed."""


def write_lints(path: Path, dataset: str, findings: Mapping[Key, Sequence[Finding]]) -> None:
    """Write the findings of all rows that were looked at, also of those without any; whole or not at all. Raises: StorageError."""
    rows = [
        {"method": method, "variant": variant, "seed": seed, "findings": [as_plain(each) for each in found]}
        for (method, variant, seed), found in sorted(findings.items())
    ]
    write_atomic(path, json.dumps({"format": FORMAT, "dataset": dataset, "rows": rows}, indent=1) + "\n")


def read_lints(path: Path) -> Mapping[Key, tuple[Finding, ...]]:
    """The findings of every row that was looked at: an empty tuple for a row without any, no entry for one that was not looked at.

    Raises:
        SemsrError: no such file, not readable, or of another version.
    """
    again = f"run `semsr score {path.stem}`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format: found {content['format']!r}, must be {FORMAT}")
        return {
            (row["method"], row["variant"], int(row["seed"])): tuple(_from_plain(each) for each in row["findings"])
            for row in content["rows"]
        }
    except FileNotFoundError:
        raise SemsrError(f"{path}: no such file: the rows of {path.stem} were not looked at; {again}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise SemsrError(f"{path}: not a file of findings ({reason}); delete it and {again}") from None


def as_plain(finding: Finding) -> dict[str, Any]:
    """A finding as JSON has it."""
    return {**asdict(finding), "pictures": list(finding.pictures)}


def _from_plain(plain: Mapping[str, Any]) -> Finding:
    if plain["severity"] not in SEVERITIES:
        raise ValueError(f"severity: found {plain['severity']!r}, allowed: {', '.join(SEVERITIES)}")
    value = plain["value"]
    pictures = tuple(str(name) for name in plain["pictures"])
    return Finding(
        str(plain["lint"]), plain["severity"], str(plain["message"]), pictures, None if value is None else float(value)
    )
