"""Writes a page on the data sets of this machine: what is here, what it looks like, what is missing, what is too alike."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from semsr.assets.progress import count_bar
from semsr.assets.store import Store
from semsr.cards import DatasetCard
from semsr.cards.dataset import DerivedSource, GeneratedSource
from semsr.cores import available_cores
from semsr.files import storage_errors, write_atomic
from semsr.project import Project
from semsr.reporting.collect import Facts, collect, damaged
from semsr.reporting.comparison import compare, grey, look_at_new, unknown
from semsr.reporting.contact_sheet import PICTURES, make_sheet
from semsr.reporting.looks import LookBook
from semsr.reporting.page import Section, render
from semsr.reporting.places import check_page, page_errors
from semsr.reporting.wording import STATES

logger = logging.getLogger(__name__)

_OURS = re.compile(r"(picture|lr|hr)-[0-9a-f]{16}\.(jpg|png)|\.(picture|lr|hr)-.*")


def run(project: Project, out: Path | None = None, ids: Sequence[str] = ()) -> Path:
    """Write the page and, beside it, a folder with its pictures.

    Hashes of pictures are kept in data/.looks, so that the next run reads only new ones.

    Args:
        project: the project.
        out: the page; default: results/data/index.html.
        ids: only these data sets; default: all.

    Returns:
        The page's path.

    Raises:
        UnknownIdError: no such data set.
        StorageError: the page can't be written.
    """
    cards = [project.dataset(name) for name in dict.fromkeys(ids)] or list(project.datasets.values())
    out = out if out is not None else project.root / "results" / "data" / "index.html"
    check_page(out)
    folder = out.with_name(f"{out.stem}_files")
    threads = available_cores()
    book = LookBook(project.data / ".looks" / "phash-16.parquet")
    store = Store()

    everything = [collect(project, card, store) for card in cards]
    unread = _look(everything, book, threads)
    shown = sum(min(len(facts.entries), PICTURES) for facts in everything)
    with page_errors(folder), count_bar("contact sheets", shown) as advance:
        sheets = [make_sheet(facts, folder, threads=threads, advance=advance) for facts in everything]
    trained = sum(entry.split == "train" for facts in everything for entry in facts.entries)
    with page_errors(folder), count_bar("near-duplicates", trained) as advance:
        comparison = compare(everything, book, folder, threads=threads, advance=advance)

    sections = []
    for facts, sheet, wrong in zip(everything, sheets, unread, strict=True):
        problems = [problem.replace(f"{project.root}{os.sep}", "") for problem in (*wrong, *sheet.problems)]
        sections.append(Section(damaged(facts, problems), sheet, grey(facts, book)))
    others = [collect(project, project.dataset(name), store) for name in _parts(project, cards)]
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = render(sections, comparison, others, pictures=folder.name, made=made)
    with page_errors(out):
        write_atomic(out, page)
        _sweep(folder, page)
    _summarise(project, out, sections, comparison.count)
    return out


def _parts(project: Project, cards: Sequence[DatasetCard]) -> list[str]:
    """Data sets that these are made from, down to the last, and that are not among them."""
    seen, todo = {card.id for card in cards}, list(cards)
    found: list[str] = []
    while todo:
        source = todo.pop().source
        for name in [part.dataset for part in source.parts] if isinstance(source, DerivedSource | GeneratedSource) else ():
            if name not in seen:
                seen.add(name)
                found.append(name)
                todo.append(project.dataset(name))
    return found


def _look(everything: Sequence[Facts], book: LookBook, threads: int) -> list[tuple[str, ...]]:
    """Hash new pictures; what was hashed stays even when this is interrupted."""
    with count_bar("looking at pictures", sum(1 for facts in everything for _ in unknown(facts, book))) as advance:
        try:
            return [look_at_new(facts, book, threads=threads, advance=advance) for facts in everything]
        finally:
            book.save()


def _sweep(folder: Path, page: str) -> None:
    """Delete pictures that only an earlier page showed; nothing that is not ours."""
    with storage_errors(folder):
        for path in folder.glob("*/*"):
            if _OURS.fullmatch(path.name) and path.name not in page:
                path.unlink(missing_ok=True)
        for inner in folder.glob("*/"):
            with contextlib.suppress(OSError):
                inner.rmdir()  # only where it is empty


def _summarise(project: Project, out: Path, sections: Sequence[Section], alike: int) -> None:
    states = [section.facts.state for section in sections]
    logger.info(
        "%d data set%s: %s",
        len(states),
        "s" * (len(states) != 1),
        ", ".join(f"{states.count(state)} {STATES[state]}" for state in dict.fromkeys(states)),
    )
    for section in sections:
        if (facts := section.facts).problems:
            logger.warning("%s: %s: %s", facts.card.id, STATES[facts.state], facts.problems[0])
    if alike:
        logger.warning("pairs of a training and a test picture that look alike: %d; see the page", alike)
    logger.info("written: %s", project.show(out))
