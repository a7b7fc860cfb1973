"""The LR canary through every method that is quick and whose weights are here, against the pictures stored of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from semsr.assets.sizes import show_bytes
from semsr.assets.store import Store
from semsr.cards import MethodCard
from semsr.cards.method import Variant
from semsr.errors import MissingAssetsError, SemsrError
from semsr.imaging.pictures import Rgb
from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.restoration.runner import Task
from semsr.restoration.weights import WeightsFiles, get_weights
from semsr.stages.doctor_canaries import lr_canary
from semsr.stages.doctor_check import Check
from semsr.stages.doctor_metrics import here
from semsr.stages.doctor_stored import AGAIN, Maker, StoredPicture

QUICK = 200_000_000
"""Bytes of weights up to which a method is tried: such networks restore the canary within seconds on a CPU."""
TOLERANCE = 1.0
"""Grey levels: where two machines round the same value differently, a pixel may be the next one."""


@dataclass(frozen=True)
class RestoredCanary:
    """What one row made of the LR canary here; `picture` is None where it was not tried, and `why` says so."""

    method: str
    variant: str
    picture: Rgb | None
    weights: str = ""
    why: str = ""

    @property
    def row(self) -> str:
        """As stored pictures call it."""
        return f"{self.method}/{self.variant}"


def restore(project: Project, device: str, threads: int | None) -> Iterator[RestoredCanary]:
    """Restore the LR canary with every row that has published weights, or none, in this process; what stands in the way is said."""
    store = Store()
    for method, card in project.methods.items():
        for variant in card.rows:
            if why := _not_tried(project, store, card, card.variants[variant]):
                yield RestoredCanary(method, variant, None, why=why)
                continue
            try:
                weights = get_weights(project, _of_what_is_here(project, store, card.variants[variant]), store)
                picture = _restore(project, card, variant, weights, device, threads)
            except SemsrError as error:
                yield RestoredCanary(method, variant, None, why=str(error))
                continue
            yield RestoredCanary(method, variant, picture, "+".join(entry["sha256"] for entry in weights.record))


def _not_tried(project: Project, store: Store, card: MethodCard, row: Variant) -> str:
    """Why a row is not tried; empty where it is."""
    if card.runner != "python":
        return (
            "its pictures are made elsewhere"
            if card.runner == "outputs"
            else "another program restores; `semsr check` tries it"
        )
    if row.training is not None:
        return "trained here, so that there is nothing to compare with"
    if not row.weights:
        return ""
    try:
        chosen = _of_what_is_here(project, store, row).weights[0]
    except MissingAssetsError as error:
        return str(error)
    size = sum(store.path(project.asset(name)).stat().st_size for name in chosen.split("+"))
    return f"{show_bytes(size)} of weights are no quick look; `semsr check {card.id}` tries it" if size > QUICK else ""


def _of_what_is_here(project: Project, store: Store, row: Variant) -> Variant:
    """The row with the first alternative of its weights alone that the store has. Raises: MissingAssetsError: it has none."""
    problem: MissingAssetsError | None = None
    for alternative in row.weights:
        try:
            for name in alternative.split("+"):
                here(project, store, name)
        except MissingAssetsError as error:
            problem = problem or error
            continue
        return row.model_copy(update={"weights": (alternative,)})
    if problem is not None:
        raise problem
    return row


def _restore(project: Project, card: MethodCard, variant: str, weights: WeightsFiles, device: str, threads: int | None) -> Rgb:
    from semsr.restoration.python import PythonRunner

    assert card.entry is not None
    with TemporaryDirectory(prefix="semsr-doctor-") as folder:
        task = Task(
            card=card,
            variant=variant,
            folder=project.folders("method")[card.id],
            lr={},
            scale=card.scale or 4,
            root=project.root,
            cell=Path(folder),
            weights=weights.files,
            threads=threads,
            device="cuda" if device == "cuda" else "cpu",
            make=load_plugin(project, "method", card.id, card.entry),
        )
        return PythonRunner(task).restore(["canary"], [lr_canary()])[0]


def compare(restored: RestoredCanary, stored: StoredPicture | None, hardware: str) -> Check:
    """Hold what a row made here against what is stored of it, pixel by pixel, in grey levels."""
    check = Check("method", restored.row, restored.row, restored.method, "not available", restored.why)
    if restored.picture is None:
        return check
    if stored is None or stored.maker.weights != restored.weights or stored.picture.shape != restored.picture.shape:
        why = f"no picture is stored for it; {AGAIN}"
        if stored is not None:
            of = "with other weights" if stored.maker.weights != restored.weights else "of another canary"
            why = f"the stored picture was made {of}; {AGAIN}"
        return replace(check, standing="not stored", why=why)
    off = np.abs(restored.picture.astype(int) - stored.picture.astype(int))
    y, x, channel = (int(at) for at in np.unravel_index(int(off.argmax()), off.shape))
    largest, beyond = float(off.max()), int((off > TOLERANCE).sum())
    return replace(
        check,
        standing="deviates" if beyond else "ok",
        why=f"{beyond} of {off.size} values are off by more than {TOLERANCE:g} grey level" if beyond else "",
        picture=f"pixel {x},{y}",
        value=float(restored.picture[y, x, channel]),
        stored=float(stored.picture[y, x, channel]),
        deviation=largest,
        tolerance=TOLERANCE,
        count=off.size,
        elsewhere=stored.maker.hardware != hardware,
    )


def to_store(restored: RestoredCanary, passport: str, hardware: str) -> StoredPicture:
    """What is written down of one row."""
    assert restored.picture is not None
    return StoredPicture(Maker(passport, hardware, restored.weights), restored.picture)
