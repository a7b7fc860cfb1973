"""Semantic protocols filled in, their hash, and that each kind of protocol takes its own kind of metric."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from semsr.errors import CardError, UnknownIdError
from semsr.evaluation import protocol as ordinary
from semsr.evaluation.semantic.protocol import resolve
from semsr.project import Project

CARD: dict[str, Any] = {
    "kind": "semantic",
    "id": "s",
    "title": "a test",
    "annotations": "resized",
    "post_processing": {"score": 0.25},
    "floor": {"method": "zoom"},
    "columns": [{"name": "found", "metric": "found", "options": {"figure": "all"}}, {"name": "half", "metric": "found"}],
    "source": "made for this test",
}


@pytest.fixture
def put(project: Project, tmp_path: Any) -> Callable[..., Project]:
    """A project with one metric against annotations, one of pictures, and the semantic protocol `s` with changes."""

    def make(**changes: Any) -> Project:
        root = tmp_path / "project"
        (root / "metrics/protocols").mkdir(parents=True, exist_ok=True)
        (root / "metrics/family").mkdir(exist_ok=True)
        for name, reference in (("found", "annotations"), ("mae", "full")):
            options = {"figure": {"default": "half", "allowed": ["half", "all"], "meaning": "which"}} if name == "found" else {}
            card = {"id": name, "title": name, "direction": "higher", "range": [0, 100], "reference": reference, "version": 1}
            card |= {"entry": f"{name}:M", "options": options, "licence": "none", "source": "a test"}
            (root / f"metrics/family/{name}.yaml").write_text(yaml.safe_dump(card))
        (root / "metrics/protocols/s.yaml").write_text(yaml.safe_dump(CARD | changes))
        wrong = {"id": "p", "title": "p", "columns": [{"name": "c", "metric": "found"}], "source": "a test"}
        (root / "metrics/protocols/p.yaml").write_text(yaml.safe_dump(wrong))
        return Project(root)

    return make


def test_options_are_filled_in_and_the_hash_is_the_documented_one(put: Callable[..., Project]) -> None:
    resolved = resolve(put(), "s")
    assert [dict(column.options) for column in resolved.columns] == [{"figure": "all"}, {"figure": "half"}]
    text = (
        '{"annotations":"resized","columns":[["found","found",{"figure":"all"}],["half","found",{"figure":"half"}]],'
        '"floor":{"method":"zoom","variant":"default"},"objects":{"by":"boxes","iou":0.5,"score":0.5},'
        '"post_processing":{"detections":100,"mask":0.5,"overlap":0.8,"score":0.25}}'
    )
    assert resolved.hash == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_hash_follows_what_is_measured_and_nothing_else(put: Callable[..., Project]) -> None:
    plain = resolve(put(), "s").hash
    same = [
        {"title": "another", "notes": "other words"},
        {"columns": CARD["columns"][::-1]},
        {"post_processing": {"score": 0.25, "mask": 0.5}},
        {"objects": {}, "floor": {"method": "zoom", "variant": "default"}},
    ]
    assert {resolve(put(**changes), "s").hash for changes in same} == {plain}
    others: list[dict[str, Any]] = [
        {"annotations": "original"},
        {"post_processing": {"score": 0.8}},
        {"post_processing": {"score": 0.25, "detections": 99}},
        {"objects": {"by": "masks"}},
        {"floor": {"method": "zoom", "variant": "other"}},
        {"columns": CARD["columns"][:1]},
        {"columns": [CARD["columns"][0] | {"options": {}}, CARD["columns"][1]]},
    ]
    assert len({plain, *(resolve(put(**changes), "s").hash for changes in others)}) == 8


def test_each_kind_of_protocol_takes_its_own_kind_of_metric(put: Callable[..., Project]) -> None:
    with pytest.raises(CardError) as error:
        ordinary.resolve(put(), "p")
    assert str(error.value) == (
        "metrics/protocols/p.yaml: columns.c.metric: found 'found', which measures against annotations and needs a protocol of kind "
        "'semantic'; allowed: mae"
    )
    with pytest.raises(CardError) as error:
        resolve(put(columns=[{"name": "c", "metric": "mae"}]), "s")
    assert str(error.value) == (
        "metrics/protocols/s.yaml: columns.c.metric: found 'mae', which measures pictures; a protocol of kind 'semantic' takes metrics "
        "against annotations; allowed: found"
    )
    with pytest.raises(CardError, match=r"columns\.c\.options\.figure: found 'most'; allowed: 'half', 'all'"):
        resolve(put(columns=[{"name": "c", "metric": "found", "options": {"figure": "most"}}]), "s")


def test_a_protocol_of_the_other_kind_is_unknown(put: Callable[..., Project]) -> None:
    with pytest.raises(UnknownIdError, match="unknown semantic protocol 'p'; known: s"):
        resolve(put(), "p")
    with pytest.raises(UnknownIdError, match="unknown protocol 's'"):
        ordinary.resolve(put(), "s")
