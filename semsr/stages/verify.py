"""Is a data set on this machine whole? Prepared pictures, annotations and originals, read again in full and compared, file by file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice

from semsr.assets.progress import count_bar
from semsr.cards import DatasetCard
from semsr.cores import available_cores
from semsr.errors import SemsrError
from semsr.preparation.manifest import MANIFEST
from semsr.project import Project
from semsr.stages import prepare
from semsr.stages.sources import parts_below
from semsr.stages.wholeness import Checks, Finding


@dataclass(frozen=True)
class Verified:
    """What was read, what is wrong, and what could not be compared or does not matter.

    Attributes:
        dataset: the data set's id.
        pictures: prepared pictures, with those of the parts.
        files: files read in all.
        problems: all of them.
        notes: one line each.
    """

    dataset: str
    pictures: int
    files: int
    problems: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line."""
        if not self.problems:
            return f"{self.dataset}: whole; {self.pictures} pictures, {self.files} files read"
        kinds = [finding.kind for finding in self.problems]
        counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        return f"{self.dataset}: not whole: {counted}"

    def render(self, *, as_json: bool = False) -> str:
        """All problems, one a line, then the notes, and the summary where there is no problem; or JSON."""
        if as_json:
            return json.dumps({**asdict(self), "whole": not self.problems}, indent=1)
        lines = [str(finding) for finding in self.problems] + [f"note: {note}" for note in self.notes]
        return "\n".join(lines if self.problems else [*lines, self.summary])


def run(project: Project, dataset_id: str, *, threads: int | None = None) -> Verified:
    """Read a prepared data set again, with the originals that it was made from and the data sets that it is made of.

    Args:
        project: the project.
        dataset_id: the data set's id.
        threads: default: one a core.

    Raises:
        UnknownIdError: no such data set.
        SemsrError: it is not prepared, or its manifest can't be read.
    """
    card = project.dataset(dataset_id)
    problems: list[Finding] = []
    notes: list[str] = []
    pictures = files = 0
    for name in [*parts_below(project, card), card.id]:
        part = project.dataset(name)
        if name != card.id and not (project.data / name / MANIFEST).is_file():
            notes.append(f"{name}, a part of {card.id}, is not prepared any more; not checked")
            continue
        checks = Checks(project, part)
        notes += _of_another_card(project, part)
        with count_bar(f"verify {name}", len(checks.all)) as advance:
            problems += _in_parallel(checks.all, threads or available_cores(), advance)
        problems += checks.extra()
        pictures, files = pictures + len(checks.prepared.entries), files + len(checks.all)
        notes += checks.notes
    return Verified(card.id, pictures, files, tuple(problems), tuple(notes))


def _of_another_card(project: Project, card: DatasetCard) -> list[str]:
    try:
        current = prepare.is_of_this_card(project, card.id)
    except SemsrError:  # what is wrong with a part is said where that is checked
        return []
    again = f"`semsr prepare {card.id}` makes it anew"
    return [] if current else [f"{card.id}: prepared by another card, other code or from other originals than now; {again}"]


def require_whole(verified: Verified) -> None:
    """Raises: SemsrError with one line where anything is wrong."""
    if verified.problems:
        again = ", ".join(f"`semsr prepare {name}`" for name in dict.fromkeys(found.dataset for found in verified.problems))
        outside = any(not found.file.startswith("data/") for found in verified.problems)
        hint = "; originals must be got again first: `semsr fetch ID`, with --from DIR for your own copy" if outside else ""
        raise SemsrError(
            f"{verified.summary}; {again} makes damaged and missing files again, where the originals are whole{hint}"
        )


def _in_parallel(
    checks: Sequence[Callable[[], Finding | None]], threads: int, advance: Callable[[int], None]
) -> Iterator[Finding]:
    """All findings in the order of the checks; so many are under way at a time that memory does not grow with their number.

    Threads, since decoding, reading and hashing leave the interpreter to the others.
    """
    rest: Iterable[tuple[int, Callable[[], Finding | None]]] = iter(enumerate(checks))
    found: dict[int, Finding] = {}
    with ThreadPoolExecutor(threads) as pool:
        waiting: dict[Future[Finding | None], int] = {}
        try:
            while True:
                for place, check in islice(rest, 4 * threads - len(waiting)):
                    waiting[pool.submit(check)] = place
                if not waiting:
                    break
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    place, finding = waiting.pop(future), future.result()
                    if finding is not None:
                        found[place] = finding
                    advance(1)
        finally:
            pool.shutdown(cancel_futures=True)
    return iter([found[place] for place in sorted(found)])
