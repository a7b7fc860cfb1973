"""The links of what is printed: the table's card, the published value with its source line, the verdict, our value."""

from __future__ import annotations

from pathlib import Path

from semsr.cards import AnyTable
from semsr.errors import SemsrError
from semsr.project import Project
from semsr.reproduction.reported import Published, read_lines
from semsr.reproduction.verdict import SAID, Verdict
from semsr.stages.tracing.link import Link, file_link


def table_link(project: Project, card: AnyTable, profile: str) -> Link:
    """The table's card, whose results it shows, and what it is copied from."""
    link = file_link("table", project, project.folders("table")[card.id] / "table.yaml")
    text = f"{card.title}, results of profile {profile}: {link.text}"
    return Link("table", text, link.state, link.why, {**link.facts, "id": card.id, "profile": profile})


def published_link(
    project: Project, card: AnyTable, published: Published | None, key: tuple[str, str, str], elsewhere: str = ""
) -> Link:
    """The published value and the line of the file that it stands in.

    Args:
        project: where the file is.
        card: of the table whose file it is.
        published: the value; None where the paper has none.
        key: the paper's names: row, data set, column.
        elsewhere: why the value is of other pictures; empty where it is the table's own.
    """
    if published is None or card.reported is None:
        return Link("published", "the paper has no such value", "recorded")
    path = project.folders("table")[card.id] / card.reported
    link = file_link("file", project, path)
    if link.state == "broken":
        return Link("published", published.text or "a dash", "broken", link.why, link.facts)
    line = _line(project, path, key)
    text = f"{published.text or 'a dash'}  {project.show(path)}, line {line or '?'}"
    text += f" ({published.note})" if published.note else ""
    text += f"; of other pictures: {elsewhere}" if elsewhere else ""
    facts = {**link.facts, "value": published.text, "line": line, "note": published.note, "elsewhere": elsewhere}
    return Link("published", text, "checked" if line else "recorded", facts=facts, below=(link,))


def _line(project: Project, path: Path, key: tuple[str, str, str]) -> int | None:
    try:
        _, lines = read_lines(path, project.show(path))
    except SemsrError:
        return None
    wanted = key[0], key[1], key[2].replace("_", "-")
    # A transcription writes `box_ap` where a column, which has no underscore, is `box-ap`.
    return next((number for number, row in lines if (row[1], row[2], row[3].replace("_", "-")) == wanted), None)


def verdict_link(verdict: Verdict | None) -> Link:
    """What is said of the published value."""
    if verdict is None:
        return Link("verdict", "none: nothing is published to compare with", "recorded")
    text = SAID[verdict.kind] + (f": {verdict.why}" if verdict.why else "")
    facts: dict[str, object] = {"kind": verdict.kind, "why": verdict.why, "explained_by": verdict.explained_by}
    below: tuple[Link, ...] = ()
    if verdict.tolerance is not None:
        below = tuple(
            Link("tolerance", f"{part.name} ±{part.size:.3g}: {part.source}", "recorded") for part in verdict.tolerance.parts
        )
        facts["tolerance"] = [{"name": part.name, "size": part.size, "source": part.source} for part in verdict.tolerance.parts]
    return Link("verdict", text, "here", facts=facts, below=below)
