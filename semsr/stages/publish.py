"""Writes the leaderboard: a static site that opens from a file. Reads what earlier stages left; never imports torch."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from semsr.cards import ProfileCard
from semsr.errors import SemsrError
from semsr.evaluation.lints.store import read_lints
from semsr.files import sha256_file
from semsr.leaderboard.build import Built, build
from semsr.leaderboard.collect import AnyOf, Sources, collect
from semsr.preparation.manifest import MANIFEST, Prepared, open_prepared
from semsr.project import Project
from semsr.reproduction.score_files import read_scores
from semsr.restoration.cell import read_json
from semsr.stages import tabulate, tabulate_descriptions, tabulate_semantic
from semsr.stages.commit import git_commit

SITE = "results/site"


def run(
    project: Project,
    profile: ProfileCard,
    out: Path | None = None,
    *,
    pictures: int | None = None,
    keep_going: bool = False,
) -> Built:
    """Write the site of a profile.

    Args:
        project: the project.
        profile: whose results to show.
        out: the site's folder, made anew; default: results/site.
        pictures: of each data set, so many come along to be looked at; None: all; 0: none.
        keep_going: what was not scored, described or judged is said to be so in its table, and is no error.

    Raises:
        SemsrError: as of `tabulate`; or `out` holds something else, or can't be written.
    """
    site = collect(project, profile, sources(project, profile, keep_going=keep_going))
    built = build(site, out or project.root / SITE, pictures=pictures)
    shown = project.show(built.folder / "index.html")
    sys.stdout.write(
        f"{shown}: {built.pages} pages, {built.size / 2**20:.1f} MB and {built.pictures} pictures, in {built.seconds:.1f} s; "
        "open it in a browser\n"
    )
    return built


def sources(project: Project, profile: ProfileCard, *, keep_going: bool = False) -> Sources:
    """What a site of the profile is made of. Raises: SemsrError."""
    tables: list[AnyOf] = [*tabulate.tables_of(project, profile, keep_going=keep_going)]
    tables += tabulate_descriptions.tables_of(project, profile, keep_going=keep_going)
    tables += tabulate_semantic.tables_of(project, profile, keep_going=keep_going)
    order = {name: at for at, name in enumerate(profile.tables)}
    tables.sort(key=lambda table: order[table.id])
    datasets = [dataset for track in profile.tracks.all for dataset in track.datasets]
    return Sources(
        tables=tables,
        files={table.id: tabulate.files_of(table) for table in tables},
        scores=_scores(project, profile, datasets),
        prepared=_prepared(project, datasets),
        warnings=_warnings(project, profile, datasets),
        facts=_facts(project, profile),
    )


def _scores(project: Project, profile: ProfileCard, datasets: list[str]) -> dict[str, pd.DataFrame]:
    paths = {name: project.results(profile.id) / "scores" / f"{name}.parquet" for name in datasets}
    return {name: read_scores(path, project.show(path), name) for name, path in paths.items() if path.is_file()}


def _prepared(project: Project, datasets: list[str]) -> dict[str, Prepared]:
    return {name: open_prepared(project, name) for name in datasets if (project.data / name / MANIFEST).is_file()}


def _warnings(project: Project, profile: ProfileCard, datasets: list[str]) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """What lints found in the outputs, by data set, method and variant; of a row with seeds, each finding names its seed."""
    found: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for dataset in datasets:
        path = project.results(profile.id) / "lints" / f"{dataset}.json"
        if not path.is_file():
            continue
        for (method, variant, seed), findings in read_lints(path).items():
            of_seed = f"seed {seed}: " if seed else ""
            lines = tuple(f"{of_seed}{finding.message}" for finding in findings if finding.counts)
            found[dataset, method, variant] = found.get((dataset, method, variant), ()) + lines
    return found


def _facts(project: Project, profile: ProfileCard) -> list[tuple[str, str]]:
    """What stands at the foot of each page."""
    facts = [("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))]
    if commit := git_commit(project.root):
        digits, changed, more = commit.partition("+")
        facts.append(("commit", f"{digits[:12]}{changed}{more}"))
    facts.append(("environment", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"))
    if project.lock.is_file():
        facts.append(("lock", sha256_file(project.lock)[:12]))
    records = (read_json(path) for path in project.results(profile.id).glob("cells/*/*/*/run.json"))
    if machines := sorted({str(record["passport"]) for record in records if record.get("passport")}):
        facts.append(("machines", ", ".join(machines)))
    return facts


def count_of(text: str) -> int | None:
    """How many pictures `--pictures` asks for: a number, `all` (None) or `none` (0). Raises: SemsrError."""
    match text:
        case "all":
            return None
        case "none":
            return 0
    if text.isascii() and text.isdigit():
        return int(text)
    raise SemsrError(f"--pictures: found {text!r}; allowed: a number, all, none")
