"""The facts of one data set on this machine: is it here, is it whole, how large are its pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from semsr.assets.store import Store
from semsr.cards import DatasetCard
from semsr.errors import SemsrError
from semsr.preparation.manifest import Entry, Prepared, read_manifest
from semsr.preparation.originals import Fetched, read_record
from semsr.preparation.published import differences, read_table
from semsr.project import Project
from semsr.reporting.storage import AssetState, Size, asset_states, size_below

State = Literal["prepared", "incomplete", "damaged", "unfinished", "absent"]


@dataclass(frozen=True)
class Sizes:
    """Statistics of all HR or all LR pictures; sizes are (H, W), ordered by area."""

    count: int
    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    bits_per_pixel: float


@dataclass(frozen=True)
class Facts:
    """What there is of a data set on this machine.

    Attributes:
        card: its card.
        state: "prepared"; "incomplete": whole, but not the number of pictures that the card says; "damaged": files are gone or
            can't be read, or the manifest can't; "unfinished": pictures without a manifest, so a run was stopped or is at work; "absent".
        problems: what is wrong, a line each.
        prepared: the manifest, where it can be read; `entries` are those whose files are all there.
        entries: usable pictures.
        record: what was fetched, and whether from the user's own copy.
        assets: the files it comes from.
        size: data/<id>.
        hr, lr: statistics; None where there are no such pictures.
        published: whether the pixels are those known as published; None where none are known.
        unlike: which pictures are not, a line each.
    """

    card: DatasetCard
    state: State
    problems: tuple[str, ...]
    prepared: Prepared | None
    entries: tuple[Entry, ...]
    record: Fetched | None
    assets: tuple[AssetState, ...]
    size: Size
    hr: Sizes | None
    lr: Sizes | None
    published: bool | None
    unlike: tuple[str, ...]


def collect(project: Project, card: DatasetCard, store: Store) -> Facts:
    """Look at a data set's folder and assets; no picture is decoded. Nothing that is wrong with the folder is an error."""
    folder = project.data / card.id
    size = size_below(folder)
    problems: list[str] = []
    prepared, state = _prepared(card, folder, size, problems)
    entries: tuple[Entry, ...] = ()
    lengths: dict[Path, int] = {}
    if prepared is not None:
        lengths = {path: length for part in ("hr", "lr") for path, length in _lengths(folder / part)}
        entries = tuple(entry for entry in prepared.entries if _sound(entry) and all(path in lengths for path in _files(entry)))
        problems += [f"{entry.name}: the manifest says nothing sound of it" for entry in prepared.entries if not _sound(entry)]
        gone = [path for entry in prepared.entries for path in _files(entry) if path not in lengths]
        gone += [path for path in prepared.annotations.values() if not path.is_file()]
        problems += [f"{project.show(path)} is gone" for path in gone]
        state = "damaged" if problems else "prepared"
        if card.count is not None and (counted := _counted(card, prepared)) != card.count:
            problems.append(f"{counted:,} pictures, but the card says {card.count:,}")
            state = "incomplete" if state == "prepared" else state
    return Facts(
        card,
        state,
        tuple(problems),
        prepared,
        entries,
        read_record(project, card.id),
        asset_states(project, card, store),
        size,
        _sizes([(entry.hr, entry.hr_size) for entry in entries], lengths),
        _sizes([(entry.lr, entry.lr_size) for entry in entries], lengths),
        prepared.as_published if prepared is not None else None,
        _unlike(project, card, prepared),
    )


def damaged(facts: Facts, problems: Iterable[str]) -> Facts:
    """The same facts after pictures were read: with what is wrong with them added."""
    more = tuple(problem for problem in dict.fromkeys(problems) if problem not in facts.problems)
    return replace(facts, state="damaged", problems=(*more, *facts.problems)) if more else facts


def _prepared(card: DatasetCard, folder: Path, size: Size, problems: list[str]) -> tuple[Prepared | None, State]:
    try:
        return read_manifest(card, folder), "prepared"
    except FileNotFoundError:
        if not size.files:
            return None, "absent"
        hr, lr = (sum(1 for _ in _lengths(folder / part)) for part in ("hr", "lr"))
        problems.append(f"no manifest: preparing was stopped, or is at work, after {hr:,} HR and {lr:,} LR pictures")
        return None, "unfinished"
    except SemsrError as error:
        problems.append(str(error))
    return None, "damaged"


def _counted(card: DatasetCard, prepared: Prepared) -> int:
    """Pictures that the card's `count` counts."""
    return len(prepared.test) if card.source.kind == "photographs" else len(prepared.entries)


def _unlike(project: Project, card: DatasetCard, prepared: Prepared | None) -> tuple[str, ...]:
    table = read_table(card, project.folders("dataset")[card.id]) if prepared is not None else None
    return tuple(differences(table, prepared.entries)) if table is not None and prepared is not None else ()


def _sound(entry: Entry) -> bool:
    """Whether a row of the manifest names a picture, with size and hash of each that it names."""
    sides = [(entry.hr, entry.hr_size, entry.hr_sha256), (entry.lr, entry.lr_size, entry.lr_sha256)]
    named = [(size, sha256) for path, size, sha256 in sides if path is not None]
    return bool(named) and all(
        size is not None and all(size) and sha256 is not None and re.fullmatch("[0-9a-f]{64}", sha256) for size, sha256 in named
    )


def _files(entry: Entry) -> list[Path]:
    return [path for path in (entry.hr, entry.lr) if path is not None]


def _lengths(folder: Path) -> Iterable[tuple[Path, int]]:
    """The files directly in a folder, without temporary ones, and their lengths."""
    if not folder.is_dir():
        return
    for entry in os.scandir(folder):
        if entry.is_file() and not entry.name.startswith("."):
            yield folder / entry.name, entry.stat().st_size


def _sizes(pictures: Sequence[tuple[Path | None, tuple[int, int] | None]], lengths: dict[Path, int]) -> Sizes | None:
    there = sorted((size[0] * size[1], size, lengths[path]) for path, size in pictures if path is not None and size is not None)
    if not there:
        return None
    bits = sum(8 * length / area for area, _, length in there if area) / len(there)
    return Sizes(len(there), there[0][1], there[len(there) // 2][1], there[-1][1], bits)
