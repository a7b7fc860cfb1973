"""Doctor: does this machine give the numbers that others get? Canaries through every metric and quick method, against stored values."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from semsr.errors import SemsrError
from semsr.evaluation.cores import pick_device
from semsr.machine import machine_facts
from semsr.passport import Deviation, Passport, keep_passport, passport_id, read_passport
from semsr.project import Project
from semsr.stages import doctor_methods, doctor_metrics
from semsr.stages.doctor_canaries import lr_canary, sha256_of
from semsr.stages.doctor_check import Check
from semsr.stages.doctor_places import Surroundings, look_around
from semsr.stages.doctor_stored import read_methods, read_metrics, write_methods, write_metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        passport: this machine, with what its canaries gave.
        file: where that is kept, as a person writes it.
        device: "cpu" or "cuda", what the canaries were computed on.
        checks: metrics, then methods.
        surroundings: disks, store, profiles.
        written: the stored values were replaced by those found here.
    """

    passport: Passport
    file: str
    device: str
    checks: tuple[Check, ...]
    surroundings: Surroundings
    written: bool = False

    @property
    def sound(self) -> bool:
        """Nothing deviates."""
        return not any(check.standing == "deviates" for check in self.checks)


def run(project: Project, *, device: str = "auto", threads: int | None = None, write: bool = False) -> Diagnosis:
    """Examine this machine; its passport then says how far its canaries are from the stored values.

    Args:
        project: where metrics, methods and stored values are.
        device: "cpu", "cuda" or "auto" (a graphics card where there is one).
        threads: CPU threads; None: all.
        write: store what was found instead of comparing with it, in `canaries/`; what can't be computed here keeps its stored values.

    Raises:
        SemsrError: a stored file is damaged, there is no such device, or a metric broke its contract.
        StorageError: the passport or the stored values can't be written.
    """
    chosen = pick_device(device)
    facts = machine_facts()
    passport, hardware = Passport(facts), hardware_of(facts, chosen)
    stored_pictures, stored_columns = read_metrics(project)
    stored_lr, stored_rows = read_methods(project)
    pictures = doctor_metrics.check_pictures({} if write else stored_pictures)
    measured = doctor_metrics.measure(project, chosen, threads)
    restored = tuple(doctor_methods.restore(project, chosen, threads))
    if write:
        keys = {each.column.key for each in measured}
        kept = {key: column for key, column in stored_columns.items() if key in keys and stored_pictures == pictures}
        found = {
            each.column.key: doctor_metrics.to_store(each, passport.id, hardware) for each in measured if not each.unavailable
        }
        stored_columns = kept | found
        log.info("%s", project.show(write_metrics(project, pictures, stored_columns)))
        lr = sha256_of(lr_canary())
        rows = {each.row for each in restored}
        old = {row: stored for row, stored in stored_rows.items() if row in rows and stored_lr == lr}
        stored_rows = old | {
            each.row: doctor_methods.to_store(each, passport.id, hardware) for each in restored if each.picture is not None
        }
        log.info("%s", project.show(write_methods(project, lr, stored_rows)))
    checks = [doctor_metrics.compare(each, stored_columns.get(each.column.key), hardware) for each in measured]
    checks += [doctor_methods.compare(each, stored_rows.get(each.row), hardware) for each in restored]
    passport = replace(passport, canaries=_deviations(checks))
    passport = replace(passport, created=_first_seen(project, passport))
    file = project.show(keep_passport(project, passport))
    return Diagnosis(passport, file, chosen, tuple(checks), look_around(project), write)


def hardware_of(facts: Mapping[str, Any], device: str) -> str:
    """What computes here, in words: the graphics card, or the processor with the instructions that torch uses."""
    if device == "cuda":
        return str(facts["torch"]["gpus"][0])
    return f"{facts['processor']['model']} ({facts['torch']['instructions']})"


def _deviations(checks: list[Check]) -> tuple[Deviation, ...]:
    return tuple(
        Deviation(check.subject, check.key, check.deviation, check.count, check.elsewhere)
        for check in checks
        if check.kind == "metric" and check.deviation is not None
    )


def _first_seen(project: Project, passport: Passport) -> str:
    """When a passport of these facts was first written; a damaged one is written anew."""
    try:
        earlier = read_passport(project, passport_id(passport.facts))
    except SemsrError as error:
        log.warning("%s", error)
        return passport.created
    return passport.created if earlier is None else earlier.created
