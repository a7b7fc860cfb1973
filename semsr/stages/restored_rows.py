"""Which rows of a profile have been restored on a data set, and which files from outside stood in the way of others."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsr.assets.missing import summary, to_plain
from semsr.cards import ProfileCard, Track
from semsr.errors import SemsrError
from semsr.evaluation.pairing import Size, check_names, check_sizes
from semsr.imaging.pictures import picture_files
from semsr.planning import rows_of, seeds_of
from semsr.project import Project, seeded
from semsr.restoration.cell import Cell

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RestoredRow:
    """One seed of a variant, and the ids of the protocols that its tracks measure by."""

    method: str
    variant: str
    seed: int
    protocols: tuple[str, ...]


@dataclass(frozen=True)
class RestoredRows:
    """What is there to be measured, and what is not: {method, variant, seed, files} as plain values."""

    rows: list[RestoredRow]
    missing: list[dict[str, Any]]


def restored_rows(project: Project, profile: ProfileCard, dataset: str, tracks: Sequence[Track]) -> RestoredRows:
    """Rows of a profile that have a cell on a data set, each seed of a variant by itself; those that have none yet are said.

    Args:
        project: the project.
        profile: says which rows and seeds there are.
        dataset: the data set's id.
        tracks: those of the profile that measure alike.

    Raises:
        SemsrError: none of the tracks has the data set, or nothing has been restored yet.
    """
    its = [track for track in tracks if dataset in track.datasets]
    if not its:
        known = sorted({name for track in tracks for name in track.datasets})
        raise SemsrError(f"profile {profile.id!r} does not have data set {dataset!r}; it has: {', '.join(known) or 'none'}")
    wanted: dict[tuple[str, str, int], list[str]] = {}
    for track in its:
        for method in track.entrants:
            for variant in rows_of(project, profile, method):
                for seed in seeds_of(project, profile, method, variant):
                    wanted.setdefault((method, variant, seed), []).extend(track.protocols)
    if not any(wanted.values()):
        raise SemsrError(
            f"profile {profile.id!r} has no protocols (or no methods) for data set {dataset!r}; add some to its track"
        )
    found: list[RestoredRow] = []
    missing: list[dict[str, Any]] = []
    for (method, variant, seed), names in sorted(wanted.items()):
        cell = Cell(project.cell(profile.id, dataset, method, variant, seed))
        if files := cell.lacking():
            missing.append({"method": method, "variant": variant, "seed": seed, "files": to_plain(files)})
            old = "; its pictures are of an earlier state and do not count" if cell.done() else ""
            log.warning(
                "%s: %s/%s is left out, needs %s%s; see `semsr plan %s --variant %s`",
                dataset, method, seeded(variant, seed), summary(files), old, method, variant,
            )  # fmt: skip
            continue
        if next(cell.images.glob("*.png"), None) is not None:
            found.append(RestoredRow(method, variant, seed, tuple(dict.fromkeys(names))))
            continue
        trained = project.method(method).variants[variant].training is not None
        first = f"`semsr train {method} --variant {variant} --seed {seed}`, then " if trained else ""
        log.warning(
            "%s: %s/%s is not restored yet: run %s`semsr infer %s --dataset %s`",
            dataset, method, seeded(variant, seed), first, method, dataset,
        )  # fmt: skip
    if not found and not missing:
        raise SemsrError(
            f"{dataset}: no method of profile {profile.id!r} has been restored yet; run `semsr infer METHOD --dataset {dataset}`"
        )
    return RestoredRows(found, missing)


def pictures_of(
    project: Project, profile: str, dataset: str, row: RestoredRow, sizes: Mapping[str, Size], what: str
) -> Mapping[str, Path]:
    """The pictures of a row by name.

    Args:
        project: the project.
        profile: its id.
        dataset: the data set's id.
        row: the row.
        sizes: (H, W) that each picture must have.
        what: what they must be as large as, for errors.

    Raises:
        PairingError: one is missing, or there is one too many. SizeMismatchError: one has another size.
    """
    folder = project.cell(profile, dataset, row.method, row.variant, row.seed) / "images"
    pictures = picture_files(folder)
    again = f"data set {dataset!r} (run `semsr infer {row.method} --dataset {dataset}` to complete the row)"
    check_names(pictures, sizes, project.show(folder), again)
    check_sizes(pictures, sizes, what)
    return pictures
