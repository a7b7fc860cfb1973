"""Logs and records are read as they are, and what is wrong with them is said."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from semsr.project import Project
from semsr.reporting.training.read import read_curve, read_trainings

Train = Callable[..., Path]


def test_a_log(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,seconds,pixel,never,note\n10,1,0.5,nan,a\n20,2,nan,nan,b\n30,3,0.25,nan,c\n20,2.5,0.75,nan,d\n40,4")
    curve = read_curve(path)
    assert curve.steps == (10, 20, 30)  # the torn line is none, the line written again counts as it was last
    assert curve.columns["pixel"] == (0.5, 0.75, 0.25)
    assert set(curve.columns) == {"seconds", "pixel"}
    assert (curve.first("pixel"), curve.last("pixel")) == (0.5, 0.25)
    assert math.isnan(curve.last("gone"))


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "step,a\nx,2\n"])
def test_not_a_log(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(ValueError):
        read_curve(tmp_path / "log.csv")


def test_trainings_in_the_cards_order(toys: Project, train: Train) -> None:
    train("aware", 2)
    train("aware", 10)
    train("plain", 1)
    train("base", 1)
    train("old", 1, method="gone")
    found = read_trainings(toys, "tiny")
    assert [training.name for training in found] == ["gone/old@1", "toy/base@1", "toy/plain@1", "toy/aware@2", "toy/aware@10"]
    assert all(training.ended and not training.problems and training.recipe for training in found)
    assert found[1].losses == ["pixel", "d_real"]
    assert found[1].steps == 40 and found[1].seconds == 12.5


def test_what_is_wrong_is_said(toys: Project, train: Train) -> None:
    train("plain", 1, ended=False)
    (train("plain", 2) / "train.json").write_text("{")
    (train("plain", 3) / "log.csv").write_bytes(b"\xff\xfe\x00rubbish")
    (train("plain", 4) / "log.csv").unlink()
    train("plain", 5, record={"recipe": {"generator": 1}})
    (toys.results("tiny") / "trained" / "toy" / "lsdir" / "file@6").write_text("no folder")
    found = read_trainings(toys, "tiny")
    said = [" ".join(training.problems) for training in found]
    assert "the training has not ended" in said[0] and not found[0].ended and found[0].steps == 40
    assert "train.json: can't be read" in said[1]
    assert "log.csv: can't be read" in said[2]
    assert "no curves" in said[3]
    assert found[4].recipe is None and found[4].ended
    assert len(found) == 5


def test_nothing_trained(toys: Project) -> None:
    assert read_trainings(toys, "tiny") == []
