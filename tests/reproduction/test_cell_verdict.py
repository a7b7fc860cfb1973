"""Rules of the verdict on one value, at their edges."""

from __future__ import annotations

import math

import pytest

from semsr.reproduction.cell_verdict import verdict_of
from semsr.reproduction.forensics.explanation import Alternative, Explanation
from semsr.reproduction.reported import Published
from semsr.reproduction.verdict import Part, Tolerance


def tolerance(half: float, **parts: float) -> Tolerance:
    return Tolerance((Part("rounding", half, "print"), *(Part(name, size, "a test") for name, size in parts.items())))  # type: ignore[arg-type]


def explained(*, explains: bool) -> Explanation:
    other = Alternative("luma=rgb", "RGB instead of luma", 1, 23.59, -1.56, 0.0, explains)
    return Explanation("0123456789ab", "23.59", 25.15, 0.005, (other,))


@pytest.mark.parametrize(
    ("text", "value", "half", "kind"),
    [
        ("0.120", 0.1195, 0.0005, "reproduced"),  # exact halves on both sides: either may have been printed
        ("0.120", 0.1205, 0.0005, "reproduced"),
        ("0.121", 0.1205, 0.0005, "reproduced"),
        ("0.120", 0.12051, 0.0005, "not-reproduced"),
        ("0.120", 0.1194999, 0.0005, "not-reproduced"),
        ("25.15", 25.1450001, 0.005, "reproduced"),
        ("25.15", 25.1449, 0.005, "not-reproduced"),
        ("2.675", 2.675, 0.0005, "reproduced"),
        ("9", 9.49, 0.5, "reproduced"),
        ("9", 9.51, 0.5, "not-reproduced"),
        ("25.15", math.inf, 0.005, "not-reproduced"),
    ],
)
def test_what_ours_rounds_to_is_reproduced(text: str, value: float, half: float, kind: str) -> None:
    assert verdict_of(Published(text), tolerance(half), value).kind == kind


def test_each_rule_comes_in_its_turn() -> None:
    """Measuring allows 0.013 (5, 12, 13), the seeds 0.084 besides: 0.085 in all (13, 84, 85)."""
    allowed = tolerance(0.005, metric=0.012, seeds=0.084)
    published = Published("25.00")
    assert (allowed.measuring, allowed.whole) == (pytest.approx(0.013), pytest.approx(0.085))
    kinds = {value: verdict_of(published, allowed, value).kind for value in (25.0129, 25.0131, 24.9151, 24.9149)}
    assert list(kinds.values()) == ["reproduced", "within-noise", "within-noise", "not-reproduced"]


def test_another_protocol_is_named_only_where_it_explains_the_value() -> None:
    published, allowed = Published("23.59"), tolerance(0.005)
    found = verdict_of(published, allowed, 25.15, "dB", explained(explains=True))
    assert (found.kind, found.explained_by) == ("other-protocol", "RGB instead of luma")
    assert found.why == (
        "ours minus published +1.56 dB, allowed 0.005 dB (rounding 0.005; not known: metric, machine, seeds); RGB instead of luma gives "
        "23.590"
    )
    vain = verdict_of(published, allowed, 25.15, "dB", explained(explains=False))
    assert vain.kind == "not-reproduced" and vain.explained_by == ""
    assert vain.why.endswith("none of 1 other ways of measuring gives it")
    assert verdict_of(published, allowed, 23.591, "dB", explained(explains=True)).kind == "reproduced", "needs no explanation"


def test_a_dash_is_nothing_to_compare_with() -> None:
    with pytest.raises(ValueError, match="dash"):
        verdict_of(Published(""), tolerance(0.5), 1.0)
