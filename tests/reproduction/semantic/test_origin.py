"""The id of a judge's number depends on everything behind it, and on nothing else."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from semsr.evaluation.semantic.values import REFERENCE, JudgedValues
from semsr.reproduction.semantic.origin import OBJECTS, origin_of

FACTS: dict[str, Any] = {
    "manifest_sha256": "a" * 64,
    "protocol_hash": "b" * 16,
    "metric_versions": {"pq": 3},
    "weights": [{"asset": "one", "sha256": "c" * 64}, {"asset": "two", "sha256": "d" * 64}],
    "found": {"reference/hr": "hr", "net/wide@1": "first", "net/wide@2": "second"},
}
SEEDS = [("net", "wide", 1), ("net", "wide", 2)]


@pytest.fixture
def values() -> JudgedValues:
    of = {key: {"pq": np.zeros(3), "omission": np.zeros(3)} for key in (REFERENCE, *SEEDS, ("net", "wide", 3))}
    return JudgedValues(4, ("pq", "omission"), of, facts=copy.deepcopy(FACTS))


def test_it_says_everything_behind_a_number(values: JudgedValues) -> None:
    origin = origin_of(values, "pq", "panoptic", SEEDS)
    assert origin is not None
    assert (origin.cells, origin.seeds) == (("first", "second"), (1, 2))
    assert (origin.manifest, origin.protocol_hash) == ("a" * 64, "b" * 16)
    assert (origin.column, origin.metric, origin.version) == ("pq", "panoptic", 3)
    assert origin.weights == "c" * 64 + "+" + "d" * 64
    hr = origin_of(values, "pq", "panoptic", [REFERENCE])
    assert hr is not None and hr.cells == ("hr",) and hr.result_id != origin.result_id


@pytest.mark.parametrize(
    "change",
    [
        {"manifest_sha256": "e" * 64},
        {"protocol_hash": "f" * 16},
        {"metric_versions": {"pq": 4}},
        {"weights": []},
        {"found": FACTS["found"] | {"net/wide@2": "again"}},
    ],
)
def test_a_change_behind_it_is_another_id(values: JudgedValues, change: dict[str, Any]) -> None:
    before, after = (origin_of(each, "pq", "panoptic", SEEDS) for each in (values, replace(values, facts=FACTS | change)))
    assert before is not None and after is not None and before.result_id != after.result_id


def test_objects_have_one_too_and_what_was_not_judged_has_none(values: JudgedValues) -> None:
    objects = origin_of(values, "omission", OBJECTS, SEEDS)
    assert objects is not None and objects.version == 1
    assert origin_of(values, "pq", "panoptic", [("net", "wide", 3)]) is None, "nothing says what was found"
    assert origin_of(values, "pq", "panoptic", [("net", "other", 1)]) is None
    assert origin_of(values, "pq", "panoptic", []) is None
    assert origin_of(replace(values, facts={}), "pq", "panoptic", SEEDS) is None
