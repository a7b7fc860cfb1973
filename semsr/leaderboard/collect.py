"""Everything the site shows, out of a profile's tables, scores, pictures and the project's cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from semsr import __version__
from semsr.cards import ProfileCard
from semsr.evaluation.protocol import resolve
from semsr.leaderboard.collect_described import described_table
from semsr.leaderboard.collect_judged import judged_table
from semsr.leaderboard.collect_pages import pages_of
from semsr.leaderboard.collect_pictures import per_image, shown_rows, viewable
from semsr.leaderboard.collect_rows import Rows
from semsr.leaderboard.collect_tables import Extras, site_table
from semsr.leaderboard.model import PerImage, Site, SiteTable, Viewable
from semsr.preparation.manifest import Prepared
from semsr.project import Project
from semsr.reproduction.descriptions.table import DescriptionTable
from semsr.reproduction.semantic.table import SemanticTable
from semsr.reproduction.table import Table

TITLE = "SemSR-Bench"
AnyOf = Table | DescriptionTable | SemanticTable


@dataclass(frozen=True)
class Sources:
    """What a site is made of.

    Attributes:
        tables: of every kind, in the profile's order.
        files: each table as files, by its id: name -> text.
        scores: by data set, as `read_scores` gives them.
        prepared: by data set; those whose pictures are there.
        warnings: what was noticed in outputs, by (data set, method, variant).
        facts: what stands at the foot of each page besides version and profile.
    """

    tables: Sequence[AnyOf]
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scores: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    prepared: Mapping[str, Prepared] = field(default_factory=dict)
    warnings: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    facts: Sequence[tuple[str, str]] = ()


def collect(project: Project, profile: ProfileCard, sources: Sources) -> Site:
    """The site as data. Reads cards and small records; pictures are named, not opened.

    Args:
        project: the project.
        profile: whose results these are.
        sources: see there.

    Raises:
        SemsrError: a card is wrong.
    """
    rows = Rows(project, profile)
    viewables = _viewables(profile, rows, sources)
    seen = frozenset(found.dataset for found in viewables)
    tables = tuple(
        _table(project, table, Extras(rows, sources.files.get(table.id, {}), seen, sources.warnings))
        for table in sources.tables
    )
    return Site(
        title=TITLE,
        facts=(("SemSR-Bench", __version__), ("profile", profile.id), *sources.facts),
        tables=tables,
        pages=pages_of(project, tables),
        per_image=_per_image(project, profile, sources),
        viewables=viewables,
        warning=warning_of(project, profile),
    )


def warning_of(project: Project, profile: ProfileCard) -> str:
    """What stands at the top of every page where no result of a profile may count as a reproduction; else empty."""
    reproduces = [
        name for name in profile.tables if (card := project.table(name)).reported is not None and profile.id in card.profiles
    ]
    if reproduces:
        return ""
    return f"Nothing of profile {profile.id} is a reproduction: {profile.title[0].lower()}{profile.title[1:]}."


def _table(project: Project, table: AnyOf, extras: Extras) -> SiteTable:
    match table:
        case Table():
            return site_table(project, table, extras)
        case SemanticTable():
            return judged_table(project, table, extras)
    return described_table(project, table, extras)


def _viewables(profile: ProfileCard, rows: Rows, sources: Sources) -> tuple[Viewable, ...]:
    found = []
    for track in profile.tracks.all:
        for dataset in track.datasets:
            if dataset in sources.prepared:
                shown = shown_rows(rows, track.entrants, dataset)
                if (seen := viewable(sources.prepared[dataset], shown)) is not None:
                    found.append(seen)
    return tuple(found)


def _per_image(project: Project, profile: ProfileCard, sources: Sources) -> tuple[PerImage, ...]:
    found = []
    for track in (profile.tracks.classical, profile.tracks.real):
        for name in track.protocols:
            protocol = resolve(project, name)
            for dataset in track.datasets:
                if dataset in sources.scores:
                    values = per_image(project, protocol, dataset, sources.scores[dataset])
                    found += [values] if values is not None else []
    return tuple(found)
