"""A trace as a person reads it on a terminal, or as JSON."""

from __future__ import annotations

import json
import sys

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from semsr.stages.trace import Trace
from semsr.stages.tracing.link import SAID, Link, State

SIGNS: dict[State, tuple[str, str]] = {
    "checked": ("✓", "green"),
    "recorded": ("·", "dim"),
    "moved-on": ("≠", "yellow"),
    "broken": ("✗", "bold red"),
    "here": (" ", ""),
}
WIDE = 200
"""Columns where the text goes into a file or another program."""


def render(trace: Trace, *, as_json: bool = False) -> str:
    """The chain as a tree, with colours where stdout is a terminal; or as JSON."""
    if as_json:
        # Not a number and infinity are no JSON: PSNR of identical pictures is infinite.
        return json.dumps(_finite(trace.plain()), indent=1, ensure_ascii=False, allow_nan=False, default=str)
    tree = Tree(Text(trace.address, "bold"))
    seen: set[tuple[str, str]] = set()
    for link in trace.links:
        _grow(tree, link, seen)
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False, soft_wrap=not sys.stdout.isatty())
    with console.capture() as captured:
        console.print(tree)
        legend = "   ".join(f"{sign} {SAID[state]}" for state, (sign, _) in SIGNS.items() if sign.strip())
        console.print(Text(legend, "dim"))
        for line in _end(trace):
            console.print(line)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


def _grow(tree: Tree, link: Link, seen: set[tuple[str, str]]) -> None:
    """Add a link; what stands below it is shown where it comes first (three seeds that started from one training)."""
    sign, style = SIGNS[link.state]
    text = Text.assemble((f"{sign} ", style), (link.what, "bold"), f"  {link.text}")
    if link.why:
        text.append(f"\n  {link.why}", style)
    if len(link.below) > 1 and (link.what, link.text) in seen:
        tree.add(text.append("  (see above)", "dim"))
        return
    seen.add((link.what, link.text))
    branch = tree.add(text)
    for below in link.below:
        _grow(branch, below, seen)


def _end(trace: Trace) -> list[Text]:
    broken = trace.broken
    if not broken:
        return [Text("The chain holds.", "bold green")]
    head = f"The chain is broken at {len(broken)} {'place' if len(broken) == 1 else 'places'}:"
    return [Text(head, "bold red"), *(Text(f"  {link.what}: {link.why or link.text}") for link in broken)]


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value
