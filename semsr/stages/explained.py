"""Where the explanations of a table lie that `semsr explain --all` leaves and `semsr tabulate` reads."""

from __future__ import annotations

from pathlib import Path

from semsr.cards import ProfileCard
from semsr.project import Project
from semsr.reproduction.forensics.store import read_explanations
from semsr.reproduction.verdicts import Explained


def explained_path(project: Project, profile: str, table: str) -> Path:
    """The file of one table: results/<profile>/explained/<table>.json."""
    return project.results(profile) / "explained" / f"{table}.json"


def explanations(project: Project, profile: ProfileCard, table: str) -> Explained:
    """What is known of a table's cells; nothing where there is no file. Raises: SemsrError: it can't be read."""
    path = explained_path(project, profile.id, table)
    return read_explanations(path, project.show(path))
