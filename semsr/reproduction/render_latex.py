r"""A table as LaTeX: a file that pdflatex compiles as it stands, and that a paper can \input."""

from __future__ import annotations

import math

from semsr.reproduction import wording
from semsr.reproduction.latex import escape, fitted, placed, preamble, wide_float
from semsr.reproduction.table import Block, Cell, Table
from semsr.reproduction.wording_verdicts import CLAIMS, STALE, claim_line, sign

_MOST_PAIRS = 5
"""Pairs of published and reproduced values side by side that stay readable on a page."""


def render_latex(table: Table) -> str:
    """The whole table: one float a data set, each with its own caption and notes."""
    head = preamble(table.title, wording.subtitle(table))
    last = len(table.blocks) - 1
    floats = [_float(table, block, last=at == last) for at, block in enumerate(table.blocks)]
    return head + "\n" + "\n\n".join([*floats, *_after(table)]) + "\n\n\\semsrend\n"


def _after(table: Table) -> list[str]:
    """Claims, what is stale, files that stood in the way of rows: plain text after the floats, which can't grow over a page."""
    named = {
        CLAIMS: [rf"\textit{{{escape(text)}}}: {escape(said)}" for text, said in map(claim_line, table.claims)],
        STALE: [escape(line) for line in wording.stale(table)],
        wording.MISSING_FILES: [escape(lack.line) for lack in table.missing],
    }
    return [
        "\n".join([rf"{{\scriptsize\raggedright\textbf{{{title}}}\par", *(f"{line}\\par" for line in lines), "}"])
        for title, lines in named.items()
        if lines
    ]


def _float(table: Table, block: Block, *, last: bool) -> str:
    caption = f"{table.title}: {wording.block_title(block)}. Made by {wording.subtitle(table)}."
    notes = [escape(text) for text in (wording.introduction(table), wording.block_remark(table, block)) if text]
    used = _used(block)
    notes += [escape(order)] if (order := wording.agreement(block)) else []
    notes += [rf"\textsuperscript{{{letter}}}\,{escape(text)}." for letter, text in table.footnotes.items() if letter in used]
    if last:
        notes += [escape(text) for text in (*wording.legend(table), *table.notes)]
        notes += [rf"\textbf{{{escape(heading)}}}: {escape(how)}." for heading, how in wording.how_measured(table)]
    body = [fitted(_grid(table, block, part)) for part in _parts(block)]
    body += [r"Differences\par\medskip", fitted(_differences(table, block))] if block.comparisons else []
    return wide_float(f"{table.id}-{block.dataset}", caption, body, notes)


def _parts(block: Block) -> list[range]:
    """The columns in groups of equal size that a page can hold: pairs of values take twice the width."""
    count = len(block.columns)
    most = _MOST_PAIRS if block.has_published and not block.not_run else 2 * _MOST_PAIRS
    size = math.ceil(count / max(1, math.ceil(count / most)))
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def _grid(table: Table, block: Block, part: range) -> str:
    pair = block.has_published and not block.not_run
    width = 2 if pair else 1
    trust = "" if block.not_run else "l"
    head, sub, rules = [""], ["method"], []
    for at, column in enumerate(block.columns[part.start : part.stop]):
        marks = _superscript(block.column_marks.get(column.name, ()))
        first = 2 + at * width
        if pair:
            head.append(rf"\multicolumn{{2}}{{c}}{{{escape(column.heading)}}}")
            sub += [escape(wording.theirs(table)) + marks, wording.ours(table)]
            rules.append(rf"\cmidrule(lr){{{first}-{first + 1}}}")
        else:
            head.append(escape(column.heading) + marks)
            sub.append(escape(wording.theirs(table)) if block.has_published else wording.ours(table))
    if trust:
        head.append("")
        sub.append("trust")
    lines = [
        rf"\begin{{tabular}}{{@{{}}l{'r' * (width * len(part))}{trust}@{{}}}}",
        r"\toprule",
        _line(head),
        *([" ".join(rules)] if rules else []),
        _line(sub),
        r"\midrule",
    ]
    rows = wording.shown_rows(block)
    signed = any(sign(cell.verdict) for row in rows for cell in row.cells)
    for at, row in enumerate(rows):
        if at and block.has_published and row.published_as is None and rows[at - 1].published_as is not None:
            lines.append(r"\midrule")
        line = [escape(row.label)]
        for column_at in part:
            line += _values(row.cells[column_at], block, signed=signed)
        made = [(block.columns[column_at].name, row.cells[column_at].result_id) for column_at in part]
        ids = "; ".join(f"{name} {block.dataset} {result_id}" for name, result_id in made if result_id)
        lines.append(_line([*line, escape(wording.standing(row))] if trust else line) + (f" % {ids}" if ids else ""))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}%"])


def _differences(table: Table, block: Block) -> str:
    head = wording.difference_headings(table, block.comparisons)
    lines = [
        rf"\begin{{tabular}}{{@{{}}ll{'r' * (len(head) - 3)}l@{{}}}}",
        r"\toprule",
        _line(list(map(escape, head))),
        r"\midrule",
    ]
    for at, line in enumerate(wording.difference_lines(block.comparisons)):
        if at and line[0]:
            lines.append(r"\addlinespace")
        lines.append(_line(list(map(escape, line))))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}%"])


def _values(cell: Cell, block: Block, *, signed: bool) -> list[str]:
    values = []
    if block.has_published:
        text = placed(escape(wording.published_text(cell)), cell.published_place)
        values.append(text + _hung(cell.published_marks))
    if not block.not_run:
        # A box of one width for every verdict, so that the digits of a column stay below each other.
        beside = rf"\makebox[1.2em][l]{{\,{escape(sign(cell.verdict))}}}" if signed else ""
        values.append(placed(escape(wording.our_text(cell)), cell.place) + _hung(cell.marks) + beside)
    return values


def _used(block: Block) -> set[str]:
    """The letters that occur in a block."""
    marks = [mark for letters in block.column_marks.values() for mark in letters]
    for row in block.rows:
        for cell in row.cells:
            marks += [*cell.published_marks, *cell.marks]
    return set(marks)


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _superscript(marks: tuple[str, ...]) -> str:
    return rf"\textsuperscript{{{','.join(marks)}}}" if marks else ""


def _hung(marks: tuple[str, ...]) -> str:
    """A superscript that takes no width, so that the digits of a column stay below each other."""
    return rf"\rlap{{{_superscript(marks)}}}" if marks else ""
