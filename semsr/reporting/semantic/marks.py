"""Boxes and names over a picture, as SVG: line and symbol say what became of an object, colour and name its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from semsr.reporting.semantic.tints import Area, inside

Kind = Literal["object", "crowd", "found", "right", "back", "lost", "invented", "doubted"]
"""Of annotations: an object, a crowd. Of what a judge is sure of: found (nobody asks whether rightly), right, right and brought back from
being lost, invented (nothing annotated, and not on HR either), doubted (nothing annotated, but the same on HR). Of what it did not find:
lost."""


@dataclass(frozen=True)
class Style:
    """How a kind of mark is drawn: symbol before the name, lengths of dashes and gaps, width; and what it means."""

    symbol: str
    dashes: str
    width: float
    means: str


STYLES: dict[Kind, Style] = {
    "object": Style("", "", 1.6, "annotated object"),
    "crowd": Style("", "9 2.5", 1.6, "annotated crowd: what is found on it counts neither for nor against"),
    "found": Style("", "", 1.6, "found"),
    "right": Style("✓", "", 1.6, "found and right"),
    "back": Style("↑", "", 3.0, "brought back: found and right, and lost on zoomed LR"),
    "lost": Style("×", "0.1 3.4", 2.0, "lost: seen on HR, not here (on HR itself: annotated, not seen)"),
    "invented": Style("+", "5 3", 2.0, "invented: nothing of the kind is there, nor is the judge sure of it on HR"),
    "doubted": Style("?", "8 2.5 0.1 2.5", 1.4, "nothing of the kind is annotated, but the judge is sure of it on HR, too"),
}

FONT = 9.5
"""Height of names in pixels of the frame."""
_LETTER = 0.66
"""How wide a letter is at most, on average, as a share of its height, in the fonts that browsers take: DejaVu's are the widest."""
LEAST = 0.03
"""An area smaller than this share of the picture bears no name."""

_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """One box.

    Attributes:
        kind: how it is drawn.
        name: its class.
        colour: of the class, `#rrggbb`.
        box: (x, y, width, height) in pixels of the answer or the annotation.
        score: in [0, 1]; None: not said.
    """

    kind: Kind
    name: str
    colour: str
    box: tuple[float, float, float, float]
    score: float | None = None

    @property
    def text(self) -> str:
        """Name and score, without the symbol."""
        return self.name if self.score is None else f"{self.name} {self.score:.2f}"


def draw_marks(
    marks: Sequence[Mark],
    areas: Sequence[Area],
    size: tuple[int, int],
    frame: tuple[int, int],
    tinted: str | None = None,
) -> str:
    """Boxes, names on areas, and the picture of tints under them, as inline SVG; all text is escaped.

    A name that would cover another moves, or shrinks to its symbol, or is left out: the page lists every name below the picture.

    Args:
        marks: drawn in this order.
        areas: those that are `labelled` and large enough get their name.
        size: (H, W) in whose pixels the marks' boxes are.
        frame: (H, W) of the drawing.
        tinted: where the picture of tints lies, as a reference from the page.
    """
    height, width = frame
    down, across = height / size[0], width / size[1]
    parts = [f'<svg class="marks" viewBox="0 0 {width} {height}" aria-hidden="true" focusable="false">']
    if tinted is not None:
        parts.append(f'<image href="{escape(tinted)}" width="{width}" height="{height}" preserveAspectRatio="none"/>')
    boxes = [(m.box[0] * across, m.box[1] * down, m.box[2] * across, m.box[3] * down) for m in marks]
    for mark, box in zip(marks, boxes, strict=True):
        parts.append(_rect(mark, box))
    taken: list[_Box] = []
    for mark, box in zip(marks, boxes, strict=True):
        symbol = STYLES[mark.kind].symbol
        for text in (f"{symbol} {mark.text}".strip(), symbol):
            if text and (place := _place(text, box, frame, taken)) is not None:
                parts.append(_text(text, place))
                break
    for area in areas:
        if area.labelled and area.mask.mean() >= LEAST:
            x, y = inside(area.mask)
            x, y = x * width / area.mask.shape[1], y * height / area.mask.shape[0]
            length = _LETTER * FONT * len(area.name)
            centred = (min(max(x - length / 2, 1.0), max(width - length - 1, 1.0)), y, length, 0.0)
            if (place := _place(area.name, centred, frame, taken)) is not None:
                parts.append(_text(area.name, place, "area"))
    return "".join((*parts, "</svg>"))


def style_sample(kind: Kind) -> str:
    """A short line as a kind of mark is drawn, for legends."""
    style = STYLES[kind]
    return (
        '<svg class="swatch" width="30" height="10" aria-hidden="true">'
        f'<path d="M2 5H28" stroke="currentColor" stroke-width="{style.width}" stroke-linecap="round"{_dashes(style)}/></svg>'
    )


def _rect(mark: Mark, box: _Box) -> str:
    style = STYLES[mark.kind]
    x, y, width, height = (f"{value:.1f}" for value in box)
    place = f'x="{x}" y="{y}" width="{width}" height="{height}"{_dashes(style)}'
    # A dark line under the coloured one: seen on every ground.
    return (
        f'<rect class="under" {place} stroke-width="{style.width + 1.6:g}"/>'
        f'<rect class="{mark.kind}" {place} stroke-width="{style.width:g}" stroke="{mark.colour}"/>'
    )


def _dashes(style: Style) -> str:
    return f' stroke-dasharray="{style.dashes}"' if style.dashes else ""


def _text(text: str, place: tuple[float, float], kind: str = "name") -> str:
    x, y = place
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _place(text: str, box: _Box, frame: tuple[int, int], taken: list[_Box]) -> tuple[float, float] | None:
    """Where a text starts (its base line): above the box, in it at the top, in it at the bottom, below it; None where all is taken."""
    x, y, _, height = box
    length = _LETTER * FONT * len(text)
    left = min(max(x + 1, 1.0), max(frame[1] - length - 1, 1.0))
    for base in (y - 2.5, y + FONT, y + height - 2.5, y + height + FONT):
        wanted = (left, base - 0.85 * FONT, length, 1.05 * FONT)
        fits = wanted[1] >= 0 and wanted[1] + wanted[3] <= frame[0]
        if fits and not any(_overlap(wanted, other) for other in taken):
            taken.append(wanted)
            return left, base
    return None


def _overlap(first: _Box, second: _Box) -> bool:
    return all(
        first[axis] < second[axis] + second[axis + 2] and second[axis] < first[axis] + first[axis + 2] for axis in (0, 1)
    )
