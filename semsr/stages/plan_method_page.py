"""The plan of a method as a person reads it on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from semsr.assets.sizes import show_bytes
from semsr.stages.plan_method import MethodPlan, TrainingPlan, VariantPlan
from semsr.stages.plan_page import WIDE, describe_asset

Group = tuple[TrainingPlan, ...]
"""The same training with several seeds."""
Told = Group | tuple[tuple[str, ...], ...]
"""What one variant's lines have said: trainings, or ways to get weights."""

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
    told: dict[Told, str] = {}
    for variant in plan.variants:
        table.add_row(Text(variant.id, style="bold"), _variant(variant, told))
    yield Padding(table, (0, 0, 0, 2))
    if plan.files:
        yield Text("files", style="bold")
    for file in plan.files:
        users = _users(plan, file.id)
        text = Text(f"{file.id}  ", style="dim").append_text(describe_asset(file))
        if file.state != "here" and file.own_copy is None:
            text.append(f"\nby hand: {file.manual.rstrip('.')}; or put the file at {file.place}", style="yellow")
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


def _users(plan: MethodPlan, file: str) -> str:
    users = [variant.id for variant in plan.variants if file in _ids(variant)]
    others = [variant.id for variant in plan.variants if variant.id not in users]
    if len(users) > 2 and len(others) < len(users):
        return f"all but {', '.join(others)}" if others else "all"
    return ", ".join(users)


def _variant(variant: VariantPlan, told: dict[Told, str]) -> Text:
    """What it needs; weights and trainings that another variant has, too, are told there. `told` gets what is told here."""
    text = Text.assemble(f"{variant.label}; {variant.trust}; ", (variant.standing, _STYLE[variant.standing]))
    if variant.absent:
        about = "about " if variant.roughly else ""
        known = f", {about}{show_bytes(variant.to_come)}" if variant.to_come else ""
        more = f" and {len(variant.unknown)} of unknown size" if variant.unknown else ""
        text.append(f": {len(variant.absent)} file{'s' if len(variant.absent) > 1 else ''} not here{known}{more}")
    first = told.setdefault(variant.alternatives, variant.id)
    if variant.alternatives and first != variant.id:
        text.append(f"\nweights: as {first}", style="dim")
    else:
        for number, way in enumerate(variant.alternatives, 1):
            text.append(f"\n{'weights' if len(variant.alternatives) == 1 else f'way {number}'}: {', '.join(way)}", style="dim")
    for group in _groups(variant.trainings):
        first = told.setdefault(group, variant.id)
        text.append(f"\ntraining {_names(group)}: as for {first}" if first != variant.id else f"\n{_training(group)}")
    return text


def _groups(trainings: Sequence[TrainingPlan]) -> list[Group]:
    """The seeds of one recipe together, where they differ in nothing but the seed."""
    found: dict[str, list[TrainingPlan]] = {}
    for training in trainings:
        found.setdefault(training.name.partition("@")[0], []).append(training)
    groups: list[Group] = []
    for each in found.values():
        first = each[0]
        alike = all(replace(other, name=first.name, before=first.before) == first for other in each)
        groups += [tuple(each)] if alike and (_common(each) or _own(each)) else [(training,) for training in each]
    return groups


def _common(group: Sequence[TrainingPlan]) -> bool:
    """Whether all come after the very same trainings."""
    return all(training.before == group[0].before for training in group)


def _own(group: Sequence[TrainingPlan]) -> bool:
    """Whether each comes after trainings of its own seed."""
    seeds = [training.name.partition("@")[2] for training in group]
    recipes = [[name.partition("@")[0] for name in training.before] for training in group]
    return all(
        all(name.endswith(f"@{seed}") for name in training.before) and each == recipes[0]
        for training, seed, each in zip(group, seeds, recipes, strict=True)
    )


def _names(group: Group) -> str:
    first, *others = (training.name for training in group)
    return ", ".join([first, *(f"@{name.partition('@')[2]}" for name in others)])


def _training(group: Group) -> str:
    training = group[0]
    state = "trained" if training.finished else "to be trained"
    data = f"on {training.dataset} ({'prepared' if training.prepared else 'not prepared'})"
    before = f", after {', '.join(training.before)}" if training.before else ""
    if training.before and not _common(group):
        before = f", each after {', '.join(name.partition('@')[0] for name in training.before)} of its seed"
    files = f", with {', '.join(training.files)}" if training.files else ""
    return f"training {_names(group)}: {state} {data}{before}{files}"
