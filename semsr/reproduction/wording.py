"""The sentences around a table, the same in every format."""

from __future__ import annotations

from semsr.reproduction.table import TRUST, Block, Cell, Row, Table

DASH = "–"
INFINITY = "∞"


def subtitle(table: Table) -> str:
    """Where every number comes from, in one line."""
    return f"profile {table.profile} · protocol {table.protocol}@{table.protocol_hash} · {table.protocol_title}"


def introduction(table: Table) -> str:
    """What is published, what is ours, and what is missing altogether."""
    if table.context:
        said = (
            f"Measured here, on our own pictures: nothing in this table is a reproduction. The values of {table.source} on "
            f"{table.context.dataset} stand beside them for orientation only: {table.context.why}."
        )
    elif table.source:
        said = f"Published: copied from {table.source} as printed. Reproduced: "
        return said + (f"nothing; {table.not_run}." if table.not_run else "measured here.")
    else:
        said = "Measured here, on our own pictures: nothing in this table is a reproduction."
    return f"{said} Nothing is measured yet: {table.not_run}." if table.not_run else said


def theirs(table: Table) -> str:
    """Heading of the column of published values."""
    return f"published, {table.context.dataset}" if table.context else "published"


def ours(table: Table) -> str:
    """Heading of the column of our values."""
    return "reproduced" if table.source and not table.context else "ours"


def block_title(block: Block) -> str:
    """The data set and how many images our means are over."""
    if block.not_run:
        return f"{block.label} (published values only)" if block.has_published else f"{block.label} (no values)"
    return f"{block.label} (N = {block.count})" if block.count is not None else block.label


def block_remark(table: Table, block: Block) -> str:
    """What a reader must know about this data set; empty where there is nothing to say."""
    parts = []
    if block.not_run and not table.not_run:
        parts.append(f"Not reproduced: {block.not_run}.")
    if block.remark and not block.not_run:
        parts.append(f"{block.remark[0].upper()}{block.remark[1:]}.")
    return " ".join(parts)


def shown_rows(block: Block) -> tuple[Row, ...]:
    """The rows worth a reader's time: where nothing was run, a row of ours alone has nothing to show."""
    return tuple(row for row in block.rows if not block.not_run or any(cell.published for cell in row.cells))


def published_text(cell: Cell) -> str:
    """A published value as printed; a dash where the paper has a dash or no such cell."""
    return cell.published.text if cell.published and cell.published.text else DASH


def our_text(cell: Cell) -> str:
    """Our value, or in a word what is there instead."""
    result = cell.result
    match result.status:
        case "reproduced":
            return cell.text.replace("inf", INFINITY)
        case "incomplete":
            return f"incomplete ({result.count} of {result.of})"
        case "not-available":
            return "n/a"
        case "refused":
            return "refused"
        case _:
            return DASH


def standing(row: Row) -> str:
    """How far a row of ours can be trusted, or why there is none."""
    return row.trust or f"not run: {row.not_run}"


def legend(table: Table) -> tuple[str, ...]:
    """How to read the marks."""
    among = (
        "" if not table.source or table.not_run or table.context else ", published and reproduced values each among themselves"
    )
    lines = [
        f"Bold: best of its column; underlined: second best; equal values share it, compared as printed{among}. "
        "↑ higher is better, ↓ lower is better."
    ]
    if table.context:
        lines.append("Values of other pictures are not ranked, and no difference to them is formed.")
    if any(block.has_published for block in table.blocks):
        lines.append(f"{DASH} no value: the paper does not have it, or it was not run here.")
    levels = ", ".join(f"{level} {TRUST[level]}" for level in table.trust)
    if levels:
        lines.append(f"Trust: {levels}.")
    if any(cell.result.value is not None for _, _, _, cell in table.cells()):
        lines.append(
            "A mean is shown only where every image of the data set has a value. Unrounded means, their 95 % intervals over images, "
            f"and differences are in {table.id}.csv."
        )
    return tuple(lines)


def how_measured(table: Table) -> tuple[tuple[str, str], ...]:
    """(heading, definition) of each column."""
    return tuple((column.heading, column.how) for column in table.columns)
