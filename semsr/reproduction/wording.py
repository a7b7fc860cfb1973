"""The sentences around a table, the same in every format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from semsr.reproduction.seeds import ENOUGH
from semsr.reproduction.table import TRUST, Block, Cell, Comparison, Difference, Row, Table
from semsr.reproduction.wording_verdicts import ORDER, agreement_line, stale_lines, tied, verdict_lines

DASH = "–"
INFINITY = "∞"
SPREAD = (
    "Mean ± sample standard deviation over seeds: a row with seeds is trained here once for each, or, where its weights are published "
    "(L2), restored once for each; its value is the mean of their means over all images. Without ±: a single seed, or none."
)
MISSING_FILES = "Missing files"
SHARED = (
    "Where a row has several seeds, it is told apart from another one only if the interval over seeds says so as well; with fewer than "
    f"{ENOUGH} seeds never."
)
DIFFERENCES = (
    "Differences: first row minus second, with the 95 % interval over seeds (Welch's; Student's where the second is the one start of all "
    "seeds of the first); better or worse where it does not contain 0, else "
    f"not resolved, as always with fewer than {ENOUGH} seeds of a row. Seeds are the only chance counted, not the choice of pictures or "
    "of training data; nothing is corrected for the number of comparisons."
)


def pictures_remark(comparable: str, as_published: bool | None) -> str:
    """Why a data set's pictures are not the paper's own; empty where nothing says so.

    Args:
        comparable: as the data set's card has it.
        as_published: whether they are the published ones; None where that is not known.
    """
    if comparable == "regenerated":
        return "these pictures are made again, they are not the paper's own"
    if as_published is False:
        return "these pictures are not, pixel for pixel, those known as published"
    return ""


def with_care(pictures: str) -> str:
    """What a reader must know before comparing; empty where `pictures` are the paper's own."""
    return f"{pictures}: read differences with care" if pictures else ""


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
    """Our value, marked where it shares the best place; or in a word what is there instead."""
    result = cell.result
    match result.status:
        case "reproduced":
            value = cell.text.replace("inf", INFINITY) + tied(cell.standing)
            return f"{value} ± {cell.spread}" if cell.spread else value
        case "incomplete" if result.seeds_of > 1:
            return f"incomplete ({len(result.seeds)} of {result.seeds_of} seeds)"
        case "incomplete":
            return f"incomplete ({result.count} of {result.of})"
        case "not-available":
            return "n/a"
        case "refused" | "stale":
            return result.status
        case _:
            return DASH


def standing(row: Row) -> str:
    """How far a row of ours can be trusted, or why there is none."""
    if row.trust is None:
        return f"not run: {row.not_run}" if row.not_run else "the reference itself"
    return f"{row.trust}, {row.seeds} seed{'s' if row.seeds > 1 else ''}" if row.seeds else row.trust


def compared_seeds(difference: Difference) -> str:
    """How many seeds stand on each side; a dash for what is not trained here."""
    first, second = (str(count) if count else DASH for count in difference.seeds)
    return f"{first} / {second}"


def has_published(comparisons: Sequence[Comparison]) -> bool:
    """Whether a published difference can stand beside one of ours."""
    return any(difference.published for comparison in comparisons for difference in comparison.differences)


def our_difference(difference: Difference) -> str:
    """The difference of our means; a dash without one."""
    return difference.text or DASH


def interval(difference: Difference) -> str:
    """Its interval over seeds; a dash without one."""
    return f"{difference.low} to {difference.high}" if difference.low else DASH


def verdict(difference: Difference) -> str:
    """The word about a difference, or why there is none."""
    if difference.contrast is None:
        return difference.why
    return f"{difference.contrast.verdict} ({difference.why})" if difference.why else difference.contrast.verdict


def difference_headings(table: Table, comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """Headings of the lines of differences."""
    published = (theirs(table),) if has_published(comparisons) else ()
    return ("comparison", "metric", *published, ours(table), "95 % interval", "seeds", "verdict")


def difference_lines(comparisons: Sequence[Comparison]) -> Iterator[tuple[str, ...]]:
    """A line a comparison and column, as texts; the comparison is named in its first line."""
    published = has_published(comparisons)
    for comparison in comparisons:
        label = comparison.label
        for found in comparison.differences:
            printed = (found.published or DASH,) if published else ()
            yield (
                label,
                found.column.heading,
                *printed,
                our_difference(found),
                interval(found),
                compared_seeds(found),
                verdict(found),
            )
            label = ""


def legend(table: Table) -> tuple[str, ...]:
    """How to read the marks."""
    measured = any(cell.result.value is not None for _, _, _, cell in table.cells())
    lines = ["↑ higher is better, ↓ lower is better."]
    if any(block.has_published for block in table.blocks) and not table.context:
        lines.append("Published: bold best of its column, underlined second best; equal values share it, compared as printed.")
    if measured:
        every = f" Every pair of rows is in {table.id}.order.csv." if any(block.orders for block in table.blocks) else ""
        lines.append(ORDER + every)
    if checks := dict.fromkeys(row.label for block in table.blocks for row in block.rows if row.sanity and not row.not_run):
        lines.append(f"Not ranked, but there to check the set-up: {', '.join(checks)}.")
    if any(cell.result.spread for _, _, _, cell in table.cells()):
        lines += [SPREAD, SHARED]
    if any(block.comparisons for block in table.blocks):
        lines.append(DIFFERENCES)
    if table.context:
        lines.append("Values of other pictures are not ranked, and no difference to them is formed.")
    lines += verdict_lines(table.verdicts)
    if any(block.has_published for block in table.blocks):
        lines.append(f"{DASH} no value: the paper does not have it, or it was not run here.")
    levels = ", ".join(f"{level} {TRUST[level]}" for level in table.trust)
    if levels:
        lines.append(f"Trust: {levels}.")
    if measured:
        also = f"; those between rows in {table.id}.differences.csv" if any(block.comparisons for block in table.blocks) else ""
        lines.append(
            "A mean is shown only where every image of the data set has a value. Unrounded means, their 95 % intervals over images, "
            f"and differences are in {table.id}.csv{also}."
        )
    return tuple(lines)


def stale(table: Table) -> list[str]:
    """What was measured of pictures, data, a protocol or a metric that have changed since, a line a reason."""
    return stale_lines(
        (f"{row.label} ({block.label}, {column.title})", cell.result.reason)
        for block, row, column, cell in table.cells()
        if cell.result.status == "stale"
    )


def agreement(block: Block) -> str:
    """Whether our values put the published rows in the published order; empty where nothing can be said."""
    return agreement_line(block.orders, {column.name: column.title for column in block.columns})


def how_measured(table: Table) -> tuple[tuple[str, str], ...]:
    """(heading, definition) of each column."""
    return tuple((column.heading, column.how) for column in table.columns)
