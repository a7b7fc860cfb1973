"""The plan of a method as a person reads it on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from semsr.assets.sizes import show_bytes
from semsr.stages.plan_method import MethodPlan, TrainingPlan, VariantPlan
from semsr.stages.plan_page import WIDE, describe_asset

_STYLE = {"ready": "green", "files missing": "yellow", "to be trained": "yellow"}


def render(plan: MethodPlan, *, as_json: bool = False) -> str:
    """The plan as text, with colours where stdout is a terminal; or as JSON."""
    if as_json:
        return json.dumps({**asdict(plan), "resources": plan.resources.model_dump()}, indent=1)
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    with console.capture() as captured:
        for line in _lines(plan):
            console.print(line)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


def _lines(plan: MethodPlan) -> Iterator[RenderableType]:
    yield Text.assemble((plan.id, "bold"), f"  {plan.title}")
    gpus = f"{plan.resources.gpus} GPU{'s' if plan.resources.gpus > 1 else ''}" if plan.resources.gpus else "no GPU needed"
    yield Text(f"  licence {plan.licence}; {gpus}, memory {plan.resources.memory}; profile {plan.profile}")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for variant in plan.variants:
        table.add_row(Text(variant.id, style="bold"), _variant(variant))
    yield Padding(table, (0, 0, 0, 2))
    if plan.files:
        yield Text("files", style="bold")
    for file in plan.files:
        users = ", ".join(variant.id for variant in plan.variants if file.id in _ids(variant))
        text = Text(f"{file.id}  ", style="dim").append_text(describe_asset(file))
        if file.state != "here" and file.own_copy is None:
            text.append(f"\nby hand: {file.manual.rstrip('.')}; or put it at {file.place}", style="yellow")
        text.append(f"\nneeded by: {users}", style="dim")
        yield Padding(text, (0, 0, 0, 2))
    unknown = f", and what is not known: {', '.join(plan.unknown)}" if plan.unknown else ""
    style, verdict = ("green", "enough") if plan.enough else ("bold red", "NOT ENOUGH")
    yield Text.assemble(
        f"disk of {plan.folder}: {show_bytes(plan.to_come)} to come, each file once{unknown}; {show_bytes(plan.free)} free: ",
        (verdict, style),
    )


def _ids(variant: VariantPlan) -> set[str]:
    return {each for way in variant.alternatives for each in way} | {
        each for training in variant.trainings for each in training.files
    }


def _variant(variant: VariantPlan) -> Text:
    text = Text.assemble(f"{variant.label}; {variant.trust}; ", (variant.standing, _STYLE[variant.standing]))
    if variant.absent:
        about = "about " if variant.roughly else ""
        known = f", {about}{show_bytes(variant.to_come)}" if variant.to_come else ""
        more = f" and what is not known ({', '.join(variant.unknown)})" if variant.unknown else ""
        text.append(f": {len(variant.absent)} file{'s' if len(variant.absent) > 1 else ''} not here{known}{more}")
    for number, way in enumerate(variant.alternatives, 1):
        text.append(f"\n{'weights' if len(variant.alternatives) == 1 else f'way {number}'}: {', '.join(way)}", style="dim")
    for training in variant.trainings:
        text.append(f"\n{_training(training)}")
    return text


def _training(training: TrainingPlan) -> str:
    state = "trained" if training.finished else "to be trained"
    data = f"on {training.dataset} ({'prepared' if training.prepared else 'not prepared'})"
    before = f", after {', '.join(training.before)}" if training.before else ""
    files = f", with {', '.join(training.files)}" if training.files else ""
    return f"training {training.name}: {state} {data}{before}{files}"
