r"""A table as LaTeX: a file that pdflatex compiles as it stands, and that a paper can \input."""

from __future__ import annotations

import math
import re
import unicodedata

from semsr.reproduction import wording
from semsr.reproduction.table import Block, Cell, Place, Table

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "°": r"$^{\circ}$",
    "²": r"$^{2}$",
    "³": r"$^{3}$",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "λ": r"$\lambda$",
    "Δ": r"$\Delta$",
    "…": r"\ldots{}",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "\u00a0": "~",
}
_MOST_PAIRS = 5
"""Pairs of published and reproduced values side by side that stay readable on a page."""
_PREAMBLE = r"""% {title}
% {subtitle}
% Compile it as it stands, or \input it into a document that loads booktabs and graphicx.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \def\semsrbegin{{}}\def\semsrend{{}}
\else
  \def\semsrbegin{{\documentclass[10pt]{{article}}\usepackage[T1]{{fontenc}}%
    \usepackage[a4paper,landscape,margin=12mm]{{geometry}}\usepackage{{booktabs}}\usepackage{{graphicx}}%
    \pagestyle{{empty}}\begin{{document}}}}
  \def\semsrend{{\end{{document}}}}
\fi
\semsrbegin
"""


def escape(text: str) -> str:
    """Plain text that LaTeX takes literally; `commands` in typewriter.

    A character that the usual fonts lack is named by its code instead of vanishing.
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a lone backtick quotes nothing
        return _literal(text)
    return "".join(rf"\texttt{{{_literal(part)}}}" if at % 2 else _literal(part) for at, part in enumerate(parts))


def render_latex(table: Table) -> str:
    """The whole table: one float a data set, each with its own caption and notes."""
    head = preamble(table.title, wording.subtitle(table))
    last = len(table.blocks) - 1
    floats = [_float(table, block, last=at == last) for at, block in enumerate(table.blocks)]
    return head + "\n" + "\n\n".join([*floats, *_missing(table)]) + "\n\n\\semsrend\n"


def _missing(table: Table) -> list[str]:
    """Files that stood in the way of rows: plain text after the floats, which can't grow over a page."""
    if not table.missing:
        return []
    lines = [
        rf"{{\scriptsize\raggedright\textbf{{{wording.MISSING_FILES}}}\par",
        *(f"{escape(lack.line)}\\par" for lack in table.missing),
        "}",
    ]
    return ["\n".join(lines)]


def preamble(title: str, subtitle: str) -> str:
    """What a file begins with so that it compiles as it stands and may be read into a document; it ends with `\\semsrend`."""
    return _PREAMBLE.format(title=_comment(title), subtitle=_comment(subtitle))


def _float(table: Table, block: Block, *, last: bool) -> str:
    said = [escape(text) for text in (f"{table.title}: {wording.block_title(block)}.", f"Made by {wording.subtitle(table)}.")]
    notes = [escape(text) for text in (wording.introduction(table), wording.block_remark(table, block)) if text]
    used = _used(block)
    notes += [rf"\textsuperscript{{{letter}}}\,{escape(text)}." for letter, text in table.footnotes.items() if letter in used]
    if last:
        notes += [escape(text) for text in (*wording.legend(table), *table.notes)]
        notes += [rf"\textbf{{{escape(heading)}}}: {escape(how)}." for heading, how in wording.how_measured(table)]
    return "\n".join(
        [
            r"\begin{table*}[htbp]",
            r"\centering",
            rf"\caption{{{' '.join(said)}}}",
            rf"\label{{tab:{table.id}-{block.dataset}}}",
            r"\medskip\footnotesize",
            *(fitted(_grid(table, block, part)) for part in _parts(block)),
            *([r"Differences\par\medskip", fitted(_differences(table, block))] if block.comparisons else []),
            r"\begin{minipage}{\textwidth}\scriptsize\raggedright",
            *(f"{note}\\par" for note in notes),
            r"\end{minipage}",
            r"\end{table*}",
        ]
    )


def _parts(block: Block) -> list[range]:
    """The columns in groups of equal size that a page can hold: pairs of values take twice the width."""
    count = len(block.columns)
    most = _MOST_PAIRS if block.has_published and not block.not_run else 2 * _MOST_PAIRS
    size = math.ceil(count / max(1, math.ceil(count / most)))
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def fitted(grid: str) -> str:
    """Shrunk where it is wider than the page, never enlarged."""
    fit = r"\ifdim\wd0>\textwidth\resizebox{\textwidth}{!}{\usebox0}\else\usebox0\fi"
    return f"\\sbox0{{%\n{grid}\n}}%\n{fit}\n\\par\\medskip"


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
    for at, row in enumerate(rows):
        if at and block.has_published and row.published_as is None and rows[at - 1].published_as is not None:
            lines.append(r"\midrule")
        line = [escape(row.label)]
        for column_at in part:
            line += _values(row.cells[column_at], block)
        lines.append(_line([*line, escape(wording.standing(row))] if trust else line))
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


def _values(cell: Cell, block: Block) -> list[str]:
    values = []
    if block.has_published:
        text = _placed(escape(wording.published_text(cell)), cell.published_place)
        values.append(text + _hung(cell.published_marks))
    if not block.not_run:
        values.append(_placed(escape(wording.our_text(cell)), cell.place) + _hung(cell.marks))
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


def _placed(text: str, place: Place) -> str:
    return {0: text, 1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}[place]


def _superscript(marks: tuple[str, ...]) -> str:
    return rf"\textsuperscript{{{','.join(marks)}}}" if marks else ""


def _hung(marks: tuple[str, ...]) -> str:
    """A superscript that takes no width, so that the digits of a column stay below each other."""
    return rf"\rlap{{{_superscript(marks)}}}" if marks else ""


def _comment(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _literal(text: str) -> str:
    return "".join(_LATEX.get(character) or _other(character) for character in text)


def _other(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else " "
    if ord(character) < 0x180 and unicodedata.category(character).startswith("L"):
        return character  # accented Latin letters, which T1 fonts have
    return rf"\texttt{{U+{ord(character):04X}}}"
