"""What cards say, as pages: of every method, data set, metric and protocol that the site's tables use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from semsr.cards import DatasetCard, MethodCard, MetricCard
from semsr.cards.base import Paper
from semsr.cards.dataset import MatlabBicubic, RealEsrgan
from semsr.evaluation.protocol import ResolvedColumn, resolve
from semsr.evaluation.semantic.protocol import resolve as resolve_semantic
from semsr.leaderboard.collect_licences import licences_of, policy
from semsr.leaderboard.collect_papers import bibtex_of, line_of, link_of
from semsr.leaderboard.model import Kind, SitePage, SiteTable
from semsr.project import Project
from semsr.reproduction.table import TRUST

Facts = tuple[tuple[str, str], ...]
RUNNERS = {
    "python": "in this process, written anew or with published networks",
    "command": "the authors' own program",
    "outputs": "pictures that someone else made",
}
REFERENCES = {
    "full": "compares with HR, picture by picture",
    "none": "looks at the restored picture alone",
    "distribution": "compares the set of restored pictures with the set of HR",
    "annotations": "compares what a judge finds with annotations",
}


def pages_of(project: Project, tables: Iterable[SiteTable]) -> tuple[SitePage, ...]:
    """The pages that tables lead to, by kind and then by id.

    Args:
        project: the cards.
        tables: of the site.
    """
    tables = tuple(tables)
    blocks = [block for table in tables for block in table.blocks]
    methods = {row.page for block in blocks for row in block.rows} & set(project.methods)
    datasets = {block.dataset for block in blocks} & set(project.datasets)
    protocols = {table.protocol for table in tables}
    metrics = {column.page for block in blocks for column in block.columns} & set(project.metrics)
    found = [_method(project, name) for name in sorted(methods)]
    found += [_dataset(project, name) for name in sorted(datasets)]
    found += [_metric(project, name) for name in sorted(metrics)]
    found += [_protocol(project, name) for name in sorted(protocols & {*project.protocols, *project.semantic_protocols})]
    return tuple(found)


def _page(
    kind: Kind,
    name: str,
    title: str,
    facts: Iterable[tuple[str, str]],
    notes: str,
    paper: Paper | None,
    sections: Mapping[str, Iterable[tuple[str, str]]],
) -> SitePage:
    return SitePage(
        kind=kind,
        id=name,
        title=title,
        facts=tuple((key, value) for key, value in facts if value),
        notes=notes,
        paper=line_of(paper),
        bibtex=bibtex_of(name, paper) if paper else "",
        sections=tuple((heading, lines) for heading, each in sections.items() if (lines := tuple(each))),
        link=link_of(paper) if paper else "",
    )


def _method(project: Project, name: str) -> SitePage:
    card = project.method(name)
    licences = licences_of(project, name)
    facts = [
        ("Licence policy", policy(licences)),
        ("Licence of the code", card.licence),
        ("Licences of weights", "; ".join(licences[1:])),
        ("Scale", f"×{card.scale}" if card.scale else "any"),
        ("Runs", RUNNERS[card.runner]),
        ("Results", "the same every time" if card.deterministic else "drawn at random, from a seed"),
    ]
    if card.command and card.command.repository:
        facts.append(("Code", card.command.repository))
        facts.append(("Commit", card.command.commit or ""))
    if card.outputs:
        facts.append(("Made by", card.outputs.made_by))
    sections = {"Variants": _variants(card), "Weights": _weights(project, card), "Checked": card.checked.items()}
    return _page("method", name, card.title, facts, card.notes, card.paper, sections)


def _variants(card: MethodCard) -> Iterator[tuple[str, str]]:
    for name in card.rows:
        variant = card.variants[name]
        parts = [f"{variant.label}: {variant.trust}, {TRUST[variant.trust]}"]
        if variant.training:
            parts.append(f"recipe {variant.training}")
        if variant.weights:
            parts.append(f"weights {' or '.join(variant.weights)}")
        yield name, "; ".join(parts)


def _weights(project: Project, card: MethodCard) -> Iterator[tuple[str, str]]:
    names = [name for each in card.rows for way in card.variants[each].weights for name in way.split("+")]
    for name in dict.fromkeys(names):
        if (asset := project.assets.get(name)) is not None:
            digits = f"; sha256 {asset.sha256}" if asset.sha256 else ""
            yield name, f"{asset.title}; licence {asset.licence}{digits}"


def _dataset(project: Project, name: str) -> SitePage:
    card = project.dataset(name)
    compared = {
        "same-inputs": "identical files for everybody: values may stand beside published ones",
        "regenerated": "our own draw of a recipe: values beside published ones need care",
    }
    facts = [
        ("Licence", card.licence),
        ("Pictures", str(card.count) if card.count is not None else f"not known: {card.count_unknown}"),
        ("Scale", f"×{card.scale}"),
        ("LR pictures", _degradation(card)),
        ("Comparable", compared[card.comparable]),
        ("Source", card.source.kind),
        ("Split", card.split),
        ("Annotations", ", ".join(each.file for each in card.annotations)),
    ]
    return _page("dataset", name, card.title, facts, card.notes, card.paper, {"Checked": card.checked.items()})


def _degradation(card: DatasetCard) -> str:
    match card.degradation:
        case MatlabBicubic() as made:
            return f"made here: MATLAB-compatible bicubic downscaling, {made.dialect} borders"
        case RealEsrgan() as made:
            return f"made here: Real-ESRGAN's degradation, parameters {made.parameters}, seed {made.seed}"
    return "come with the data set"


def _metric(project: Project, name: str) -> SitePage:
    card: MetricCard = project.metric(name)
    low, high = (("−∞", "∞")[at] if end is None else f"{end:g}" for at, end in enumerate(card.range))
    facts = [
        ("Better", f"{card.direction} values"),
        ("Unit", card.unit or "none"),
        ("Range", f"{low} to {high}"),
        ("Version", str(card.version)),
        ("Definition", REFERENCES[card.reference]),
        ("Licence", card.licence),
        ("Source", card.source),
        ("Weights", ", ".join(card.assets)),
        ("Needs", ", ".join(card.requires)),
    ]
    options = [
        (key, f"{option.meaning} (default {_value(option.default)}{_allowed(option.allowed)})")
        for key, option in card.options.items()
    ]
    protocols = [(each.title, each.columns) for each in project.protocols.values()]
    protocols += [(each.title, each.columns) for each in project.semantic_protocols.values()]
    uses = [
        (column.name, f"{title}: {_options(column.options)}")
        for title, columns in protocols
        for column in columns
        if column.metric == name
    ]
    sections = {"Options": options, "Noise": _noise(card), "Used by": uses, "Checked": card.checked.items()}
    return _page("metric", name, card.title, facts, card.notes, card.paper, sections)


def _noise(card: MetricCard) -> list[tuple[str, str]]:
    """What its card declares of its own noise, under whatever keys it has them."""
    noise = getattr(card, "noise", None)
    if not noise:
        return []
    entries = noise.model_dump(exclude_none=True) if hasattr(noise, "model_dump") else noise
    if not isinstance(entries, Mapping):
        return [("noise", str(noise))]
    return [(str(key), _nested(value)) for key, value in entries.items() if value not in ("", None)]


def _nested(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_nested(each)}" for key, each in value.items())
    return _value(value)


def _protocol(project: Project, name: str) -> SitePage:
    if name in project.protocols:
        plain = resolve(project, name)
        facts = [("Hash", plain.hash), ("Source", plain.card.source), ("A table's value", "the mean over images")]
        columns = [(column.name, _column(column)) for column in plain.columns]
        return _page("protocol", name, plain.card.title, facts, plain.card.notes, plain.card.paper, {"Columns": columns})
    judged = resolve_semantic(project, name)
    card = judged.card
    facts = [
        ("Hash", judged.hash),
        ("Source", card.source),
        ("Annotations", card.annotations),
        ("Post-processing", _nested(card.post_processing.model_dump())),
        ("Objects", _nested(card.objects.model_dump())),
        ("Floor", f"{card.floor.method}/{card.floor.variant}"),
    ]
    columns = [(column.name, _column(column)) for column in judged.columns]
    return _page("protocol", name, card.title, facts, card.notes, card.paper, {"Columns": columns})


def _column(column: ResolvedColumn) -> str:
    options = _options(column.options)
    return f"{column.metric.title} version {column.metric.version}; {options}"


def _options(options: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in options.items()) or "no options"


def _allowed(allowed: Iterable[object] | None) -> str:
    return f"; allowed: {', '.join(map(_value, allowed))}" if allowed is not None else ""


def _value(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
    return str(value)
