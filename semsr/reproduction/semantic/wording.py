"""The sentences around a table of judges, the same in every format."""

from __future__ import annotations

from collections.abc import Mapping

from semsr.reproduction.semantic.reading import OF_THE_FLOOR
from semsr.reproduction.semantic.shares import Drawn
from semsr.reproduction.semantic.table import Block, Cell, Judgement, Row, SemanticTable
from semsr.reproduction.table import TRUST, Column
from semsr.reproduction.wording import DASH, SHARED, SPREAD
from semsr.reproduction.wording_verdicts import ORDER, agreement_line, tied, verdict_lines

_WORDS = {"pq": "PQ", "sq": "SQ", "rq": "RQ", "ap": "AP", "ap50": "AP50", "ap75": "AP75", "miou": "mIoU"}
DIFFERENCE = "difference"
PLUS = "+"
MINUS = "−"


def heading(column: Column) -> str:
    """Name, arrow and unit, as `box AP ↑ [%]`."""
    return f"{name(column)} {column.arrow}" + (f" [{column.unit}]" if column.unit else "")


def name(column: Column) -> str:
    """A column's name as papers write it."""
    return " ".join(_WORDS.get(part, part) for part in column.name.split("-"))


def subtitle(table: SemanticTable) -> str:
    """Where every number comes from, in one line."""
    judge = table.blocks[0].first.judge
    return f"profile {table.profile} · protocol {table.protocol}@{table.protocol_hash} · {table.protocol_title} · judge {judge}"


def introduction(table: SemanticTable) -> str:
    """What is published, what is ours, and what is missing altogether."""
    if not table.source:
        said = "Measured here, on our own pictures: nothing in this table is a reproduction."
        return f"{said} Nothing is measured yet: {table.not_run}." if table.not_run else said
    said = f"Published: copied from {table.source} as printed. Reproduced: "
    return said + (
        f"nothing; {table.not_run}." if table.not_run else "measured here, by a protocol of our own (see the notes)."
    )


def ours(table: SemanticTable) -> str:
    """Heading of the column of our values."""
    return "reproduced" if table.source else "ours"


def block_title(block: Block) -> str:
    """The data set and how many pictures were judged."""
    if block.not_run or not block.first.ran:
        return f"{block.label} ({'published values only' if block.has_published else 'no values'})"
    return f"{block.label} (N = {block.count})"


def block_remark(table: SemanticTable, block: Block) -> str:
    """What a reader must know about this data set; empty where there is nothing to say."""
    why = block.not_run or block.first.not_run
    if why:
        return "" if table.not_run else f"Not reproduced: {why}."
    return f"{block.remark[0].upper()}{block.remark[1:]}." if block.remark else ""


def shown_rows(judgement: Judgement) -> tuple[Row, ...]:
    """The rows worth a reader's time: where nothing was run, a row of ours alone has nothing to show."""
    return tuple(row for row in judgement.rows if judgement.ran or any(cell.published for cell in row.cells))


def standing(row: Row) -> str:
    """How far a row of ours can be trusted, or why there is none."""
    if row.not_run:
        return f"not run: {row.not_run}"
    if row.role == "ceiling":
        return "HR itself"
    seeds = f", {row.seeds} seed{'s' if row.seeds > 1 else ''}" if row.seeds else ""
    return f"{row.trust or DASH}{seeds}" + (", floor" if row.role == "floor" else "")


def value_text(cell: Cell) -> str:
    """Our value, or in a word what is there instead."""
    if cell.text:
        value = cell.text + tied(cell.standing)
        return f"{value} ± {cell.spread_text}" if cell.spread_text else value
    if cell.reason == OF_THE_FLOOR:
        return DASH
    return {"incomplete": "incomplete", "not-available": "n/a"}.get(cell.status, DASH)


def number(value: float | None, digits: int = 1, *, sign: bool = False) -> str:
    """A number as printed; a dash for none."""
    if value is None:
        return DASH
    text = f"{abs(value):.{digits}f}"
    if not text.strip("0."):
        return text
    return f"{MINUS if value < 0 else PLUS if sign else ''}{text}"


def interval(found: Drawn | None, digits: int = 1) -> str:
    """The ends of an interval, as `1.2 to 3.4`; empty where there is none."""
    if found is None or found.low is None or found.high is None:
        return ""
    return f"{number(found.low, digits)} to {number(found.high, digits)}"


def verdict(found: Drawn) -> str:
    """Whether the pictures suffice to tell two rows apart."""
    return "resolved" if found.resolved else "not resolved"


def order_title(judgement: Judgement, column: Column) -> str:
    """What the rows are ordered by."""
    return f"Order by {name(column)}, judge {judgement.judge}"


def chain(labels: tuple[str, ...]) -> str:
    """Rows best first."""
    return " > ".join(labels)


def tau_text(found: Drawn) -> str:
    """Kendall's tau-b; a dash without one."""
    return number(found.value, 2)


def lacks(judgement: Judgement, columns: tuple[Column, ...]) -> str:
    """Which of these columns a judge has no answer for, and why; empty where it has all."""
    gone: dict[str, list[str]] = {}
    for column in columns:
        if column.name in judgement.lacks:
            gone.setdefault(judgement.lacks[column.name], []).append(name(column))
    listed = "; ".join(f"{', '.join(names)} ({why})" for why, names in gone.items())
    return f"Judge {judgement.judge} does not give {listed}." if gone else ""


def judges(table: SemanticTable) -> list[tuple[str, str]]:
    """(judge, what it is) of each, with the weights in use where it ran."""
    found: dict[str, str] = {}
    for block in table.blocks:
        for said in block.judgements:
            used = f" ({', '.join(said.weights)})" if said.weights else ""
            why = f"; not run: {said.not_run}" if said.not_run and not table.not_run else ""
            if used or said.judge not in found:
                found[said.judge] = f"{said.title}{used}{why}"
    return list(found.items())


def legend(table: SemanticTable) -> list[str]:
    """How to read the table."""
    lines = [
        "The first row is the judge on HR (ceiling); the row marked floor is zoomed LR; neither is ranked among ours. ↑ higher is better, "
        "↓ lower is better."
    ]
    if table.source:
        lines.append("Published: bold best of all rows but the ceiling, underlined second best; compared as printed.")
    ran = [block for block in table.blocks if any(said.ran for said in block.judgements)]
    if ran:
        draws = max(block.draws for block in ran)
        lines += [
            f"{ORDER} Every pair of rows is in {table.id}.order.csv.",
            f"Intervals: 95 %, percentile bootstrap over pictures ({draws} draws, the same for every row and judge, so that differences, "
            "shares and tau are formed draw by draw). A row of several seeds has the mean over them in every draw: its interval is over "
            "pictures, not over trainings. Draws that have nothing to be measured by are left out; the CSV says how many were used.",
            "Recovered share: (row − floor) / (ceiling − floor). A draw in which the floor is not worse than the ceiling has none and is "
            f"left out.{' Published shares are of the printed values.' if table.source else ''}",
            "Order: a row minus the next one, on the same pictures; resolved where the interval is without 0. Nothing is corrected for the "
            "number of comparisons.",
        ]
        if any(block.comparisons for block in ran):
            lines.append(
                "Agreement of judges: Kendall's tau-b between their values of the rows and the floor, without the ceiling; 1 is the same "
                "order, -1 the opposite one. Pairs ordered differently include those that one judge alone calls equal."
            )
        if any(cell.spread_text for block in ran for said in block.judgements for row in said.rows for cell in row.cells):
            lines += [SPREAD, SHARED]
        lines += [
            f"On {block.label}, bringing annotations to the size of comparison left {_counted(block.first.vanished)} without a pixel; they "
            "do not count."
            for block in ran
            if any(block.first.vanished.values())
        ]
        lines += verdict_lines(table.verdicts)
        lines.append(f"Unrounded values with their intervals are in {table.id}.csv.")
    levels = sorted({row.trust for block in table.blocks for said in block.judgements for row in said.rows if row.trust})
    if any(block.has_published for block in table.blocks):
        levels = ["L0", *levels]
    if levels:
        lines.append(f"Trust: {', '.join(f'{level} {TRUST[level]}' for level in levels)}.")
    return lines


def _counted(found: Mapping[str, int]) -> str:
    return " and ".join(f"{found[what]} {what}" for what in ("segments", "objects") if found.get(what))


def agreement(judgement: Judgement) -> str:
    """Whether our values put the published rows in the published order; empty where nothing can be said."""
    return agreement_line(judgement.orders, {column.name: name(column) for column in judgement.columns})


def how_measured(table: SemanticTable) -> list[tuple[str, str]]:
    """(heading, definition) of each column, then what the protocol fixes beside them."""
    columns = [(heading(column), column.how) for column in (*table.columns, *table.objects)]
    return [*columns, *table.protocol_says]


def missing(table: SemanticTable) -> tuple[str, ...]:
    """What has no value of ours and why, a line a reason."""
    if table.not_run:
        return (f"{table.id}: published values only: {table.not_run}",)
    reasons: dict[str, dict[str, None]] = {}
    for block in table.blocks:
        if block.not_run:
            reasons.setdefault(block.not_run, {})[block.label] = None
            continue
        for said in block.judgements:
            if said.not_run:
                reasons.setdefault(said.not_run, {})[f"{block.label} by {said.judge}"] = None
                continue
            for row in said.rows:
                if row.not_run:
                    reasons.setdefault(f"not run: {row.not_run}", {})[row.label] = None
                for column, cell in zip(table.columns, row.cells, strict=True):
                    if not row.not_run and cell.drawn.value is None:
                        reasons.setdefault(f"{cell.status}: {cell.reason}", {})[f"{name(column)} by {said.judge}"] = None
    lines = [f"{table.id}: {', '.join(what)}: {reason}" for reason, what in reasons.items()]
    if table.missing:
        names = ", ".join(f"{lack.file.id} ({lack.file.size_text})" for lack in table.missing)
        lines.append(f"{table.id}: missing files: {names}; mirrors and how to supply them by hand: {table.id}.md")
    return tuple(lines)
