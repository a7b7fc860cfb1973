"""A table as tidy CSV: one line a row, data set and metric, nothing rounded away."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from semsr.reproduction.differences import MINUS
from semsr.reproduction.footnotes import DASHED
from semsr.reproduction.statistics.order import Standing
from semsr.reproduction.table import Cell, Table
from semsr.reproduction.verdict import Verdict

VERDICT_HEADER = (
    "verdict",
    "verdict_why",
    "tolerance_measuring",
    "tolerance_whole",
    "explained_by",
    "standing",
    "groups",
    "result_id",
)
"""`standing` is best, tied or empty; rows that share a letter of `groups` can't be told apart; `result_id` is for `semsr trace`."""

HEADER = (
    "table",
    "profile",
    "row",
    "published_as",
    "method",
    "variant",
    "dataset",
    "dataset_published_as",
    "metric",
    "direction",
    "unit",
    "published",
    "reproduced",
    "reproduced_printed",
    "difference",
    "n",
    "n_expected",
    "interval_low",
    "interval_high",
    "seeds",
    "seeds_expected",
    "seed_sd",
    "seed_min",
    "seed_max",
    "trust",
    "status",
    "reason",
    "protocol",
    "protocol_hash",
    "metric_id",
    "metric_version",
    "best_published",
    "best_reproduced",
    "published_elsewhere",
    "published_elsewhere_on",
    "note",
    *VERDICT_HEADER,
    "sanity",
)
"""`reproduced_printed` is the mean alone; `seeds` is empty for what is not trained here, and the interval is over images.

`published` is of the same data set and may be compared; `published_elsewhere` is of other pictures, for orientation only.

`status` is reproduced, incomplete, not-available, refused, stale or not-run; `best_published` is 1 (best), 2 (second best) or empty,
`best_reproduced` 1 where our value is significantly the best; `sanity` is yes for rows that check the set-up and are not ranked.
"""


def render_csv(table: Table) -> str:
    """The whole table as CSV text."""
    lines: list[list[object]] = []
    for block, row, column, cell in table.cells():
        result = cell.result
        printed = cell.published.text if cell.published else ""
        ran = result.status != "not-run"
        spread = result.spread
        lines.append(
            [
                table.id,
                table.profile,
                row.label,
                row.published_as or "",
                row.method or "",
                row.variant if row.method else "",
                block.dataset,
                block.published_as or "",
                column.name,
                column.direction,
                column.unit,
                "" if table.context else printed,
                number(result.value),
                cell.text,
                "" if cell.difference is None else f"{cell.difference:+.6f}",
                result.count if ran else "",
                result.of if ran and result.of is not None else "",
                number(result.low),
                number(result.high),
                len(result.seeds) if ran and row.seeds else "",
                row.seeds if ran and row.seeds else "",
                number(spread.sd if spread else None),
                number(spread.low if spread else None),
                number(spread.high if spread else None),
                row.trust if ran else ("L0" if printed and not table.context else ""),
                result.status,
                result.reason,
                table.protocol,
                table.protocol_hash,
                column.metric,
                column.version,
                cell.published_place or "",
                cell.place or "",
                printed if table.context else "",
                f"{table.source}, {table.context.dataset}" if table.context and printed else "",
                _note(cell),
                *verdict_fields(cell.verdict, cell.standing, cell.result_id),
                "yes" if row.sanity else "",
            ]
        )
    return as_csv(HEADER, lines)


DIFFERENCES_HEADER = (
    "table",
    "profile",
    "comparison",
    "method",
    "variant",
    "against_method",
    "against_variant",
    "dataset",
    "dataset_published_as",
    "metric",
    "direction",
    "unit",
    "published",
    "reproduced",
    "interval_low",
    "interval_high",
    "seeds",
    "against_seeds",
    "verdict",
    "reason",
    "protocol",
    "protocol_hash",
    "metric_id",
    "metric_version",
    "published_elsewhere",
    "published_elsewhere_on",
)
"""`reproduced` is the row's mean minus that of the other, the interval of 95 % is over seeds (`seeds.contrast`);
`published` is such a difference too."""


def as_csv(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A header and lines as CSV text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return out.getvalue()


def render_differences(table: Table) -> str:
    """The differences between rows as CSV text, a line a comparison, data set and metric; empty where there are none."""
    lines: list[list[object]] = []
    for block in table.blocks:
        for comparison in block.comparisons:
            for found in comparison.differences:
                contrast, printed = found.contrast, found.published.replace(MINUS, "-")
                lines.append(
                    [
                        table.id,
                        table.profile,
                        comparison.label,
                        comparison.row.method,
                        comparison.row.variant,
                        comparison.against.method,
                        comparison.against.variant,
                        block.dataset,
                        block.published_as or "",
                        found.column.name,
                        found.column.direction,
                        found.column.unit,
                        "" if table.context else printed,
                        number(contrast.value if contrast else None),
                        number(contrast.low if contrast else None),
                        number(contrast.high if contrast else None),
                        found.seeds[0] or "",
                        found.seeds[1] or "",
                        contrast.verdict if contrast else "",
                        found.why,
                        table.protocol,
                        table.protocol_hash,
                        found.column.metric,
                        found.column.version,
                        printed if table.context else "",
                        f"{table.source}, {table.context.dataset}" if table.context and printed else "",
                    ]
                )
    return as_csv(DIFFERENCES_HEADER, lines) if any(block.comparisons for block in table.blocks) else ""


def verdict_fields(verdict: Verdict | None, standing: Standing, result_id: str) -> list[object]:
    """What `VERDICT_HEADER` names, of one cell of any table."""
    tolerance = verdict.tolerance if verdict else None
    return [
        verdict.kind if verdict else "",
        verdict.why if verdict else "",
        number(tolerance.measuring if tolerance else None),
        number(tolerance.whole if tolerance else None),
        verdict.explained_by if verdict else "",
        "best" if standing.best else "tied" if standing.tied else "",
        standing.groups,
        result_id,
    ]


def _note(cell: Cell) -> str:
    if cell.published is None:
        return ""
    dashed = "" if cell.published.text else DASHED
    return "; ".join(text for text in (dashed, cell.published.note) if text)


def number(value: float | None) -> str:
    """The shortest text that reads back as the same float64."""
    return "" if value is None else repr(float(value))
