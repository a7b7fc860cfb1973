"""Reads what trainings left on disk: `train.json`, the two logs, sample pictures. Nothing here fails; what is wrong is said in words."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from semsr.cards import Recipe
from semsr.project import TRAINED, Project

_FOLDER = re.compile(r"(?P<variant>[^@]+)@(?P<seed>\d+)")
_STEP = re.compile(r"step-(\d+)")
_NO_LOSS = re.compile(r"^(epoch|rate|lr|skipped)|second|time|memory|rate$")
"""Columns of `log.csv` that are no losses."""


@dataclass(frozen=True)
class Curve:
    """Columns of numbers over steps, as a log holds them.

    Attributes:
        steps: in the file's order.
        columns: as many values each; NaN where the log has none.
    """

    steps: tuple[int, ...] = ()
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def first(self, column: str) -> float:
        """The first value that is a number, else NaN."""
        return next((value for value in self.columns.get(column, ()) if not math.isnan(value)), math.nan)

    def last(self, column: str) -> float:
        """The last value that is a number, else NaN."""
        return next((value for value in reversed(self.columns.get(column, ())) if not math.isnan(value)), math.nan)


@dataclass(frozen=True)
class Training:
    """One variant trained with one seed.

    Attributes:
        method, dataset, variant, seed: which; `dataset` is what it was trained on.
        folder: results/<profile>/trained/<method>/<dataset>/<variant>@<seed>.
        record: `train.json`; empty where the training has not ended.
        log: losses.
        validation: means of the validation's columns.
        problems: what can't be read, a line each.
    """

    method: str
    dataset: str
    variant: str
    seed: int
    folder: Path
    record: Mapping[str, Any]
    log: Curve
    validation: Curve
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it: `sed/rrdb-p@1`."""
        return f"{self.method}/{self.variant}@{self.seed}"

    @property
    def label(self) -> str:
        """The row's label in tables, else the variant's name."""
        return str(self.record.get("label") or self.variant)

    @property
    def ended(self) -> bool:
        """Whether it went through to the end: `train.json` is written last."""
        return bool(self.record)

    @property
    def steps(self) -> int | None:
        """Steps done: of the record, else the last that was logged."""
        found = self.record.get("steps")
        return int(found) if isinstance(found, int | float) else self.log.steps[-1] if self.log.steps else None

    @property
    def seconds(self) -> float | None:
        """Seconds that it took, where the record says so."""
        found = self.record.get("seconds")
        return float(found) if isinstance(found, int | float) else None

    @property
    def losses(self) -> list[str]:
        """The columns of the log that are losses or what a discriminator says."""
        return [name for name in self.log.columns if not _NO_LOSS.search(name) and not name.startswith("norm_")]

    @property
    def norms(self) -> list[str]:
        """The columns of the log that are norms of gradients."""
        return [name for name in self.log.columns if name.startswith("norm_")]

    @cached_property
    def recipe(self) -> Recipe | None:
        """How it was trained, by its record; None where there is none or it is of another version."""
        try:
            return Recipe.model_validate(self.record["recipe"])
        except (KeyError, ValidationError):
            return None

    @cached_property
    def samples(self) -> dict[int, dict[str, Path]]:
        """Sample pictures: step -> picture's name -> file, both sorted."""
        found: dict[int, dict[str, Path]] = {}
        for folder in sorted((self.folder / "samples").glob("step-*")):
            step = _STEP.fullmatch(folder.name)
            pictures = {path.stem: path for path in sorted(folder.glob("*.png")) if path.name[0] != "."}
            if step and pictures:
                found[int(step[1])] = pictures
        return dict(sorted(found.items()))


def read_trainings(project: Project, profile: str) -> list[Training]:
    """All trainings of a profile, by method, data set, variant (in the card's order) and seed; those that are still at work too.

    Raises:
        CardError: a method's card is wrong.
    """
    found = []
    for folder in sorted((project.results(profile) / "trained").glob("*/*/*@*")):
        named = _FOLDER.fullmatch(folder.name)
        if named and folder.is_dir():
            found.append(_read(project, folder, named["variant"], int(named["seed"])))

    def place(training: Training) -> tuple[str, str, int, str, int]:
        card = project.methods.get(training.method)
        known = list(card.variants) if card is not None else []
        row = known.index(training.variant) if training.variant in known else len(known)
        return training.method, training.dataset, row, training.variant, training.seed

    return sorted(found, key=place)


def read_curve(path: Path) -> Curve:
    """Read a log with a column `step`; other columns that hold numbers are kept. A row that was written again counts as it was last.

    Raises:
        ValueError: not such a log.
        OSError: it can't be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names = list(reader.fieldnames or ())
        if "step" not in names:
            raise ValueError(f"no column 'step'; found: {', '.join(names) or 'nothing'}")
        # A line that is being written, or that a killed process left, lacks columns.
        rows = {int(row["step"]): row for row in reader if row["step"] and None not in row.values()}
    columns = {}
    for name in names:
        values = tuple(_number(row[name]) for row in rows.values())
        if name != "step" and not all(math.isnan(value) for value in values):
            columns[name] = values
    return Curve(tuple(rows), columns)


def _read(project: Project, folder: Path, variant: str, seed: int) -> Training:
    problems: list[str] = []
    record: Mapping[str, Any] = {}
    path = folder / TRAINED
    try:
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError(f"expected an object, found {type(found).__name__}")
        record = found
    except FileNotFoundError:
        problems.append(f"{project.show(path)}: not there: the training has not ended")
    except (OSError, ValueError) as error:
        problems.append(f"{project.show(path)}: can't be read ({error})")
    curves: dict[str, Curve] = {}
    for name in ("log.csv", "validation.csv"):
        curve = Curve()
        try:
            curve = read_curve(folder / name)
        except FileNotFoundError:
            if name == "log.csv":
                problems.append(f"{project.show(folder / name)}: not there: no curves")
        except (OSError, ValueError, csv.Error) as error:
            problems.append(f"{project.show(folder / name)}: can't be read ({error})")
        curves[name] = curve
    dataset, method = folder.parent.name, folder.parent.parent.name
    return Training(
        method, dataset, variant, seed, folder, record, curves["log.csv"], curves["validation.csv"], tuple(problems)
    )


def _number(text: str | None) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan
