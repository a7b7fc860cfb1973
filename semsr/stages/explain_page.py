"""What was found about published values, as a person reads it on a terminal, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from semsr.reproduction.forensics.explanation import Alternative, Explanation
from semsr.stages.explain import Explained

WIDE = 140
SHOWN = 12
"""Alternatives of one value on a page; JSON has them all."""


def render(found: Sequence[Explained], *, as_json: bool = False, everything: bool = False) -> str:
    """One value after the other: what explains it, and the alternatives with the size of each effect.

    Args:
        found: the values.
        as_json: with all alternatives, unrounded.
        everything: show all alternatives.
    """
    if as_json:
        return json.dumps([_plain(each) for each in found], indent=1, ensure_ascii=False)
    return _captured(line for each in found for line in _lines(each, None if everything else SHOWN))


def summary(found: Sequence[Explained], written: str) -> str:
    """One line a value: what explains it, or that nothing does."""
    lines = [f"{each.where}: {conclusion(each.explanation) if each.explanation else each.why}" for each in found]
    lines = lines or ["no published value is to be explained: those that may be compared are reproduced, or nothing was run"]
    return "\n".join([*lines, f"written: {written}"])


def conclusion(found: Explanation) -> str:
    """What is found, in one sentence without a full stop."""
    digits = len(found.published.partition(".")[2]) + 1
    published = f"published {found.published}, ours {found.ours:.{digits}f}"
    if abs(float(found.published) - found.ours) <= found.tolerance:
        return f"{published}: reproduced as it is (allowed {found.tolerance:.2g}), nothing is to be explained"
    tried = f"{found.tried} other ways of measuring were tried"
    if found.best is None:
        return f"{published}: NOTHING explains it; {tried}, the nearest leaves {_nearest(found):+.{digits}f}"
    best = found.best
    text = f"{published}: {best.says} gives {best.value:.{digits}f}"
    if best.joint:
        text += f", and explains {', '.join(best.joint)}, too"
    return f"{text}; {tried}, one of which would meet a value that far off by chance in {found.chance:.0%} of cases"


def _nearest(found: Explanation) -> float:
    return min((each.left for each in found.alternatives), key=abs, default=float(found.published) - found.ours)


def _lines(each: Explained, most: int | None) -> Iterator[RenderableType]:
    yield Text(each.where, style="bold")
    found = each.explanation
    if found is None:
        yield Text(f"  not explained: {each.why}", style="yellow")
        return
    yield Text(f"  {conclusion(found)}.", style="green" if found.best else "")
    yield _table(found, each.unit, most)
    if most is not None and found.tried > most:
        yield Text(f"  ... and {found.tried - most} more (--everything)", style="dim")
    for line in found.untried:
        yield Text(f"  not tried: {line}", style="dim")


def _table(found: Explanation, unit: str, most: int | None) -> Table:
    digits = len(found.published.partition(".")[2]) + 2
    units = f" [{unit}]" if unit else ""
    table = Table()
    # `Text`, not strings: brackets in a card's words are no markup.
    table.add_column("measured with", overflow="fold", ratio=1)
    for title in (f"value{units}", "effect", "left"):
        table.add_column(Text(title), justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for way in found.alternatives[:most]:
        says = Text(way.says) if most is not None else Text.assemble(way.says, "\n", (way.id, "dim"))
        numbers = (f"{way.value:.{digits}f}", f"{way.effect:+.{digits}f}", f"{way.left:+.{digits}f}")
        table.add_row(says, *numbers, Text(_remark(way, found)), style="green" if way.explains else "")
    return table


def _remark(way: Alternative, found: Explanation) -> str:
    if way.explains:
        return f"explains it{', with ' + ', '.join(way.joint) if way.joint else ''}"
    if way.against:
        return f"fits, but {', '.join(way.against)} would no longer be reproduced"
    if abs(way.left) <= found.tolerance and 2 * abs(way.left) < abs(float(found.published) - found.ours):
        return "fits, but chance would, too"
    return ""


def _plain(each: Explained) -> dict[str, object]:
    found = each.explanation
    facts: dict[str, object] = {"where": each.where, "column": each.column, "unit": each.unit}
    if found is None:
        return facts | {"why": each.why}
    best = None if found.best is None else found.best.id
    return facts | {"tried": found.tried, "best": best, **asdict(found)}


def _captured(lines: Iterator[RenderableType]) -> str:
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    with console.capture() as captured:
        for line in lines:
            console.print(line)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())
