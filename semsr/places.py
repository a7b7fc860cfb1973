"""Finds the project's folder, and says where things lie in it, as far as that takes no card."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from semsr.errors import SemsrError

ROOT_VARIABLE = "SEMSR_PROJECT"


@dataclass(frozen=True)
class Places:
    """A folder that holds `methods/`, `datasets/`, `metrics/`, `tables/` and `profiles/`."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Self:
        """The project that `start` (default: the working folder) lies in; else the one this package was installed from.

        `$SEMSR_PROJECT` overrides both; worker processes inherit it.
        Raises: SemsrError where there is none.
        """
        if start is None and (named := os.environ.get(ROOT_VARIABLE)):
            return cls(Path(named).resolve())
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents, Path(__file__).resolve().parents[1]):
            if (folder / "metrics" / "protocols").is_dir() and (folder / "profiles").is_dir():
                return cls(folder)
        raise SemsrError(
            f"{here}: no SemSR-Bench project here or above (a folder with methods/, metrics/, profiles/); "
            f"change into your clone, or set {ROOT_VARIABLE}"
        )

    @property
    def data(self) -> Path:
        """Prepared data sets, one folder each."""
        return self.root / "data"

    def results(self, profile: str) -> Path:
        """Everything a profile makes."""
        return self.root / "results" / profile

    def cell(self, profile: str, dataset: str, method: str, variant: str, seed: int = 0) -> Path:
        """One variant on one data set: `images/` and `run.json`; each seed of a variant that is trained here has its own."""
        return self.results(profile) / "cells" / dataset / method / seeded(variant, seed)

    def segmented(self, profile: str, dataset: str, protocol: str, segmenter: str) -> Path:
        """What a segmenter found on a data set, a folder a row (`semsr.segmentation.stored`)."""
        return self.results(profile) / "segmented" / dataset / segmenter / protocol

    def judged(self, profile: str, dataset: str, protocol: str, segmenter: str) -> Path:
        """How that compares with the annotations, a file a metric (`semsr.evaluation.semantic.store`)."""
        return self.results(profile) / "judged" / dataset / segmenter / protocol

    @property
    def lock(self) -> Path:
        """The committed lock of all packages; every number depends on it."""
        return self.root / "requirements" / "lock.txt"

    def show(self, path: Path) -> str:
        """`path` as a person would write it: relative to the project where it lies inside."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def seeded(variant: str, seed: int) -> str:
    """The folder's name of one seed of a variant; 0 stands for what is not trained here."""
    return f"{variant}@{seed}" if seed else variant
