"""What decides a cell's pixels, and what is written down of how they were made."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import semsr
from semsr.fingerprint import fingerprint
from semsr.machine import note_machine
from semsr.preparation.manifest import Prepared
from semsr.project import Project
from semsr.restoration.runner import Task
from semsr.restoration.weights import WeightsRecord
from semsr.stages.commit import git_commit

NOT_CODE = {"method.yaml", "segmenter.yaml", "assets.yaml", "recipes.yaml", "training", "__pycache__"}
"""What in a method's folder decides no pixel by its bytes: what the cards decide (options, weights, command) counts by itself, and
the networks below `training/` have made the weights before."""


def devices(wanted: str) -> tuple[str, ...]:
    """The devices that what is finished may have been made on; `wanted` is the profile's."""
    return ("cpu", "cuda") if wanted == "auto" else (wanted,)


def method_code(folder: Path) -> list[Path]:
    """Files and folders of a method whose bytes may decide what it gives, sorted."""
    return sorted(
        path for path in folder.iterdir() if path.suffix != ".md" and path.name not in NOT_CODE and path.name[0] != "."
    )


def task_fingerprint(project: Project, task: Task, prepared: Prepared, weights: WeightsRecord, settings: dict[str, Any]) -> str:
    """The hash of everything that decides a cell's pixels."""
    package = Path(semsr.__file__).parent
    facts: dict[str, Any] = {
        "method": task.card.id,
        "runner": task.card.runner,
        "entry": task.card.entry,
        "command": task.card.command.model_dump() if task.card.command else None,
        "options": task.options,
        "weights": [entry["sha256"] for entry in weights],
        "dataset": prepared.sha256,
        "scale": task.scale,
        **settings,
    }
    if task.card.outputs is not None:
        from semsr.restoration.outputs import outputs_hash

        facts["outputs"] = outputs_hash(task)
    # Of imaging its own modules: how LR was degraded is in the data, not in what is made of them.
    code = [*method_code(task.folder), package / "restoration", *sorted((package / "imaging").glob("*.py"))]
    return fingerprint(project, code, **facts)


def cell_record(
    project: Project, prepared: Prepared, task: Task, weights: WeightsRecord, mark: str, facts: dict[str, Any]
) -> dict[str, Any]:
    """What `run.json` says of a finished cell."""
    row = task.row
    return {
        "method": task.card.id,
        "variant": task.variant,
        "label": row.label,
        "trust": row.trust,
        "runner": task.card.runner,
        "options": task.options,
        "weights": weights,
        "dataset": task.dataset,
        "manifest_sha256": prepared.sha256,
        "images": len(task.lr),
        "scale": task.scale,
        "seed": task.seed,
        "device": task.device,
        **facts,
        "passport": note_machine(project),
        "packages": {name: importlib.metadata.version(name) for name in ("torch", "spandrel", "numpy", "pillow")},
        "fingerprint": mark,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "semsr": semsr.__version__,
        "commit": git_commit(project.root),
    }
