"""The sentences and cells of a table of descriptions, the same in every format."""

from __future__ import annotations

from semsr.reproduction.descriptions.bootstrap import RESAMPLES
from semsr.reproduction.descriptions.measures import MARKS, Mark, Measure
from semsr.reproduction.descriptions.table import Block, DescriptionTable, Row, Value
from semsr.reproduction.table import TRUST
from semsr.reproduction.wording import DASH

_ARROWS = {"higher": "↑", "lower": "↓"}


def subtitle(table: DescriptionTable) -> str:
    """Where every number comes from, in one line."""
    return f"profile {table.profile} · descriptions of method {table.method}"


def introduction(table: DescriptionTable) -> str:
    """What is the paper's, what is ours, and what is missing altogether."""
    said = "Measured here: our reading of the marks as numbers."
    if table.source and not table.context:
        said = f"Marks: copied from {table.source} as printed; the paper gives no numbers. {said}"
    elif table.source:
        said = (
            f"Measured here, nothing in this table is a reproduction. The marks of {table.source} stand beside for orientation only: "
            f"{table.context}."
        )
    return f"{said} Nothing is measured yet: {table.not_run}." if table.not_run else said


def block_title(block: Block) -> str:
    """The data set and how many pictures were described twice."""
    if block.not_run:
        return f"{block.label} (marks only)" if has_marks(block) else f"{block.label} (no values)"
    return f"{block.label} (N = {block.count})" if block.count is not None else block.label


def block_remark(table: DescriptionTable, block: Block) -> str:
    """What a reader must know about this data set; empty where there is nothing to say."""
    if block.not_run:
        return "" if table.not_run else f"Not measured: {block.not_run}."
    return f"{block.remark[0].upper()}{block.remark[1:]}." if block.remark else ""


def heading(what: Measure) -> str:
    """Name and arrow of a measure."""
    return f"{what.heading} {_ARROWS[what.direction]}"


def groups(table: DescriptionTable) -> list[tuple[Mark, tuple[int, ...]]]:
    """The paper's marks, each with the places of the measures that stand for it."""
    return [(mark, tuple(at for at, what in enumerate(table.measures) if what.mark == mark)) for mark in MARKS]


def has_marks(block: Block) -> bool:
    """Whether there are marks of a paper to show."""
    return any(row.marks for row in block.rows)


def marks_heading(table: DescriptionTable, mark: Mark) -> str:
    """Heading of a column of marks."""
    return f"{MARKS[mark]} ({table.source if table.context else 'paper'})"


def mark_text(row: Row, mark: Mark) -> str:
    """A paper's mark as printed."""
    return row.marks.get(mark, DASH)


def value_text(value: Value) -> str:
    """A measured value; a dash without one."""
    return value.text or DASH


def standing(row: Row) -> str:
    """How far a row of ours can be trusted, or why there is none."""
    if row.trust is None:
        return f"not run: {row.not_run}" if row.not_run else DASH
    return row.trust


def missing(table: DescriptionTable) -> tuple[str, ...]:
    """What has no value of ours and why, a line a reason."""
    if table.not_run:
        return (f"{table.id}: marks only: {table.not_run}",)
    reasons: dict[str, dict[str, None]] = {}
    for block in table.blocks:
        if block.not_run:
            reasons.setdefault(block.not_run, {})[block.label] = None
            continue
        for row in block.rows:
            if row.not_run:
                reasons.setdefault(f"not run: {row.not_run}", {})[row.label] = None
            for value in row.values:
                if not value.text:
                    reasons.setdefault(value.reason, {})[f"{row.label} ({value.measure.heading})"] = None
    return tuple(f"{table.id}: {', '.join(what)}: {reason}" for reason, what in reasons.items())


def legend(table: DescriptionTable) -> tuple[str, ...]:
    """How to read the table."""
    lines = [
        f"The reference is {table.reference}: its tags on clean pictures, with its original weights.",
        "Tags are compared as equal strings, case aside, so that describers with different vocabularies agree less than they mean; a "
        "picture without tags on both sides adds nothing, and where no picture has tags there is no value.",
        f"Intervals: 95 %, percentile bootstrap over pictures ({RESAMPLES} draws, seeded); nothing is ranked. "
        "↑ ↓ which way speaks for the mark.",
    ]
    levels = sorted({row.trust for block in table.blocks for row in block.rows if row.trust})
    if levels:
        lines.append(f"Trust: {', '.join(f'{level} {TRUST[level]}' for level in levels)}.")
    return tuple(lines)


def how_measured(table: DescriptionTable) -> tuple[tuple[str, str], ...]:
    """(heading, definition) of each measure."""
    return tuple((heading(what), f'{what.how}; stands for "{MARKS[what.mark]}"') for what in table.measures)


def describers(table: DescriptionTable) -> tuple[tuple[str, str], ...]:
    """(row, what describes) of each row, with the weights in use where it ran."""
    found: dict[str, str] = {}
    for block in table.blocks:
        for row in block.rows:
            used = f" ({', '.join(row.weights)})" if row.weights else ""
            if used or row.label not in found:
                found[row.label] = f"{row.describer}{used}"
    return tuple(found.items())
