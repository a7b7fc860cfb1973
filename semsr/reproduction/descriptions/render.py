"""A table of descriptions as CSV, Markdown, LaTeX and for the terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from semsr.reproduction import latex
from semsr.reproduction import render_markdown as markdown
from semsr.reproduction.descriptions import wording
from semsr.reproduction.descriptions.table import Block, DescriptionTable, Row, Value
from semsr.reproduction.render_csv import as_csv, number
from semsr.reproduction.wording import DASH

HEADER = (
    "table",
    "profile",
    "row",
    "published_as",
    "method",
    "description",
    "dataset",
    "mark",
    "published",
    "published_elsewhere",
    "measure",
    "direction",
    "value",
    "value_printed",
    "interval_low",
    "interval_high",
    "sum_above",
    "sum_below",
    "n",
    "trust",
    "status",
    "reason",
)
"""A line a row, data set and measure. `published` is the paper's mark that the measure stands for; `published_elsewhere` is such a mark
where the describers are not the paper's, for orientation only. `value` is `sum_above` / `sum_below`, sums over `n` pictures."""


def render_csv(table: DescriptionTable) -> str:
    """The whole table as tidy CSV, nothing rounded away."""
    lines: list[list[object]] = []
    for block in table.blocks:
        for row in block.rows:
            for at, what in enumerate(table.measures):
                value = row.values[at] if row.values else Value(what, None, block.not_run or row.not_run)
                found, printed = value.estimate, row.marks.get(what.mark, "")
                measured = found is not None and found.value is not None
                lines.append(
                    [
                        table.id,
                        table.profile,
                        row.label,
                        row.published_as or "",
                        table.method,
                        row.description,
                        block.dataset,
                        what.mark,
                        "" if table.context else printed,
                        printed if table.context else "",
                        what.name,
                        what.direction,
                        number(found.value if found else None),
                        value.text,
                        number(found.low if found else None),
                        number(found.high if found else None),
                        number(found.above if found else None),
                        number(found.below if found else None),
                        found.pictures if found else "",
                        row.trust or "",
                        "measured" if measured else "not-available" if row.values else "not-run",
                        value.reason,
                    ]
                )
    return as_csv(HEADER, lines)


def render_markdown(table: DescriptionTable) -> str:
    """The whole table: a heading, what is what, one Markdown table a data set, the notes."""
    escape = markdown.escape
    parts = [f"# {escape(table.title)}", escape(wording.subtitle(table)), escape(wording.introduction(table))]
    for block in table.blocks:
        parts.append(f"## {escape(wording.block_title(block))}")
        if remark := wording.block_remark(table, block):
            parts.append(escape(remark))
        lines = _lines(table, block, escape, lambda value: f"{value.text}<br>{value.interval}", "<sup>{}</sup>")
        lines.insert(1, [":--", *(":-:" for _ in lines[0][1:])])
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    named = {
        "How to read it": [escape(line) for line in (*wording.legend(table), *table.notes)],
        "What describes": [f"**{escape(a)}**: {escape(b)}" for a, b in wording.describers(table)],
        "How it is measured": [f"**{escape(a)}**: {escape(b)}" for a, b in wording.how_measured(table)],
        "Notes": [f"<sup>{letter}</sup> {escape(text)}" for letter, text in table.footnotes.items()],
    }
    return "\n\n".join([*parts, *markdown.lists(named)]) + "\n"


def render_latex(table: DescriptionTable) -> str:
    """The whole table: one float a data set; compiles as it stands, and a paper can read it in."""
    escape = latex.escape
    floats = []
    for at, block in enumerate(table.blocks):
        caption = f"{table.title}: {wording.block_title(block)}. Made by {wording.subtitle(table)}."
        notes = [escape(text) for text in (wording.introduction(table), wording.block_remark(table, block)) if text]
        used = {letter for row in block.rows for letter in row.notes}
        notes += [
            rf"\textsuperscript{{{letter}}}\,{escape(text)}" for letter, text in table.footnotes.items() if letter in used
        ]
        if at == len(table.blocks) - 1:
            notes += [escape(text) for text in (*wording.legend(table), *table.notes)]
            notes += [
                rf"\textbf{{{escape(a)}}}: {escape(b)}." for a, b in (*wording.describers(table), *wording.how_measured(table))
            ]
        stacked = lambda value: rf"\shortstack{{{value.text}\\{{\tiny {value.interval}}}}}"  # noqa: E731
        head, *rows = _lines(table, block, escape, stacked, r"\textsuperscript{{{}}}")
        grid = [
            rf"\begin{{tabular}}{{@{{}}l{'c' * (len(head) - 1)}@{{}}}}",
            r"\toprule",
            " & ".join(head) + r" \\",
            r"\midrule",
            *(" & ".join(row) + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}%",
        ]
        label = "-".join(filter(None, (table.id, block.dataset)))
        floats.append(latex.wide_float(label, caption, [latex.fitted("\n".join(grid))], notes))
    return latex.preamble(table.title, wording.subtitle(table)) + "\n" + "\n\n".join(floats) + "\n\n\\semsrend\n"


def render_terminal(table: DescriptionTable) -> RenderableType | None:
    """What was measured, or None where nothing of the table was."""
    ran = [block for block in table.blocks if any(row.values for row in block.rows)]
    if not ran:
        return None
    parts: list[RenderableType] = [Text(table.title, style="bold"), Text(wording.subtitle(table), style="dim")]
    for block in ran:
        title = Text(" · ".join(text for text in (wording.block_title(block), wording.block_remark(table, block)) if text))
        grid = Grid(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="", pad_edge=False)
        head, *lines = _lines(table, block, str, lambda value: f"{value.text} ({value.interval})", "", ran_only=True)
        for at, text in enumerate(head):
            grid.add_column(Text(text), justify="center" if at else "left", max_width=26 if at else None)
        for line in lines:
            grid.add_row(*map(Text, line))
        parts.append(grid)
    parts += [Text(line, style="dim") for line in wording.legend(table)]
    return Group(*parts)


def _lines(
    table: DescriptionTable,
    block: Block,
    escape: Callable[[str], str],
    valued: Callable[[Value], str],
    raised: str,
    *,
    ran_only: bool = False,
) -> list[list[str]]:
    """Heading and lines of one data set as texts of a format: a column a style, a line each mark of the paper and each measure for it.

    Args:
        escape: makes plain text literal.
        valued: a value with its interval.
        raised: a footnote's letters, as a format string; empty: they are left out.
        ran_only: leave out what was not run.
    """
    shown = wording.has_marks(block)
    head = ["style"]
    for mark, places in wording.groups(table):
        head += [escape(wording.marks_heading(table, mark))] if shown else []
        head += [escape(wording.heading(table.measures[at])) for at in places] if not block.not_run else []
    lines = [[*head, "trust"] if not block.not_run else head]
    for row in block.rows:
        if ran_only and not row.values:
            continue
        line = [escape(row.label)]
        for mark, places in wording.groups(table):
            line += [escape(wording.mark_text(row, mark))] if shown else []
            if not block.not_run:
                line += [_value(row, at, escape, valued) for at in places]
        if not block.not_run:
            notes = raised.format(",".join(row.notes)) if raised and row.notes else ""
            line.append(escape(wording.standing(row)) + notes)
        lines.append(line)
    return [list(line) for line in zip(*lines, strict=True)]


def _value(row: Row, at: int, escape: Callable[[str], str], valued: Callable[[Value], str]) -> str:
    if not row.values or not row.values[at].interval:
        return escape(wording.value_text(row.values[at])) if row.values else escape(DASH)
    return valued(row.values[at])
