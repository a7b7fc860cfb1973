"""The links of measuring: the protocol with every option, the metric's card, weights and code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from semsr.cards.metric import OptionValue
from semsr.evaluation.protocol import ResolvedColumn
from semsr.evaluation.session import measuring_fingerprint
from semsr.project import Project
from semsr.stages.tracing.link import Depth, Link, file_link, short
from semsr.stages.tracing.weights import metric_weights


def protocol_link(project: Project, protocol: str, now: str, measured: str, column: ResolvedColumn | None, again: str) -> Link:
    """How it was measured: the protocol's hash beside the scores against that of the card, and the column's options.

    Args:
        project: where the card is.
        protocol: its id.
        now, measured: the hash of the card, and the one that is recorded.
        column: None for columns that the protocol's own rules make (objects).
        again: what to do where they differ.
    """
    card = file_link("card", project, project.root / "metrics" / "protocols" / f"{protocol}.yaml")
    text, facts = f"{protocol}@{measured or 'none'}", {"protocol": protocol, "hash": measured}
    below = (card, *((_options(column.options),) if column is not None else ()))
    if measured != now:
        why = f"hash: measured by {measured or 'none'}, the card's is {now}; {again}"
        return Link("protocol", text, "broken", why, facts | {"now": now}, below)
    return Link("protocol", text, "checked", facts=facts, below=below)


def _options(options: Mapping[str, OptionValue]) -> Link:
    text = ", ".join(f"{name} {json.dumps(value)}" for name, value in options.items()) or "none"
    return Link("options", text, "checked", facts={"options": dict(options)})


def metric_link(
    project: Project, column: ResolvedColumn, measured: tuple[str, int], weights: str, depth: Depth, again: str
) -> Link:
    """The metric: its version beside the scores against its card's, and each of its weights files.

    Args:
        project: where cards and code are.
        column: as the cards say now.
        measured: the metric's id and version beside the scores.
        weights: SHA-256 of its files, joined by "+".
        depth: how far to go.
        again: what to do where they differ.
    """
    metric = column.metric
    folder = project.folders("metric")[project.metric_family(metric.id)]
    card = file_link("card", project, folder / f"{metric.id}.yaml")
    below = (
        card,
        Link("definition", f"{metric.title}; source: {metric.source}", "recorded", facts={"licence": metric.licence}),
        *metric_weights(project, metric.id, weights, depth),
    )
    name, version = measured
    text, facts = f"{name} version {version}", {"metric": name, "version": version, "weights": weights}
    if (name, version) != (metric.id, metric.version):
        why = f"measured by {name} version {version}, the card says {metric.id} version {metric.version}; {again}"
        return Link("metric", text, "broken", why, facts, below)
    return Link("metric", text, "checked", facts=facts, below=below)


def code_link(project: Project, profile: str, dataset: str) -> Link:
    """The code that measured, as the journal of the scores has it, against the code that is here."""
    path = project.results(profile) / "journals" / f"{dataset}.jsonl"
    recorded = _journal(path)
    facts: dict[str, Any] = {"file": project.show(path), "fingerprint": recorded}
    if recorded is None:
        return Link("code", f"{project.show(path)} is not here: what measured is not noted", "recorded", facts=facts)
    text = f"metric code and packages  fingerprint {short(recorded)}  {project.show(path)}"
    for device in ("cpu", "cuda"):
        if measuring_fingerprint(project, device) == recorded:
            return Link("code", f"{text}, on {device}", "checked", facts=facts | {"device": device})
    why = f"code or packages have changed since; `semsr score {dataset}` would measure again"
    return Link("code", text, "moved-on", why, facts)


def _journal(path: Any) -> str | None:
    """The fingerprint in a journal's first line: a checksum, a space, JSON; None where there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
        found = json.loads(first[first.index("{") : first.rindex("}") + 1])["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
