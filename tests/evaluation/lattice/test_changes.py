"""Axes come from cards; a metric that is added has its own for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from semsr.cards.base import parse_card
from semsr.cards.metric import MetricCard
from semsr.errors import CardError
from semsr.evaluation.lattice.changes import Change, changes_of, under
from semsr.evaluation.lattice.edits import edits_of
from semsr.evaluation.lattice.ways import MOST_PAIRS, Way, pairs_of
from semsr.evaluation.protocol import resolve
from semsr.project import Project

EDITS = edits_of([(512, 512)], scale=4, reference=True)


def changes(project: Project, protocol: str, column: str, scale: int = 4) -> dict[str, Change]:
    found = next(each for each in resolve(project, protocol).columns if each.name == column)
    return {Way((change,)).id: change for change in changes_of(project, found, EDITS, scale=scale)}


def test_what_is_tried_of_psnr(project: Project) -> None:
    found = changes(project, "seesr", "psnr")
    options = {name for name, change in found.items() if change.kind == "option"}
    assert options == {"luma=bt601-full", "luma=rgb", "border=4", "rounded=true", "epsilon=0.0"}
    assert {name for name, change in found.items() if change.kind == "aggregation"} == {"aggregation=pooled"}
    assert {"stored=jpeg-95", "channels=swapped", "shift=right", "part=centre-256"} <= set(found)
    assert "part=inner" not in found, "that is what its option border does"
    assert found["luma=bt601-full"].says == "full-range luma (pyiqa's default, PIL's L, OpenCV's YCrCb)"
    assert set(changes(project, "sed", "psnr")) ^ set(found) == {"border=0", "border=4", "epsilon=0.0", "epsilon=1e-08"}
    at_two = changes(project, "seesr", "psnr", scale=2)
    assert at_two["border=2"].says == "2 pixels cut from each side" and at_two["border=2"].value == 2


def test_metrics_stand_for_each_other(project: Project) -> None:
    assert "metric=lpips-vgg" in changes(project, "seesr", "lpips")
    assert "metric=maniqa" in changes(project, "seesr", "maniqa")
    assert "part=inner" in changes(project, "seesr", "lpips")
    assert not changes(project, "seesr", "fid"), "how many pictures there are is no change of protocol"


def test_every_way_can_be_resolved(project: Project) -> None:
    """Every change of every column of every protocol gives a column of its own, or the same one where pictures or aggregation change."""
    for name in project.protocols:
        for column in resolve(project, name).columns:
            for change in changes_of(project, column, EDITS, scale=4):
                other = under(project, column, (change,))
                assert (other.key == column.key) == (change.kind in ("pictures", "aggregation"))
                for option, value in other.options.items():
                    allowed = other.metric.options[option].allowed
                    assert allowed is None or value in allowed


def test_a_new_metric_has_its_axes_for_nothing(project: Project, tmp_path: Path) -> None:
    (tmp_path / "metrics/protocols").mkdir(parents=True)
    (tmp_path / "metrics/new").mkdir()
    card: dict[str, Any] = {
        "id": "new", "title": "New", "direction": "lower", "range": [0, None], "reference": "full", "version": 1, "entry": "new:New",
        "licence": "none", "source": "a test", "mistaken_for": ["gone"],
        "options": {
            "window": {"default": 7, "meaning": "side", "met": [{"value": 11, "says": "a window of 11"}]},
            "border": {"default": 0, "meaning": "pixels"},
            "squared": {"default": False, "meaning": "squares"},
            "space": {"default": "lab", "allowed": ["lab", "rgb"], "meaning": "colours"},
        },
    }  # fmt: skip
    (tmp_path / "metrics/new/new.yaml").write_text(yaml.safe_dump(card))
    protocol = {
        "id": "p",
        "title": "p",
        "source": "a test",
        "columns": [{"name": "new", "metric": "new", "options": {"window": 9}}],
    }
    (tmp_path / "metrics/protocols/p.yaml").write_text(yaml.safe_dump(protocol))
    found = {name: change for name, change in changes(Project(tmp_path), "p", "new", 3).items() if change.kind != "pictures"}
    assert set(found) == {"window=11", "border=3", "squared=true", "space=rgb", "aggregation=pooled"}
    assert found["window=11"].says == "a window of 11"
    assert found["space=rgb"].says == "space rgb instead of lab"


def test_a_card_may_only_have_met_what_it_allows() -> None:
    option = {"default": "a", "allowed": ["a", "b"], "meaning": "x", "met": [{"value": "c", "says": "see"}]}
    card = {"id": "m", "title": "m", "direction": "lower", "range": [0, 1], "reference": "none", "version": 1, "entry": "m:M"}
    with pytest.raises(CardError, match=r"option 'x': met: 'c' is not among \['a', 'b'\]"):
        parse_card(MetricCard, card | {"licence": "n", "source": "s", "options": {"x": option}}, "m.yaml")


def test_pairs_are_choices_of_a_protocol_and_few(project: Project) -> None:
    for column in ("psnr", "ssim", "niqe", "lpips"):
        singles = list(changes(project, "seesr", column).values())
        pairs = pairs_of(singles)
        assert len(pairs) <= MOST_PAIRS and len({way.id for way in pairs}) == len(pairs)
        for way in pairs:
            first, second = way.changes
            assert first.axis < second.axis and {first.kind, second.kind} <= {"option", "aggregation"}
    names = {way.id for way in pairs_of(list(changes(project, "seesr", "psnr").values()))}
    assert "border=4,luma=bt601-full" in names and "aggregation=pooled,luma=rgb" in names


def test_what_cards_say_of_others_is_there(project: Project) -> None:
    """A misspelt name would silently be no alternative."""
    for name, card in project.metrics.items():
        assert set(card.mistaken_for) <= set(project.metrics) - {name}
        for other in card.mistaken_for:
            assert project.metrics[other].direction == card.direction and name in project.metrics[other].mistaken_for
