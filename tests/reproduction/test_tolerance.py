"""Tolerances against values computed by hand and from printed tables of Student's distribution."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from semsr.cards import MetricCard, parse_card
from semsr.errors import CardError
from semsr.reproduction.reported import Published
from semsr.reproduction.tolerance import half_unit, seed_part, tolerance_of, unknown
from semsr.reproduction.verdict import Part

FACTS = {"id": "m", "title": "M", "direction": "higher", "range": [None, None], "reference": "full", "version": 1}
FACTS |= {"entry": "m:M", "licence": "none", "source": "a test"}


def metric(**noise: Any) -> MetricCard:
    return parse_card(MetricCard, FACTS | {"noise": noise}, "m.yaml")


@pytest.mark.parametrize(
    ("text", "half"), [("26.39", "0.005"), ("0.120", "0.0005"), ("9", "0.5"), ("-1.5", "0.05"), ("123.493817", "0.0000005")]
)
def test_rounding_is_half_a_unit_of_the_last_printed_digit(text: str, half: str) -> None:
    assert half_unit(Published(text)) == Decimal(half)
    assert tolerance_of(Published(text), metric()).measuring == float(half)


def test_parts_are_added_in_quadrature() -> None:
    card = metric(metric={"size": 0.012, "source": "a log"})
    found = tolerance_of(Published("26.39"), card)
    assert [part.name for part in found.parts] == ["rounding", "metric"]
    assert found.measuring == found.whole == pytest.approx(0.013), "5, 12, 13"


def test_noise_of_single_pictures_shrinks_with_their_number() -> None:
    card = metric(metric={"size": 0.0005, "images": 100, "source": "random crops"})
    sizes = {count: tolerance_of(Published("0.6331"), card, count=count).parts[1].size for count in (100, 25, 3000)}
    assert sizes == pytest.approx({100: 0.0005, 25: 0.001, 3000: 0.0005 / math.sqrt(30)})
    bound = metric(metric={"size": 0.0005, "source": "a bound"})
    assert tolerance_of(Published("0.6331"), bound, count=3000).parts[1].size == 0.0005


@pytest.mark.parametrize(("count", "quantile"), [(2, 12.706), (3, 4.303), (5, 2.776), (10, 2.262)])
def test_seeds_allow_what_one_more_run_may_differ_by(count: int, quantile: float) -> None:
    """Quantiles from a printed table of Student's distribution (two-sided 95 %)."""
    seeds = [1.0, -1.0] * (count // 2) + [0.0] * (count % 2)
    sd = math.sqrt(2 * (count // 2) / (count - 1))
    part = seed_part(seeds)
    assert part is not None
    assert part.size == pytest.approx(quantile * sd * math.sqrt(1 + 1 / count), rel=2e-4)
    whole = tolerance_of(Published("0.0"), metric(), seeds=seeds)
    assert whole.measuring == 0.05 and whole.whole == pytest.approx(math.hypot(0.05, part.size))


@pytest.mark.parametrize("seeds", [(), (1.0,), (1.0, math.inf)])
def test_a_spread_that_is_not_known_is_left_out(seeds: tuple[float, ...]) -> None:
    found = tolerance_of(Published("0.0"), metric(), seeds=seeds)
    assert unknown(found) == ("metric", "machine", "seeds")


def test_measured_machine_noise_takes_the_place_of_declared_one() -> None:
    card = metric(machine={"size": 0.05, "source": "declared"})
    assert tolerance_of(Published("26.39"), card).parts[-1] == Part("machine", 0.05, "declared")
    measured = Part("machine", 0.012, "canaries")
    assert tolerance_of(Published("26.39"), card, machine={"m": measured}).measuring == pytest.approx(0.013)
    assert "machine" in unknown(tolerance_of(Published("26.39"), card, machine={"m": Part("machine", 0, "canaries")}))


@pytest.mark.parametrize(
    "noise",
    [{"metric": {"size": -1, "source": "x"}}, {"metric": {"size": 0.1}}, {"metric": {"size": 0.1, "source": ""}}, {"other": 1}],
)
def test_noise_without_a_source_or_a_size_is_refused(noise: dict[str, Any]) -> None:
    with pytest.raises(CardError, match=r"^m\.yaml: .*noise"):
        metric(**noise)


def test_every_declared_size_is_that_of_the_facts(project: Any) -> None:
    """Read off the authors' per-picture logs; what was never compared declares nothing."""
    declared = {name: card.noise.metric.size for name, card in project.metrics.items() if card.noise.metric is not None}
    assert declared == {"psnr": 4e-5, "ssim": 1e-6, "lpips": 8.7e-5, "dists": 2.6e-5, "niqe": 0.003, "maniqa-pipal": 0.0005}
    assert not any(card.noise.machine for card in project.metrics.values())
