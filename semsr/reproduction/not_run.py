"""Why a cell is empty before any score is looked at: the profile, the data set, the row."""

from __future__ import annotations

from semsr.cards import ProfileCard, TableCard, TableRow, Track
from semsr.project import Project


def track_of(card: TableCard, profile: ProfileCard) -> Track:
    """The profile's track that a table is made from."""
    return profile.tracks.classical if card.track == "classical" else profile.tracks.real


def table_reason(card: TableCard, profile: ProfileCard) -> str:
    """Why results of this profile can't stand in this table at all; empty where they can.

    A result of a profile that does not follow the paper's data and protocol must never look like a reproduction.
    """
    if profile.id not in card.profiles:
        allowed = " or ".join(card.profiles)
        return f"not run in profile {profile.id}; profile {allowed} runs it (`semsr use {card.profiles[0]}`, `dvc repro`)"
    if card.protocol not in track_of(card, profile).protocols:
        return f"profile {profile.id} does not measure by protocol {card.protocol} on its {card.track} track"
    return ""


def dataset_reason(project: Project, card: TableCard, profile: ProfileCard, dataset: str) -> str:
    """Why nothing was run on this data set; empty where it was planned."""
    if dataset not in project.datasets:
        return f"no data set card yet ({dataset})"
    if dataset not in track_of(card, profile).datasets:
        return f"data set {dataset} is not in profile {profile.id}"
    return ""


def row_reason(project: Project, card: TableCard, profile: ProfileCard, row: TableRow) -> str:
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
