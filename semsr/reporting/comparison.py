"""Training pictures against test pictures, over all data sets that are here: does one hold what the other is measured on?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from semsr.errors import PictureError
from semsr.preparation.manifest import Entry
from semsr.reporting.collect import Facts
from semsr.reporting.contact_sheet import Shown, face, read_checked, thumbnail
from semsr.reporting.duplicates import near_duplicates
from semsr.reporting.looks import LookBook, look_at, words

SHOWN = 60
"""Pairs that the page shows, the nearest; all are counted."""

_SAVED_EVERY = 2000
_WAITING = 4


@dataclass(frozen=True)
class Side:
    """One picture of a pair: where it stands (the same pixels may be in several data sets), and its thumbnail."""

    homes: tuple[tuple[str, str], ...]
    shown: Shown | None


@dataclass(frozen=True)
class Alike:
    """A test and a training picture that look alike; `identical`: the very same pixels."""

    test: Side
    train: Side
    distance: int
    mirrored: bool
    identical: bool


@dataclass(frozen=True)
class Comparison:
    """What was compared and what was found.

    Attributes:
        test, train: numbers of different pictures on the two sides.
        test_sets, train_sets: the data sets they are from.
        comparisons: of hashes, mirrored ones included.
        count: pairs found.
        pairs: the nearest of them.
    """

    test: int
    train: int
    test_sets: tuple[str, ...]
    train_sets: tuple[str, ...]
    comparisons: int
    count: int
    pairs: tuple[Alike, ...]


def look_at_new(
    facts: Facts, book: LookBook, *, threads: int = 1, advance: Callable[[int], None] = lambda _: None
) -> tuple[str, ...]:
    """Hash the pictures of a data set that the book does not know; memory is a few pictures a thread.

    Returns:
        What is wrong with pictures that could not be read, a line each; they are compared with nothing.
    """
    problems: list[str] = []

    def look(entry: Entry) -> str | None:
        try:
            path, sha256 = face(entry)
            book.add(sha256, look_at(read_checked(path, sha256)))
        except PictureError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(threads) as pool:
        for problem in _side_by_side(pool, look, unknown(facts, book), threads * _WAITING):
            problems += [problem] if problem else []
            book.save(at_least=_SAVED_EVERY)
            advance(1)
    return tuple(problems)


def unknown(facts: Facts, book: LookBook) -> Iterator[Entry]:
    """The pictures of a data set that the book does not know."""
    return (entry for entry in facts.entries if book.get(entry.hr_sha256 or entry.lr_sha256 or "") is None)


def grey(facts: Facts, book: LookBook) -> int:
    """How many pictures of a data set are grey, of those the book knows."""
    looks = (book.get(face(entry)[1]) for entry in facts.entries)
    return sum(look.grey for look in looks if look is not None)


def compare(
    everything: Sequence[Facts],
    book: LookBook,
    folder: Path,
    *,
    threads: int = 1,
    advance: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Compare all test with all training pictures that the book knows, and write thumbnails of the pairs found.

    Args:
        everything: the data sets.
        book: filled by `look_at_new`.
        folder: the page's folder of pictures.
        threads: comparisons side by side.
        advance: told how many training pictures are done.

    Raises:
        StorageError: the folder can't be written.
    """
    test, train = (_different(everything, split, book) for split in ("test", "train"))
    tested, trained = ([look for sha256 in side if (look := book.get(sha256)) is not None] for side in (test, train))
    plain, mirrored = words([look.plain for look in tested]), words([look.mirrored for look in tested])
    found = near_duplicates(plain, mirrored, words([look.plain for look in trained]), threads=threads, advance=advance)
    tests, trains = list(test), list(train)
    pairs = []
    for pair in found.pairs[:SHOWN]:
        one, other = tests[pair.test], trains[pair.train]
        sides = _side(one, test[one], folder), _side(other, train[other], folder)
        pairs.append(Alike(*sides, pair.distance, pair.mirrored, one == other))
    pairs.sort(key=lambda alike: (alike.distance, not alike.identical))
    sets = _sets(test.values()), _sets(train.values())
    return Comparison(len(test), len(train), *sets, found.comparisons, found.count, tuple(pairs))


_Homes = list[tuple[str, Entry]]


def _different(everything: Sequence[Facts], split: str, book: LookBook) -> dict[str, _Homes]:
    """The different pictures of one split, by their hash, with all the places where they are."""
    found: dict[str, _Homes] = {}
    for facts in everything:
        for entry in facts.entries:
            sha256 = face(entry)[1]
            if entry.split == split and book.get(sha256) is not None:
                found.setdefault(sha256, []).append((facts.card.id, entry))
    return found


def _sets(homes: Iterable[_Homes]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(dataset for home in homes for dataset, _ in home))


def _side(sha256: str, homes: _Homes, folder: Path) -> Side:
    dataset, entry = homes[0]
    try:
        shown = thumbnail(read_checked(face(entry)[0], sha256), folder, dataset, sha256)
    except PictureError:
        shown = None
    return Side(tuple((dataset, entry.name) for dataset, entry in homes), shown)


def _side_by_side(
    pool: ThreadPoolExecutor, work: Callable[[Entry], str | None], entries: Iterator[Entry], waiting: int
) -> Iterator[str | None]:
    """Results as they come; only so many pictures are handed out ahead."""
    pending: set[Future[str | None]] = {pool.submit(work, entry) for entry in islice(entries, waiting)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            pending |= {pool.submit(work, entry) for entry in islice(entries, 1)}
            yield future.result()
