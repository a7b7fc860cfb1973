"""The metrics of one or several protocols, made once; what can't be made stands there with its reason."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from semsr.cards.metric import MetricCard
from semsr.errors import AssetError, CardError, MetricUnavailableError
from semsr.evaluation.metric import Metric, SetMetric, Workshop
from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol
from semsr.files import sha256_file
from semsr.plugins import load_plugin
from semsr.project import Project

log = logging.getLogger(__name__)

NO_REFERENCE = "no reference"
"""Why a full-reference metric is not available on pictures without HR."""


@dataclass
class Workbench:
    """Metrics ready to measure, by the column's key.

    Attributes:
        device: where networks run.
        metrics: one value a picture.
        set_metrics: one value a set.
        needs_reference: keys of metrics that compare with HR pictures.
        unavailable: why a metric can't be computed here; text that follows "not available, because".
        weights: SHA-256 of the weights files a metric was made with, joined by "+"; "" without.
    """

    device: str = "cpu"
    metrics: dict[str, Metric] = field(default_factory=dict)
    set_metrics: dict[str, SetMetric] = field(default_factory=dict)
    needs_reference: set[str] = field(default_factory=set)
    unavailable: dict[str, str] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)


def build(
    project: Project,
    protocols: Iterable[ResolvedProtocol],
    *,
    device: str = "cpu",
    has_reference: bool = True,
    asset: Callable[[str], Path] | None = None,
) -> Workbench:
    """Make every metric of `protocols`; a metric with the same options in two protocols is made once.

    Args:
        project: where the metrics' code and assets are.
        protocols: what is to be measured.
        device: "cpu" or "cuda".
        has_reference: False: there are no HR pictures; metrics that need them are unavailable.
        asset: gives an asset's verified file by its id; default: the store.

    Raises:
        CardError: a card's entry is wrong. An error inside a metric's own code is not hidden either.
    """
    fetch = asset or _from_store(project)
    bench = Workbench(device)
    for column in (column for protocol in protocols for column in protocol.columns):
        if column.key in bench.weights:
            continue
        reason = NO_REFERENCE if column.metric.reference != "none" and not has_reference else _missing_package(column.metric)
        if not reason:
            reason = _make(project, bench, column, fetch)
        else:
            bench.weights[column.key] = ""
        if reason:
            bench.unavailable[column.key] = reason
        if column.metric.reference != "none":
            bench.needs_reference.add(column.key)
    return bench


def _from_store(project: Project) -> Callable[[str], Path]:
    from semsr.assets.store import Store

    store = Store()
    return lambda name: store.get(project.asset(name))


def _make(project: Project, bench: Workbench, column: ResolvedColumn, fetch: Callable[[str], Path]) -> str:
    """Put the column's metric on the bench; the reason why not, else ""."""
    used: list[str] = []

    def asset(name: str) -> Path:
        path = fetch(name)
        used.append(project.asset(name).sha256 or sha256_file(path))
        return path

    bench.weights[column.key] = ""
    card = column.metric
    try:
        kind = load_plugin(project, "metric", project.metric_family(card.id), card.entry)
        metric = kind(Workshop(card, column.options, asset, bench.device))
    except (MetricUnavailableError, AssetError) as error:
        return str(error)
    except ModuleNotFoundError as error:
        return _reason_of_import(card, error)
    wanted = SetMetric if column.of_set else Metric
    if not isinstance(metric, wanted):
        raise CardError(
            f"metric {card.id!r}: entry {card.entry!r} is a {type(metric).__name__}, but a card with reference "
            f"{card.reference!r} needs a {wanted.__name__}"
        )
    if isinstance(metric, SetMetric):
        bench.set_metrics[column.key] = metric
    else:
        bench.metrics[column.key] = metric
    bench.weights[column.key] = "+".join(used)
    return ""


def _missing_package(card: MetricCard) -> str:
    for requirement in card.requires:
        name = _package(requirement)
        try:
            distribution(name)
        except PackageNotFoundError:
            extra = _extra_with(name)
            what = f"pip install 'semsr[{extra}]'" if extra else f"pip install '{requirement}'"
            return f"package {name!r} is not installed ({what})"
    return ""


def _reason_of_import(card: MetricCard, error: ModuleNotFoundError) -> str:
    """A required package that is there but lacks one of its own; anything else is a mistake in the metric's code."""
    if not card.requires:
        raise error
    return f"package {', '.join(map(_package, card.requires))!r} can't be imported: {error}"


def _extra_with(package: str) -> str:
    """The optional extra of this project that brings a package, "" where none does."""
    for declared in requires("semsr") or ():
        name, _, extra = declared.partition("extra ==")
        if extra and _package(name).lower() == package.lower():
            return extra.strip(" \"'")
    return ""


def _package(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]


def unavailable_columns(bench: Workbench, protocols: Iterable[ResolvedProtocol]) -> Mapping[str, str]:
    """Column names that can't be computed here, with the reason."""
    return {
        column.name: bench.unavailable[column.key]
        for protocol in protocols
        for column in protocol.columns
        if column.key in bench.unavailable
    }
