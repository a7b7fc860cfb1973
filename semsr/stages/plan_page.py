"""A plan as a person reads it on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from semsr.assets.sizes import show_bytes, show_size
from semsr.stages.estimates import Need
from semsr.stages.plan import AssetPlan, DiskPlan, Plan

WIDE = 160
"""Columns where the text goes into a file or another program."""
_COMPARABLE = {
    "same-inputs": "same inputs: identical files for everybody",
    "regenerated": "re-generated: our own draw of a recipe, not the inputs of published numbers",
}
_STATES = {
    "here": "is here",
    "in part": "is here in part",
    "absent": "to be downloaded",
    "wrong size": "has the wrong size, fetched anew",
}


def render(plan: Plan, *, as_json: bool = False) -> str:
    """The plan as text, with colours where stdout is a terminal; or as JSON."""
    if as_json:
        return json.dumps(asdict(plan), indent=1)
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    with console.capture() as captured:
        for line in _lines(plan):
            console.print(line)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


def _lines(plan: Plan) -> Iterator[RenderableType]:
    yield Text.assemble((plan.id, "bold"), f"  {plan.title}")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("licence", Text(plan.licence))
    count = f"not known: {plan.pictures_unknown}" if plan.pictures is None else str(plan.pictures)
    table.add_row("pictures", Text(f"{count} ({'for testing' if plan.split == 'test' else 'for training'})"))
    table.add_row("comparable", Text(_COMPARABLE[plan.comparable]))
    table.add_row("source", Text(_source(plan)))
    table.add_row("prepared", Text("yes, in data/" + plan.id if plan.prepared else "not yet"))
    for asset in plan.assets:
        table.add_row("file", describe_asset(asset))
    for steps in _alike(plan.needs):
        first, bound = steps[0], "at most " if steps[0].at_most else ""
        size = None if first.size is None else sum(step.size or 0 for step in steps)
        subject = first.subject if len(steps) == 1 else f"{len(steps)} files"
        table.add_row(first.what, Text(f"{bound}{show_bytes(size)}  {subject}: {first.how}"))
    if plan.by_hand:
        table.add_row("by hand", Text(plan.by_hand, style="yellow"))
    yield Padding(table, (0, 0, 0, 2))
    for part in plan.parts:
        yield Text(f"part of {plan.id}:", style="dim")
        yield Padding(Group(*_lines(part)), (0, 0, 0, 2))
    for disk in plan.disks:
        yield _disk(disk)


def _source(plan: Plan) -> str:
    if plan.copy is None or plan.copied is None:
        return plan.source
    return f"your copy in {plan.copy}: {plan.copied[0]} files, {show_bytes(plan.copied[1])}"


def _alike(needs: Sequence[Need]) -> Iterable[list[Need]]:
    """Steps of one kind that are known in one way, together."""
    groups: dict[tuple[str, str, bool], list[Need]] = {}
    for need in needs:
        groups.setdefault((need.what, need.how, need.size is None), []).append(need)
    return sorted(groups.values(), key=lambda steps: ("download", "unpack", "prepare").index(steps[0].what))


def describe_asset(asset: AssetPlan) -> Text:
    """A file: size, state, what it is checked by, licence, mirrors."""
    inside = "" if asset.files is None or asset.files == 1 else f", {asset.files} files"
    arrived = f" ({show_bytes(asset.arrived)})" if asset.state == "in part" else ""
    text = Text.assemble(
        (asset.file, "bold"),
        f"  {show_size(asset.size, asset.about)}{inside}; {_STATES[asset.state]}{arrived}; checked by {asset.checked_by}",
    )
    if asset.own_copy and asset.state != "here":
        text.append(f"; your own copy is {asset.own_copy}")
    text.append(f"\n{asset.title}; licence: {asset.licence}")
    for number, mirror in enumerate(asset.mirrors, 1):
        text.append(f"\n{number}. {mirror}")
    if asset.whole_packages and asset.state != "here":
        text.append("\n(the package is downloaded whole, which is more)")
    return text


def _disk(disk: DiskPlan) -> Text:
    style, verdict = ("green", "enough") if disk.enough else ("bold red", "NOT ENOUGH")
    unknown = f", and what is not known: {', '.join(disk.not_known)}" if disk.not_known else ""
    return Text.assemble(
        f"disk of {disk.folder}: {show_bytes(disk.needed)} needed{unknown}; {show_bytes(disk.free)} free: ", (verdict, style)
    )
