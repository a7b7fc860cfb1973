"""What there is here to work with: disks, the store, a browser for tests of pages, and what each profile still lacks."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from semsr.assets.store import default_folder
from semsr.errors import SemsrError
from semsr.files import existing, free_bytes
from semsr.planning import chosen_profile
from semsr.project import Project
from semsr.stages import plan_method

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass(frozen=True)
class ProfileStanding:
    """What restoring all rows of a profile that are not trained in it still takes.

    Attributes:
        rows: how many there are.
        ready: how many of them need nothing more.
        absent: ids of files from outside that are not here.
        to_come: their bytes, as far as known; `unknown`: how many have no known size.
        problem: why nothing can be said, as the profile's cards are wrong; empty where all is well.
    """

    id: str
    rows: int = 0
    ready: int = 0
    absent: tuple[str, ...] = ()
    to_come: int = 0
    unknown: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Surroundings:
    """Where things lie on this machine, with the bytes that are free there; `browser`: None where none was found."""

    project: str
    project_free: int
    store: str
    store_free: int
    browser: str | None
    profiles: tuple[ProfileStanding, ...]


def look_around(project: Project) -> Surroundings:
    """See `Surroundings`; nothing is changed, asked for or read but cards and folders."""
    store = default_folder()
    return Surroundings(
        project=str(project.root),
        project_free=free_bytes(project.root),
        store=str(existing(store)),
        store_free=free_bytes(store),
        browser=next((found for name in BROWSERS if (found := shutil.which(name))), None),
        profiles=tuple(_standing(project, path.stem) for path in sorted((project.root / "profiles").glob("*.yaml"))),
    )


def _standing(project: Project, name: str) -> ProfileStanding:
    try:
        profile = chosen_profile(project, name)
        methods = dict.fromkeys(method for track in profile.tracks.all for method in track.entrants)
        plans = [
            (plan, row)
            for plan in (plan_method.run(project, profile, method) for method in methods)
            for row in plan.variants
            if not row.trainings and row.id in profile.variants.get(plan.id, project.method(plan.id).rows)
        ]
    except SemsrError as error:
        return ProfileStanding(name, problem=str(error))
    absent = dict.fromkeys(each for _, row in plans for each in row.absent)
    sizes = {file.id: file.size if file.size is not None else file.about for plan, _ in plans for file in plan.files}
    return ProfileStanding(
        id=name,
        rows=len(plans),
        ready=sum(row.standing == "ready" for _, row in plans),
        absent=tuple(absent),
        to_come=sum(sizes[each] or 0 for each in absent),
        unknown=sum(sizes[each] is None for each in absent),
    )
