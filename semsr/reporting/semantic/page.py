"""Puts the page on what judges see together: one HTML file and a folder of pictures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from markupsafe import Markup

from semsr import __version__
from semsr.reporting.semantic.marks import STYLES, Kind, style_sample
from semsr.reporting.semantic.scene import PICTURES, Scene
from semsr.reporting.templating import environment

DIGITS = 1


@dataclass(frozen=True)
class Number:
    """A value in percent with the ends of its 95 % interval; None where there is none, and `why`."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Column:
    """A column of numbers. `better`: which way; `how`: what it is, in words."""

    title: str
    better: Literal["higher", "lower"]
    how: str

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return "↑" if self.better == "higher" else "↓"


@dataclass(frozen=True)
class Row:
    """A row of numbers.

    Attributes:
        label: its name.
        what: what it is beside a restoration, such as "ceiling"; "" for those.
        numbers: one a column.
        shares: how far from floor to ceiling, one a column; None where that says nothing.
        seeds: how many seeds the numbers are a mean of.
    """

    label: str
    what: str
    numbers: tuple[Number, ...]
    shares: tuple[Number | None, ...]
    seeds: int = 1


@dataclass(frozen=True)
class ClassTable:
    """One column class by class. `values`: by class, a value a row; None: the class does not count in it."""

    column: str
    rows: tuple[str, ...]
    values: Mapping[str, tuple[float | None, ...]]


@dataclass
class Section:
    """All that the page says of one judge by one protocol.

    Attributes:
        key: its name in links.
        judge, protocol: titles.
        facts: (what, what it is) on protocol and judge.
        pictures: how many the numbers are over.
        columns, rows: the numbers; no rows: `problems` says why.
        classes: None where there are none.
        scenes: the sample pictures.
        problems: a line each.
    """

    key: str
    judge: str
    protocol: str
    facts: tuple[tuple[str, str], ...] = ()
    pictures: int = 0
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    classes: ClassTable | None = None
    scenes: list[Scene] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of marks in its scenes."""
        return tuple(kind for kind in STYLES if any(kind in scene.kinds for scene in self.scenes))

    @property
    def colours(self) -> dict[str, str]:
        """The colour of each class in its scenes, by name."""
        found = {name: colour for scene in self.scenes for name, colour in scene.classes.items()}
        return {name: found[name] for name in sorted(found)}


def render(sections: Sequence[Section], dataset: str, profile: str, *, rule: str) -> str:
    """The page as HTML; text from cards, names and errors is escaped.

    Args:
        sections: judges and protocols, in the page's order.
        dataset: the data set's id.
        profile: the profile's id.
        rule: how the sample pictures were chosen.
    """
    templates = environment()
    templates.filters.update(
        value=_value,
        src=lambda shown: quote(f"{PICTURES}/{shown.file}"),
        drawn=Markup,  # drawings of our own making, whose text was escaped when they were drawn
        sample=lambda kind: Markup(style_sample(kind)),
    )
    return templates.get_template("semantic.html").render(
        sections=sections, dataset=dataset, profile=profile, rule=rule, styles=STYLES, version=__version__
    )


def _value(found: float | None) -> str:
    if found is None:
        return "–"
    text = f"{found:.{DIGITS}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text.replace("-", "−")
