"""Every value of the site as one compact list, for the page that searches all of them."""

from __future__ import annotations

from semsr.leaderboard.data_tables import our_text
from semsr.leaderboard.model import Site


def values_data(site: Site) -> dict[str, object]:
    """Lists of blocks, rows and column titles, and values that point into them.

    A value is [block, row, column, value, ours as printed, published as printed, verdict]; a cell that has neither value nor publication
    is left out.
    """
    blocks: list[dict[str, str]] = []
    rows: list[dict[str, str]] = []
    known: dict[tuple[str, ...], int] = {}
    columns: dict[str, int] = {}
    values: list[list[object]] = []
    for table in site.tables:
        for block in table.blocks:
            of_block = len(blocks)
            blocks.append(
                {
                    "track": table.track,
                    "table": table.id,
                    "title": table.title,
                    "dataset": block.dataset,
                    "label": block.label,
                    "page": f"table-{table.id}.html#{block.key}",
                }
            )
            for row in block.rows:
                key = (row.key, row.label, row.trust, row.licence_policy)
                if key not in known:
                    known[key] = len(rows)
                    page = f"method-{row.page}.html" if row.page else ""
                    rows.append({"label": row.label, "page": page, "trust": row.trust, "licence": row.licence_policy})
                for column, cell in zip(block.columns, row.cells, strict=True):
                    if cell.value is None and not cell.published:
                        continue
                    of_column = columns.setdefault(column.title, len(columns))
                    kind = cell.verdict.kind if cell.verdict else ""
                    ours = our_text(cell)
                    values.append([of_block, known[key], of_column, cell.value, ours, cell.published, kind])
    return {"blocks": blocks, "rows": rows, "columns": list(columns), "values": values}
