"""What the judges of a profile left for a data set, each with the section of the page that says it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from semsr.assets.missing import summary
from semsr.cards import ProfileCard
from semsr.cards.protocol import OBJECT_COLUMNS
from semsr.errors import SemsrError
from semsr.evaluation.semantic.protocol import ResolvedSemanticProtocol, resolve
from semsr.evaluation.semantic.values import JudgedValues, RowKey, read_values, values_path
from semsr.preparation.manifest import Prepared
from semsr.project import Project
from semsr.reporting.semantic.page import Section
from semsr.stages.judge import CLASSES
from semsr.stages.semantic_numbers import class_table, columns, label_of, names_of, numbers


@dataclass(frozen=True)
class Judged:
    """One judge by one protocol, and what it left; `values` is None where it left nothing, and its section says why."""

    judge: str
    protocol: ResolvedSemanticProtocol
    folder: Path
    section: Section
    values: JudgedValues | None

    @property
    def floor(self) -> tuple[str, str]:
        """The row that is zoomed LR."""
        return self.protocol.card.floor.method, self.protocol.card.floor.variant

    @property
    def rows(self) -> list[RowKey]:
        """The rows that are shown: of each, its first seed."""
        if self.values is None:
            return []
        return [min(key for key in self.values.of if key[:2] == name) for name in names_of(self.values, self.floor)]

    @property
    def counts_objects(self) -> bool:
        """Whether objects lost and won are counted of it."""
        return self.values is not None and set(OBJECT_COLUMNS) <= set(self.values.columns)


def read_judged(project: Project, profile: ProfileCard, prepared: Prepared) -> list[Judged]:
    """Every judge of a profile by every protocol of its semantic track; what one left nothing of, its section says.

    Raises:
        SemsrError: there is nothing of any: what is said of the first.
    """
    found, errors = [], list[SemsrError]()
    for name in profile.tracks.semantic.protocols:
        protocol = resolve(project, name)
        for judge in profile.segmenters.judges:
            folder = project.judged(profile.id, prepared.card.id, name, judge)
            section = Section(f"{judge}-{name}", project.segmenter(judge).title, protocol.card.title)
            values = None
            try:
                values = _values(project, prepared, protocol, judge, folder, section)
            except SemsrError as error:
                errors.append(error)
                section.problems.append(str(error))
            found.append(Judged(judge, protocol, folder, section, values))
    if len(errors) == len(found):
        raise errors[0]
    return found


def _values(
    project: Project, prepared: Prepared, protocol: ResolvedSemanticProtocol, judge: str, folder: Path, section: Section
) -> JudgedValues:
    dataset, again = prepared.card.id, f"semsr judge {prepared.card.id}"
    path = values_path(folder)
    values = read_values(path, project.show(path), again)
    for what, ours in (("manifest_sha256", prepared.sha256), ("protocol_hash", protocol.hash)):
        if values.facts.get(what) != ours:
            raise SemsrError(f"{project.show(path)}: made with another {what} than is there now; run `{again}`")
    section.facts = tuple(_facts(protocol, judge, values))
    section.pictures = values.pictures
    if values.lacking:
        section.problems.append(
            f"{judge} judges nothing: it needs {summary(values.lacking)}; see segmenters/{judge}, then run "
            f"`semsr segment {judge} --dataset {dataset}` and `{again}`"
        )
        return values
    for name, files in sorted(values.missing.items()):
        section.problems.append(
            f"{label_of(project, name)} is not restored: it needs {summary(files)}; see `semsr plan {name[0]} --variant {name[1]}`"
        )
    section.columns, section.rows = columns(protocol, values), numbers(project, protocol, values)
    try:
        section.classes = class_table(project, folder / CLASSES, protocol, values, again)
    except SemsrError as error:
        section.problems.append(str(error))
    return values


def _facts(protocol: ResolvedSemanticProtocol, judge: str, values: JudgedValues) -> list[tuple[str, str]]:
    card, cut = protocol.card, protocol.card.post_processing
    weights = ", ".join(f"{file['asset']} {file['sha256'][:12]}" for file in values.facts.get("weights") or ())
    size = {"resized": "brought to the pictures' size", "original": "as they are; what is found is brought to their size"}
    reasons: dict[str, list[str]] = {}
    for column, why in (values.facts.get("columns_without") or {}).items():
        reasons.setdefault(why, []).append(column.upper())
    without = "; ".join(f"{', '.join(names)}, since {why}" for why, names in reasons.items())
    told = [
        ("Judge", f"{judge}{', weights ' + weights if weights else ''}"),
        ("Protocol", f"{card.id}@{protocol.hash}"),
        ("Annotations", size[card.annotations]),
        (
            "Thresholds",
            f"segment {cut.score:g}, mask {cut.mask:g}, overlap {cut.overlap:g}; {cut.detections} instances at most",
        ),
        (
            "Objects",
            f"a score of {card.objects.score:g} or more is sure; an IoU of {card.objects.iou:g} or more with an object of its class "
            f"({card.objects.by}) is right",
        ),
    ]
    return [*told, ("Not measured", without)] if without else told
