"""Metrics that can't be had stand there with their reason."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from semsr.errors import AssetError, CardError
from semsr.evaluation.protocol import resolve
from semsr.evaluation.workbench import build, unavailable_columns
from semsr.project import Project


def test_shared_columns_are_made_once(small: Project, add_protocol: Callable[..., str]) -> None:
    add_protocol("p", error="mae", edges="edges")
    add_protocol("q", same="mae", cut=("mae", {"border": 1}))
    bench = build(small, [resolve(small, "p"), resolve(small, "q")])
    assert len(bench.metrics) == 3


def test_a_missing_package_is_a_reason(small: Project, add_protocol: Callable[..., str]) -> None:
    protocol = resolve(small, add_protocol("p", a="absent", error="mae"))
    bench = build(small, [protocol])
    assert unavailable_columns(bench, [protocol]) == {
        "a": "package 'no-such-package-anywhere' is not installed (pip install 'no-such-package-anywhere>=3')"
    }
    assert len(bench.metrics) == 1


def test_weights_that_cannot_be_had_are_a_reason(small: Project, add_protocol: Callable[..., str]) -> None:
    def asset(name: str) -> Path:
        raise AssetError(f"asset {name!r}: no mirror answered")

    protocol = resolve(small, add_protocol("p", w="weighted"))
    bench = build(small, [protocol], asset=asset)
    assert unavailable_columns(bench, [protocol]) == {"w": "asset 'weights': no mirror answered"}
    assert list(bench.weights.values()) == [""]


def test_weights_used_are_noted(small: Project, add_protocol: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"1234")
    protocol = resolve(small, add_protocol("p", w="weighted", error="mae"))
    bench = build(small, [protocol], asset=lambda name: tmp_path / "w")
    assert sorted(bench.weights.values()) == ["", "0" * 64]


def test_the_store_is_asked_by_default(
    small: Project, add_protocol: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "assets"))
    protocol = resolve(small, add_protocol("p", w="weighted"))
    assert "weights" in unavailable_columns(build(small, [protocol]), [protocol])["w"]


def test_a_mistake_in_the_metric_is_not_a_reason(small: Project, add_protocol: Callable[..., str]) -> None:
    (small.root / "metrics/simple/simple.py").write_text("import no_such_module_at_all\n")
    with pytest.raises(ModuleNotFoundError):
        build(small, [resolve(small, add_protocol("p", error="mae"))])


def test_card_and_class_must_agree(small: Project, add_protocol: Callable[..., str]) -> None:
    card = small.root / "metrics/simple/mae.yaml"
    card.write_text(card.read_text().replace("reference: full", "reference: distribution"))
    with pytest.raises(CardError, match=r"'mae': entry 'simple:MeanAbsoluteError' is a MeanAbsoluteError.* needs a SetMetric"):
        build(small, [resolve(small, add_protocol("p", error="mae"))])


def test_the_extra_that_brings_a_package_is_named(
    small: Project, add_protocol: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = small.root / "metrics/simple/absent.yaml"
    card.write_text(card.read_text().replace("no-such-package-anywhere>=3", "pyiqa"))

    def nowhere(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("semsr.evaluation.workbench.distribution", nowhere)
    protocol = resolve(small, add_protocol("p", a="absent"))
    reasons = unavailable_columns(build(small, [protocol]), [protocol])
    assert reasons == {"a": "package 'pyiqa' is not installed (pip install 'semsr[iqa]')"}
