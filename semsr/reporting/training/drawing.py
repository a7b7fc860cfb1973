"""Draws small SVG figures that go into the page's HTML and take its colours, light or dark."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#a6761d")
"""Told apart by colour-blind people too, and on white and black grounds (Okabe and Ito's, but for yellow and black, and two more)."""
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.2, 1, 1.2)))
MARKERS = "os^DvP*Xphd<>"

_TEXT, _LINE = "#010203", "#040506"
"""Stand for the page's colours until the SVG is written."""


@dataclass(frozen=True)
class Line:
    """One line: its points (NaN: a gap) and how it looks, by the number of its group."""

    x: Sequence[float]
    y: Sequence[float]
    group: int


def draw_lines(lines: Sequence[Line], title: str, key: str, *, described: str) -> str:
    """Lines over steps on common axes, as inline SVG.

    Values that are not finite are left out. The vertical axis is logarithmic where all values are positive and span more than 1:50.

    Args:
        lines: what is drawn.
        title: above it.
        key: makes names inside the SVG unlike those of other figures of the page.
        described: what someone who does not see it is told.
    """
    values = [value for line in lines for value in line.y if math.isfinite(value)]
    logarithmic = bool(values) and min(values) > 0 and max(values) / min(values) > 50

    def paint(axes: Any) -> None:
        for line in lines:
            finite = [value if math.isfinite(value) else math.nan for value in line.y]
            # A single point is no line.
            marker = "o" if sum(map(math.isfinite, line.y)) < 3 else None
            axes.plot(line.x, finite, color=colour(line.group), linestyle=dash(line.group), linewidth=1.1, marker=marker, ms=3)
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xlabel("step", fontsize=8)
        axes.grid(color=_LINE, linewidth=0.5)
        if logarithmic:
            axes.set_yscale("log")
        else:
            axes.ticklabel_format(axis="y", useOffset=False)

    return _svg(paint, (4.2, 2.7), key, described)


def draw_points(points: Sequence[tuple[float, float]], groups: Sequence[int], key: str, *, described: str) -> str:
    """Points in a plane without axes, a colour and a marker for each group, as inline SVG; see `draw_lines`."""

    def paint(axes: Any) -> None:
        for group in sorted(set(groups)):
            mine = [point for point, its in zip(points, groups, strict=True) if its == group]
            axes.scatter(*zip(*mine, strict=True), s=11, c=colour(group), marker=MARKERS[group % len(MARKERS)], linewidths=0)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_aspect("equal", adjustable="datalim")
        axes.spines[:].set(visible=True, color=_LINE)

    return _svg(paint, (2.6, 2.6), key, described)


def colour(group: int) -> str:
    """The colour of a group of lines or points."""
    return COLOURS[group % len(COLOURS)]


def dash(group: int) -> Any:
    """How a group's lines are dashed: further groups of one colour are dashed otherwise."""
    return DASHES[(group // len(COLOURS)) % len(DASHES)]


def line_sample(group: int) -> str:
    """A short line as the group's are drawn, for legends."""
    pattern = dash(group)
    dashes = "" if pattern == "-" else f' stroke-dasharray="{" ".join(str(2 * length) for length in pattern[1])}"'
    return (
        '<svg class="swatch" width="26" height="8" aria-hidden="true">'
        f'<line x1="0" y1="4" x2="26" y2="4" stroke="{colour(group)}" stroke-width="2"{dashes}/></svg>'
    )


def draw_marker(group: int, key: str) -> str:
    """A group's marker alone, for legends."""

    def paint(axes: Any) -> None:
        axes.scatter([0], [0], s=40, c=colour(group), marker=MARKERS[group % len(MARKERS)], linewidths=0)
        axes.set_axis_off()

    return _svg(paint, (0.16, 0.16), key, "", bare=True)


def _svg(paint: Callable[[Any], None], size: tuple[float, float], key: str, described: str, *, bare: bool = False) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "semsr",
        "font.family": "sans-serif",
        "text.color": _TEXT,
        "axes.labelcolor": _TEXT,
        "axes.edgecolor": _TEXT,
        "xtick.color": _TEXT,
        "ytick.color": _TEXT,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.formatter.limits": (-3, 5),
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=size, layout=None if bare else "constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1)) if bare else figure.add_subplot()
        paint(axes)
        buffer = io.StringIO()
        figure.savefig(
            buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return _inline(buffer.getvalue(), key, described)


def _inline(svg: str, key: str, described: str) -> str:
    """The `<svg>` element alone, in the page's colours, with names of its own."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r"(?<=[\s;\"'])(?:font: [^;\"']*)'sans-serif'", lambda found: found[0].replace("'sans-serif'", "sans-serif"), svg
    )
    prefix = re.sub(r"[^a-zA-Z0-9]+", "-", key)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}--\1"', svg)
    svg = re.sub(r'(xlink:href="|url\()#([^")]+)', rf"\1#{prefix}--\2", svg)
    svg = svg.replace("xlink:href", "href")
    svg = svg.replace(_TEXT, "currentColor").replace(_LINE, "var(--line)")
    attributes = f'role="img" aria-label="{escape(described)}"' if described else 'aria-hidden="true"'
    return re.sub(r"<svg ", f'<svg class="figure" {attributes} ', svg, count=1)
