"""Notes on single values: each distinct text gets one letter, and every value it holds for carries that letter."""

from __future__ import annotations

from dataclasses import replace

from semsr.reproduction.result import Status
from semsr.reproduction.table import Block

_SAID: dict[Status, str] = {
    "incomplete": "incomplete, a mean needs every image",
    "not-available": "not available, because",
    "refused": "refused",
    "stale": "stale",
}

DASHED = "the paper prints a dash here"


class Footnotes:
    """Gives each distinct text a letter: a, b, …, z, aa, ab, …"""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def mark(self, text: str) -> str:
        """The letter of `text`."""
        for letter, known in self.texts.items():
            if known == text:
                return letter
        count, letter = len(self.texts), ""
        while count >= 0:
            count, letter = count // 26 - 1, chr(ord("a") + count % 26) + letter
        self.texts[letter] = text
        return letter


def with_marks(block: Block, footnotes: Footnotes) -> Block:
    """Hang the notes of a block on its cells; one that holds for every published value of a column goes to its heading."""
    shared = {}
    for at, column in enumerate(block.columns):
        notes = {cell.published.note for row in block.rows if (cell := row.cells[at]).published}
        if len(notes) == 1 and (note := notes.pop()):
            shared[column.name] = note
    heads = {name: (footnotes.mark(note),) for name, note in shared.items()}
    rows = []
    for row in block.rows:
        cells = []
        for column, cell in zip(block.columns, row.cells, strict=True):
            note = cell.published.note if cell.published and column.name not in shared else ""
            printed = ([DASHED] if cell.published and not cell.published.text else []) + ([note] if note else [])
            said = _SAID.get(cell.result.status)
            cells.append(
                replace(
                    cell,
                    published_marks=tuple(footnotes.mark(text) for text in printed),
                    marks=(footnotes.mark(f"{said}: {cell.result.reason}"),) if said else (),
                )
            )
        rows.append(replace(row, cells=tuple(cells)))
    return replace(block, rows=tuple(rows), column_marks=heads)
