"""Tables and profiles name only what exists, and fit each other."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from semsr.cards import DescriptionTableCard, SemanticTableCard, TableCard
from semsr.evaluation.protocol import resolve
from semsr.evaluation.semantic.protocol import resolve as resolve_semantic
from semsr.project import Project
from semsr.reproduction.descriptions.assemble import planned_datasets, wanted
from semsr.reproduction.descriptions.marks import load_marks
from semsr.reproduction.reported import load_reported
from semsr.reproduction.semantic.assemble import planned
from semsr.reproduction.semantic.published import load_published

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted(path.parent.name for path in ROOT.glob("tables/*/table.yaml"))
PROFILES = sorted(path.stem for path in ROOT.glob("profiles/*.yaml"))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_fits_its_published_values_and_its_protocol(project: Project, name: str) -> None:
    card = project.table(name)
    assert set(card.profiles) <= set(project.profiles)
    assert (ROOT / "tables" / name / "README.md").is_file()
    if isinstance(card, DescriptionTableCard):
        load_marks(project, card)
        assert set(wanted(card)) <= set(project.method(card.method).descriptions)
        return
    if isinstance(card, SemanticTableCard):
        load_published(project, card)
        protocol = resolve_semantic(project, card.protocol)
        assert set(card.judges) <= set(project.segmenters) and card.floor == protocol.card.floor
        known = {column.name for column in protocol.columns}
    else:
        assert isinstance(card, TableCard)
        load_reported(ROOT / "tables" / name, card, name)
        known = {column.name for column in resolve(project, card.protocol).columns}
    assert set(card.columns) <= known
    for row in card.rows:
        assert row.method is None or row.variant in project.method(row.method).variants


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_only_cards_that_exist(project: Project, name: str) -> None:
    card = project.profile(name)
    for track in card.tracks.all:
        assert set(track.datasets) <= set(project.datasets)
        assert set(track.entrants) <= set(project.methods)
        measured = project.semantic_protocols if track is card.tracks.semantic else project.protocols
        assert set(track.protocols) <= set(measured)
    assert set(card.segmenters.judges) <= set(project.segmenters)
    assert card.tables and set(card.tables) <= set(project.tables)
    for method, rows in card.variants.items():
        assert set(rows) <= set(project.method(method).rows)
    assert set(card.draws) <= set(project.methods)
    for method in card.descriptions.methods:
        assert project.method(method).descriptions


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_spells_out_every_key_that_the_pipeline_is_templated_over(name: str) -> None:
    """DVC reads the YAML itself, so that a default of the card's model would be missing there."""
    raw = yaml.safe_load((ROOT / "profiles" / f"{name}.yaml").read_text())
    assert {"id", "device", "threads", "tracks", "training", "variants", "tables"} <= set(raw)
    assert set(raw["training"]) == {"methods", "datasets", "prepare", "seeds"}
    for track in ("classical", "real"):
        assert set(raw["tracks"][track]) == {"datasets", "methods", "trained", "protocols"}


@pytest.mark.parametrize("name", PROFILES)
def test_every_data_set_and_protocol_of_a_profile_ends_in_a_table(project: Project, name: str) -> None:
    profile = project.profile(name)
    used = {
        (table.track, entry.dataset, table.protocol)
        for table in map(project.table, profile.tables)
        if name in table.profiles and isinstance(table, TableCard)
        for entry in table.datasets
    }
    for kind in ("classical", "real"):
        track = getattr(profile.tracks, kind)
        assert {(kind, dataset, protocol) for dataset in track.datasets for protocol in track.protocols} <= used


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_describes_ends_in_a_table(project: Project, name: str) -> None:
    profile = project.profile(name)
    shown = {
        (table.method, dataset)
        for table in map(project.table, profile.tables)
        if isinstance(table, DescriptionTableCard)
        for dataset in planned_datasets(project, table, profile)
    }
    wanted_here = {(method, dataset) for method in profile.descriptions.methods for dataset in profile.descriptions.datasets}
    assert wanted_here == shown


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_judges_ends_in_a_table(project: Project, name: str) -> None:
    """Each data set of the semantic track with each judge, by one of the track's protocols."""
    profile = project.profile(name)
    shown = {
        pair
        for table in map(project.table, profile.tables)
        if isinstance(table, SemanticTableCard)
        for pair in planned(project, table, profile)
    }
    datasets = profile.tracks.semantic.datasets
    assert shown == {(dataset, judge) for dataset in datasets for judge in profile.segmenters.judges}


def test_lite_results_can_enter_no_papers_table(project: Project) -> None:
    for card in project.tables.values():
        assert "lite" not in card.profiles or (card.reported is None and card.profiles == ("lite",)), card.id


def test_lite_is_in_force_in_a_fresh_clone() -> None:
    """Committed; `semsr use` switches it in a working copy."""
    import subprocess

    told = subprocess.run(["git", "ls-files", "-s", "params.yaml"], cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        pytest.skip("not a git clone")
    assert told.stdout.startswith("120000 "), "params.yaml must be committed as a link"
    link = subprocess.run(["git", "show", ":params.yaml"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert link.stdout == "profiles/lite.yaml"
