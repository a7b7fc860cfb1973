"""A table of judges as Markdown, LaTeX and for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as Lines
from rich.text import Text as Printed

from semsr.reproduction import latex
from semsr.reproduction import render_markdown as markdown
from semsr.reproduction.semantic import wording
from semsr.reproduction.semantic.grids import Grid, Text, grids
from semsr.reproduction.semantic.table import Block, SemanticTable
from semsr.reproduction.wording import MISSING_FILES
from semsr.reproduction.wording_verdicts import CLAIMS, claim_line

_STYLES = {0: "", 1: "bold", 2: "underline"}


def render_markdown(table: SemanticTable) -> str:
    """The whole table: a heading, what is what, the grids of each data set, the notes."""
    escape = markdown.escape
    parts = [f"# {escape(table.title)}", escape(wording.subtitle(table)), escape(wording.introduction(table))]
    for block in table.blocks:
        parts.append(f"## {escape(wording.block_title(block))}")
        if remark := wording.block_remark(table, block):
            parts.append(escape(remark))
        for grid in grids(table, block):
            parts += [f"### {escape(grid.title)}"] if grid.title else []
            parts += [_markdown_grid(grid)] if grid.lines else []
            parts += ["\n".join(f"- {escape(line)}" for line in grid.said)] if grid.said else []
    named = {
        CLAIMS: [f"**{escape(text)}**: {escape(said)}" for text, said in map(claim_line, table.claims)],
        "How to read it": [escape(line) for line in (*wording.legend(table), *table.notes)],
        "Who judges": [f"**{escape(a)}**: {escape(b)}" for a, b in wording.judges(table)],
        "How it is measured": [f"**{escape(a)}**: {escape(b)}" for a, b in wording.how_measured(table)],
        MISSING_FILES: [escape(lack.line) for lack in table.missing],
        "Notes": [f"<sup>{letter}</sup> {escape(text)}" for letter, text in table.footnotes.items()],
    }
    return "\n\n".join([*parts, *markdown.lists(named)]) + "\n"


def _markdown_grid(grid: Grid) -> str:
    head = ["<br>".join(markdown.escape(part) for part in parts if part) for parts in grid.head]
    numbers = len(head) - grid.left - grid.right
    align = [":--"] * grid.left + ["--:"] * numbers + [":--"] * grid.right
    lines = [head, align, *([_markdown_text(text) for text in line] for line in grid.lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown_text(text: Text) -> str:
    found = markdown.placed(markdown.escape(text.text), text.place)
    found += f"<sup>{','.join(text.marks)}</sup>" if text.marks else ""
    found += f" {text.sign}" if text.sign else ""
    return found + (f"<br><sub>{markdown.escape(text.under)}</sub>" if text.under else "")


def render_latex(table: SemanticTable) -> str:
    """The whole table: a float a grid; compiles as it stands, and a paper can read it in."""
    floats: list[str] = []
    for block in table.blocks:
        for at, grid in enumerate(grids(table, block)):  # a float each: several together can grow over a page
            notes = [wording.introduction(table), wording.block_remark(table, block)] if at == 0 else []
            used = {letter for line in grid.lines for text in line for letter in text.marks}
            said = [latex.escape(note) for note in (*notes, *grid.said) if note]
            floats.append(_float(table, block, grid, at, [*said, *_letters(table, used)]))
    legend = [rf"\textit{{{latex.escape(text)}}}: {latex.escape(said)}" for text, said in map(claim_line, table.claims)]
    legend += [latex.escape(text) for text in (*wording.legend(table), *table.notes)]
    legend += [
        rf"\textbf{{{latex.escape(a)}}}: {latex.escape(b)}." for a, b in (*wording.judges(table), *wording.how_measured(table))
    ]
    if table.missing:
        legend += [rf"\textbf{{{MISSING_FILES}}}", *(latex.escape(lack.line) for lack in table.missing)]
    # Plain text after the floats, which can't grow over a page.
    text = "\n".join([r"{\scriptsize\raggedright", *(f"{line}\\par" for line in legend), "}"])
    head = latex.preamble(table.title, wording.subtitle(table))
    return head + "\n" + "\n\n".join([*floats, text]) + "\n\n\\semsrend\n"


def _float(table: SemanticTable, block: Block, grid: Grid, at: int, notes: list[str]) -> str:
    what = f" {grid.title}." if grid.title else ""
    caption = f"{table.title}: {wording.block_title(block)}.{what} Made by {wording.subtitle(table)}."
    label = "-".join(filter(None, (table.id, block.dataset, str(at + 1) if at else "")))
    return latex.wide_float(label, caption, [latex.fitted(_latex_grid(grid))] if grid.lines else [], notes)


def _letters(table: SemanticTable, used: set[str]) -> list[str]:
    return [
        rf"\textsuperscript{{{letter}}}\,{latex.escape(text)}." for letter, text in table.footnotes.items() if letter in used
    ]


def _latex_grid(grid: Grid) -> str:
    numbers = len(grid.head) - grid.left - grid.right
    above, below, rules = [], [], []
    at = 0
    while at < len(grid.head):  # neighbouring columns of one heading share it
        name = grid.head[at][0]
        width = next(
            (step for step in range(1, len(grid.head) - at) if grid.head[at + step][0] != name or not name), len(grid.head) - at
        )
        text = latex.escape(name)
        above.append(rf"\multicolumn{{{width}}}{{c}}{{{text}}}" if width > 1 else text)
        rules += [rf"\cmidrule(lr){{{at + 1}-{at + width}}}"] if width > 1 else []
        below += [latex.escape(whose) for _, whose in grid.head[at : at + width]]
        at += width
    lines = [
        rf"\begin{{tabular}}{{@{{}}{'l' * grid.left}{'r' * numbers}{'l' * grid.right}@{{}}}}",
        r"\toprule",
        " & ".join(above) + r" \\",
        *([" ".join(rules)] if rules else []),
        *([" & ".join(below) + r" \\"] if any(below) else []),
        r"\midrule",
        *(" & ".join(map(_latex_text, line)) + r" \\" + _made(grid, line) for line in grid.lines),
        r"\bottomrule",
        r"\end{tabular}%",
    ]
    return "\n".join(lines)


def _made(grid: Grid, line: Sequence[Text]) -> str:
    """A comment that names what the values of a line were made from."""
    ids = "; ".join(f"{head[0]} {text.made}" for head, text in zip(grid.head, line, strict=True) if text.made)
    return f" % {latex.plain(ids)}" if ids else ""


def _latex_text(text: Text) -> str:
    found = latex.placed(latex.escape(text.text), text.place)
    found += rf"\,{latex.escape(text.sign)}" if text.sign else ""
    found += rf"\rlap{{\textsuperscript{{{','.join(text.marks)}}}}}" if text.marks else ""
    return rf"\shortstack[r]{{{found}\\{{\tiny {latex.escape(text.under)}}}}}" if text.under else found


def render_terminal(table: SemanticTable) -> RenderableType | None:
    """What was judged, or None where nothing of the table was."""
    ran = [block for block in table.blocks if any(said.ran for said in block.judgements)]
    if not ran:
        return None
    parts: list[RenderableType] = [Printed(table.title, style="bold"), Printed(wording.subtitle(table), style="dim")]
    for block in ran:
        parts.append(Printed(" · ".join(filter(None, (wording.block_title(block), wording.block_remark(table, block))))))
        for grid in grids(table, block):
            parts += [_terminal_grid(grid)] if grid.lines else [Printed(grid.title)]
            parts += [Printed(f"  {line}") for line in grid.said]
    parts += [Printed(f"{CLAIMS[:-1]}: {text}: {said}") for text, said in map(claim_line, table.claims)]
    parts += [Printed(line, style="dim") for line in wording.legend(table)]
    return Group(*parts)


def _terminal_grid(grid: Grid) -> Lines:
    shown = Lines(box=box.SIMPLE_HEAD, title=grid.title or None, title_justify="left", title_style="", pad_edge=False)
    for at, parts in enumerate(grid.head):
        words = at < grid.left or at >= len(grid.head) - grid.right
        heading = Printed("\n".join(part for part in parts if part))
        shown.add_column(heading, justify="left" if words else "right", max_width=60)
    for line in grid.lines:
        shown.add_row(*(_terminal_text(text) for text in line))
    return shown


def _terminal_text(text: Text) -> Printed:
    found = Printed(text.text, style=_STYLES[text.place])
    if text.sign:
        found.append(f" {text.sign}", style="not bold not underline")
    return found.append(f" ({text.under})", style="not bold not underline") if text.under else found
