"""Why a cell is empty before any score is looked at: the profile, the data set, the row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from semsr.assets.missing import MissingFile
from semsr.cards import AnyTable, ProfileCard, SemanticTableCard, TableCard, TableRow, Track
from semsr.project import Project
from semsr.reproduction.aggregate import Scores
from semsr.reproduction.table import Block, Lack


def track_of(card: AnyTable, profile: ProfileCard) -> Track:
    """The profile's track that a table is made from."""
    track: Track = getattr(profile.tracks, card.track)
    return track


def profile_reason(card: AnyTable, profile: ProfileCard) -> str:
    """Why this profile's results can't stand in this table; empty where they can.

    A result of a profile that does not follow the paper's data and protocol must never look like a reproduction.
    """
    if profile.id not in card.profiles:
        allowed = " or ".join(card.profiles)
        return f"not run in profile {profile.id}; profile {allowed} runs it (`semsr use {card.profiles[0]}`, `dvc repro`)"
    return ""


def table_reason(card: TableCard | SemanticTableCard, profile: ProfileCard) -> str:
    """The same for a table that needs its protocol measured, too."""
    if reason := profile_reason(card, profile):
        return reason
    if card.protocol not in track_of(card, profile).protocols:
        return f"profile {profile.id} does not measure by protocol {card.protocol} on its {card.track} track"
    return ""


def dataset_reason(project: Project, card: AnyTable, profile: ProfileCard, dataset: str) -> str:
    """Why nothing was run on this data set; empty where it was planned."""
    if dataset not in project.datasets:
        return f"no data set card yet ({dataset})"
    if dataset not in track_of(card, profile).datasets:
        return f"data set {dataset} is not in profile {profile.id}"
    return ""


def row_reason(project: Project, card: AnyTable, profile: ProfileCard, row: TableRow) -> str:
    """Why this row was not run on any data set; empty where it was planned."""
    if row.method is None:
        return "no method yet"
    if row.method not in project.methods:
        return f"no method card yet ({row.method})"
    if row.method not in track_of(card, profile).entrants:
        return f"method {row.method} is not in profile {profile.id}"
    known = project.methods[row.method].rows
    if row.variant not in known:
        return f"method {row.method} has no row {row.variant} yet"
    if row.variant not in profile.variants.get(row.method, known):
        return f"row {row.method}/{row.variant} is not in profile {profile.id}"
    return ""


def missing_files(blocks: Sequence[Block], scores: Mapping[str, Scores]) -> tuple[Lack, ...]:
    """Each file from outside that stood in the way of rows of a table, and of which."""
    return lacks(
        (row.label, scores[block.dataset].missing.get((row.method or "", row.variant), ()))
        for block in blocks
        if block.dataset in scores
        for row in block.rows
    )


def lacks(labelled: Iterable[tuple[str, Sequence[MissingFile]]]) -> tuple[Lack, ...]:
    """Each file once, with the labels of everything that needs it."""
    files: dict[str, MissingFile] = {}
    labels: dict[str, dict[str, None]] = {}
    for label, needed in labelled:
        for file in needed:
            # An answer of a server says more than that none was asked.
            if file.id not in files or (file.reason and not files[file.id].reason):
                files[file.id] = file
            labels.setdefault(file.id, {})[label] = None
    return tuple(Lack(file, tuple(labels[name])) for name, file in files.items())
