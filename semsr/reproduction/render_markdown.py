"""A table as Markdown that reads well on a forge and in an editor."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from semsr.reproduction import wording
from semsr.reproduction.table import Block, Place, Table
from semsr.reproduction.wording_verdicts import CLAIMS, STALE, claim_line, sign

_SPECIAL = re.compile(r"([\\*_<|]|\](?=[(\[:]))")


def escape(text: str) -> str:
    """Plain text that Markdown takes literally, also inside a table; only `commands` keep their backticks."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def render_markdown(table: Table) -> str:
    """The whole table: a heading, what is what, one Markdown table a data set, the notes."""
    parts = [f"# {escape(table.title)}", escape(wording.subtitle(table)), escape(wording.introduction(table))]
    for block in table.blocks:
        parts.append(f"## {escape(wording.block_title(block))}")
        if remark := wording.block_remark(table, block):
            parts.append(escape(remark))
        parts.append(_grid(table, block))
        if order := wording.agreement(block):
            parts.append(escape(order))
        if block.comparisons:
            parts += [f"### Differences on {escape(block.label)}", _differences(table, block)]
    named = {
        CLAIMS: [f"**{escape(text)}**: {escape(said)}" for text, said in map(claim_line, table.claims)],
        STALE: [escape(line) for line in wording.stale(table)],
        "How to read it": [escape(line) for line in (*wording.legend(table), *table.notes)],
        "How it is measured": [f"**{escape(a)}**: {escape(b)}" for a, b in wording.how_measured(table)],
        wording.MISSING_FILES: [escape(lack.line) for lack in table.missing],
        "Notes": [f"<sup>{letter}</sup> {escape(text)}" for letter, text in table.footnotes.items()],
    }
    return "\n\n".join([*parts, *lists(named)]) + "\n"


def lists(named: Mapping[str, Sequence[str]]) -> list[str]:
    """Lines of Markdown below a heading each, as the parts of a table's end; a list without lines is left out."""
    return ["\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]) for title, lines in named.items() if lines]


def _grid(table: Table, block: Block) -> str:
    head, align = ["method"], [":--"]
    sources = ([wording.theirs(table)] if block.has_published else []) + ([wording.ours(table)] if not block.not_run else [])
    for column in block.columns:
        marks = _superscript(block.column_marks.get(column.name, ()))
        for at, source in enumerate(sources):
            # A heading of two lines keeps the column as narrow as its numbers.
            head.append(f"{escape(column.heading)}<br>{escape(source)}{marks if block.has_published and at == 0 else ''}")
            align.append("--:")
    if not block.not_run:
        head.append("trust")
        align.append(":--")
    lines = [head, align]
    for row in wording.shown_rows(block):
        line = [escape(row.label)]
        for cell in row.cells:
            if block.has_published:
                text = placed(wording.published_text(cell), cell.published_place)
                line.append(text + _superscript(cell.published_marks))
            if not block.not_run:
                beside = f" {mark}" if (mark := sign(cell.verdict)) else ""
                line.append(placed(escape(wording.our_text(cell)), cell.place) + _superscript(cell.marks) + beside)
        if not block.not_run:
            line.append(escape(wording.standing(row)))
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _differences(table: Table, block: Block) -> str:
    head = wording.difference_headings(table, block.comparisons)
    align = [":--", ":--", *["--:"] * (len(head) - 3), ":--"]
    lines = [head, align, *(map(escape, line) for line in wording.difference_lines(block.comparisons))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def placed(text: str, place: Place) -> str:
    """The best in bold, the second best underlined."""
    # <ins> is what forges show underlined; <u> is removed by some of them.
    return {0: text, 1: f"**{text}**", 2: f"<ins>{text}</ins>"}[place]


def _superscript(marks: tuple[str, ...]) -> str:
    return f"<sup>{','.join(marks)}</sup>" if marks else ""
