"""Scoring beside rows whose weights can't be had, and of several draws of one row."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from semsr.assets.missing import MissingFile
from semsr.evaluation.scores import read_scores
from semsr.project import Project
from semsr.reproduction.score_files import read_missing
from semsr.restoration.cell import Cell
from semsr.stages import score as stage

AddProtocol = Callable[..., str]
FILE = MissingFile("big", "The big file", "big.bin", None, 4_500_000_000, "MIT", ("file $X",), "(1) file $X: gone", "Set X")


def run(project: Project) -> Path:
    project = Project(project.root)
    return stage.run(project, project.profile("quick"), "photos")


def cell(project: Project, row: str) -> Cell:
    return Cell(project.results("quick") / "cells" / "photos" / row)


def test_a_row_without_weights_is_left_out_and_remembered(
    prepared: Project, add_protocol: AddProtocol, caplog: pytest.LogCaptureFixture
) -> None:
    add_protocol("p", error="mae")
    shutil.rmtree(cell(prepared, "beta/two").folder)
    cell(prepared, "beta/two").lack([FILE])
    with caplog.at_level(logging.WARNING):
        path = run(prepared)
    assert {record["method"] for record in read_scores(path)} == {"alpha", "reference"}
    assert read_missing(path) == {("beta", "two"): (FILE,)}
    assert "photos: beta/two is left out, needs asset big (about 4.5 GB); see `semsr plan beta --variant two`" in caplog.text
    first = path.read_bytes()
    assert run(prepared).read_bytes() == first


def test_pictures_of_an_earlier_state_do_not_count(
    prepared: Project, add_protocol: AddProtocol, caplog: pytest.LogCaptureFixture
) -> None:
    add_protocol("p", error="mae")
    cell(prepared, "beta/two").lack([FILE])
    with caplog.at_level(logging.WARNING):
        path = run(prepared)
    assert {record["method"] for record in read_scores(path)} == {"alpha", "reference"}
    assert "its pictures are of an earlier state and do not count" in caplog.text
    assert len(cell(prepared, "beta/two").done()) >= 12
    cell(prepared, "beta/two").lack_nothing()
    path = run(prepared)
    assert {record["method"] for record in read_scores(path)} == {"alpha", "beta", "reference"}
    assert read_missing(path) == {}


def test_where_every_row_lacks_its_weights_there_still_are_scores(prepared: Project, add_protocol: AddProtocol) -> None:
    add_protocol("p", error="mae")
    for row in ("alpha/default", "beta/two"):
        shutil.rmtree(cell(prepared, row).folder)
        cell(prepared, row).lack([FILE])
    path = run(prepared)
    assert read_scores(path) == []
    assert set(read_missing(path)) == {("alpha", "default"), ("beta", "two")}


def test_each_draw_of_a_row_is_scored(prepared: Project, add_protocol: AddProtocol, caplog: pytest.LogCaptureFixture) -> None:
    add_protocol("p", error="mae")
    profile = prepared.root / "profiles" / "quick.yaml"
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | {"draws": {"alpha": 3}}))
    shutil.copytree(cell(prepared, "alpha/default").folder, cell(prepared, "alpha/default@1").folder)
    with caplog.at_level(logging.WARNING):
        records = read_scores(run(prepared))
    assert {record["seed"] for record in records if record["method"] == "alpha"} == {0, 1}
    assert {record["seed"] for record in records if record["method"] == "beta"} == {0}
    assert "photos: alpha/default@2 is not restored yet: run `semsr infer alpha --dataset photos`" in caplog.text
    assert "semsr train" not in caplog.text
