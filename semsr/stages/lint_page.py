"""What `semsr lint` prints."""

from __future__ import annotations

import json
from dataclasses import dataclass

from semsr.evaluation.lints.finding import SEVERITIES, Finding
from semsr.evaluation.lints.store import as_plain


@dataclass(frozen=True)
class LintedRow:
    """One row: what it is called, how many pictures it should have, and what was found."""

    label: str
    pictures: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Linted:
    """What was found in the rows that were looked at; `dataset` is empty for a folder beside HR pictures."""

    dataset: str
    rows: tuple[LintedRow, ...]

    @property
    def faulty(self) -> bool:
        """Whether there is an error or a warning."""
        return any(finding.counts for row in self.rows for finding in row.findings)


def render(linted: Linted, *, as_json: bool = False) -> str:
    """A heading a row and a line a finding, grave ones first; or JSON."""
    if as_json:
        rows = [
            {"row": row.label, "pictures": row.pictures, "findings": [as_plain(each) for each in row.findings]}
            for row in linted.rows
        ]
        return json.dumps({"dataset": linted.dataset, "faulty": linted.faulty, "rows": rows}, indent=1)
    lines = []
    for row in linted.rows:
        lines.append(f"{row.label}: {row.pictures} pictures, {_counted(row.findings)}")
        lines += [f"  {finding.severity}: {finding.lint}: {finding.message}" for finding in row.findings]
    return "\n".join(lines)


def _counted(findings: tuple[Finding, ...]) -> str:
    found = [each.severity for each in findings]
    counts = [(severity, found.count(severity)) for severity in SEVERITIES if severity in found]
    plural = {"error": "errors", "warning": "warnings", "info": "notes"}
    single = {"error": "error", "warning": "warning", "info": "note"}
    return ", ".join(f"{count} {single[name] if count == 1 else plural[name]}" for name, count in counts) or "nothing found"
