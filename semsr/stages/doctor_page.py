"""What `semsr doctor` found, for a terminal or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from semsr.assets.sizes import show_bytes
from semsr.stages.doctor import Diagnosis
from semsr.stages.doctor_check import Check, Standing
from semsr.stages.doctor_places import ProfileStanding

_STYLE: dict[Standing, str] = {"ok": "green", "deviates": "bold red", "not available": "dim", "not stored": "yellow"}


def render(diagnosis: Diagnosis, console: Console) -> None:
    """Print it; lines may be longer than the terminal is wide, which wraps them, but the table keeps its digits."""
    console.width = max(console.width, 160)
    console.print(Group(*_parts(diagnosis)), soft_wrap=True)


def render_json(diagnosis: Diagnosis) -> str:
    """The same as JSON; numbers that JSON does not have are texts ("inf", "nan")."""

    def plain(value: Any) -> Any:
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    checks = [{name: plain(value) for name, value in vars(check).items()} for check in diagnosis.checks]
    around = vars(diagnosis.surroundings) | {"profiles": [vars(profile) for profile in diagnosis.surroundings.profiles]}
    told = {
        "passport": diagnosis.passport.id, "file": diagnosis.file, "device": diagnosis.device, "sound": diagnosis.sound,
        "facts": diagnosis.passport.facts, "checks": checks, "surroundings": around,
    }  # fmt: skip
    return json.dumps(told, indent=2, ensure_ascii=False)


def _parts(diagnosis: Diagnosis) -> Iterable[RenderableType]:
    yield Text(f"Machine {diagnosis.passport.id} ({diagnosis.file})", style="bold")
    yield from (Text(f"  {line}") for line in _machine(diagnosis.passport.facts, diagnosis.device))
    compared = [check for check in diagnosis.checks if check.standing in ("ok", "deviates")]
    if compared:
        yield _table(compared)
    others = [check for check in diagnosis.checks if check not in compared]
    if others:
        yield Text("Without a verdict:", style="bold")
        yield from (Text(f"  {line}", style="dim") for line in _grouped(others))
    yield Text("Here:", style="bold")
    around = diagnosis.surroundings
    yield Text(f"  project {around.project}: {show_bytes(around.project_free)} free")
    yield Text(f"  store of files from outside {around.store}: {show_bytes(around.store_free)} free")
    yield Text(f"  browser for tests of pages: {around.browser or 'none found (chromium); they are skipped'}")
    yield from (Text(f"  profile {profile.id}: {_profile(profile)}") for profile in around.profiles)
    yield _verdict(diagnosis, compared)


def _machine(facts: Any, device: str) -> Iterable[str]:
    system, processor, torch = facts["system"], facts["processor"], facts["torch"]
    yield f"{system['name']}, {system['libc'] or system['kernel']}, {facts['python']}"
    yield f"{processor['model']}, {processor['architecture']}, {processor['cores']} cores, torch uses {torch['instructions']}"
    gpus = ", ".join(torch["gpus"]) or "no graphics card that torch finds"
    driver = f", driver {torch['driver']}, CUDA {torch['cuda']}, cuDNN {torch['cudnn']}" if torch["gpus"] else ""
    yield f"{gpus}{driver}; canaries were computed on {'the graphics card' if device == 'cuda' else 'the processor'}"
    yield ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    blas = facts["blas"]
    yield f"BLAS: {blas.get('name', 'not known')} {blas.get('version', '')}".rstrip()
    yield "variables: " + (", ".join(f"{name}={value}" for name, value in facts["variables"].items()) or "none")


def _table(checks: Iterable[Check]) -> Table:
    table = Table(title="Canaries against stored values", title_justify="left")
    for column, right in (("what", False), ("values", True), ("largest deviation at", False), ("here", True), ("stored", True),
                          ("deviation", True), ("allowed", True), ("verdict", False)):  # fmt: skip
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for check in checks:
        at = check.picture if check.deviation else "nowhere"
        cells = (
            check.name,
            str(check.count),
            at,
            _number(check.value),
            _number(check.stored),
            _number(check.deviation, "{:.1e}"),
        )
        verdict = Text(check.standing + (f": {check.why}" if check.why else ""), style=_STYLE[check.standing])
        table.add_row(*cells, _number(check.tolerance, "{:g}"), verdict)
    return table


def _number(value: float | None, form: str = "{:.6g}") -> str:
    if value is None or math.isnan(value):
        return "none"
    return ("∞" if value > 0 else "-∞") if math.isinf(value) else "0" if value == 0 else form.format(value)


def _grouped(checks: Iterable[Check]) -> Iterable[str]:
    """A line for each reason, with all that it holds for."""
    reasons: dict[tuple[Standing, str], list[str]] = {}
    for check in checks:
        reasons.setdefault((check.standing, check.why), []).append(check.name)
    for (standing, why), names in reasons.items():
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        yield f"{shown}: {standing}, {why}"


def _profile(profile: ProfileStanding) -> str:
    if profile.problem:
        return profile.problem
    if not profile.absent:
        return f"all {profile.rows} rows with published weights can be restored"
    sizes = [show_bytes(profile.to_come)] if profile.to_come else []
    size = " and ".join([*sizes, f"{profile.unknown} of unknown size"] if profile.unknown else sizes)
    names = ", ".join(profile.absent[:4]) + (" and others" if len(profile.absent) > 4 else "")
    files = f"{len(profile.absent)} file{'s' if len(profile.absent) > 1 else ''} to come ({size})"
    return f"{profile.ready} of {profile.rows} rows with published weights; {files}: {names}"


def _verdict(diagnosis: Diagnosis, compared: list[Check]) -> Text:
    if diagnosis.written:
        return Text(f"Stored what {len(compared)} metrics and methods give here.", style="bold")
    if not compared:
        return Text("Nothing could be compared.", style="yellow")
    off = [check.name for check in compared if check.standing == "deviates"]
    if off:
        return Text(f"{len(off)} of {len(compared)} deviate: {', '.join(off)}.", style="bold red")
    return Text(f"All {len(compared)} metrics and methods that could be compared give the stored values.", style="bold green")
