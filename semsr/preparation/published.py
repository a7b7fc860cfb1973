"""Are these the published pictures? Picture by picture, against the table of pixel hashes beside a data set's card."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from semsr.cards import DatasetCard
from semsr.errors import CardError
from semsr.preparation.manifest import Entry


@dataclass(frozen=True)
class Hashes:
    """SHA-256 of the pixels of one published picture; "" where there is none."""

    hr: str
    lr: str


def read_table(card: DatasetCard, folder: Path) -> dict[str, Hashes] | None:
    """The table that a card names (`pixels.each`), by picture; None where it names none.

    Args:
        card: the data set's card.
        folder: where the card lies.

    Raises:
        CardError: the table is not there, or is not of the columns name, hr, lr.
    """
    if card.pixels is None or card.pixels.each is None:
        return None
    path = folder / card.pixels.each
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        table = {row["name"]: Hashes(row["hr"] or "", row["lr"] or "") for row in rows}
    except FileNotFoundError:
        raise CardError(f"{path}: no such file, but the card of {card.id} names it (pixels.each)") from None
    except (KeyError, csv.Error, UnicodeDecodeError) as error:
        raise CardError(f"{path}: not a table with the columns name, hr, lr ({error})") from None
    if len(table) != len(rows):
        raise CardError(f"{path}: a name stands there twice")
    return table


def differences(table: dict[str, Hashes], entries: Iterable[Entry]) -> list[str]:
    """What of the prepared pictures is not as published, one line each; empty where all is.

    Where not one picture has a published name, the copy has names of its own, and only the pixels count.
    """
    entries = sorted(entries, key=lambda entry: entry.name)
    owners = {
        side: {getattr(hashes, side): name for name, hashes in reversed(table.items()) if getattr(hashes, side)}
        for side in ("hr", "lr")
    }
    named = any(entry.name in table for entry in entries)
    found = [line for entry in entries for line in _problems(table, owners, entry, named=named)]
    if named:
        gone = sorted(table.keys() - {entry.name for entry in entries})
        return found + [f"{name}: missing" for name in gone]
    return found


def _problems(table: dict[str, Hashes], owners: dict[str, dict[str, str]], entry: Entry, *, named: bool) -> list[str]:
    expected = table.get(entry.name)
    found = []
    for side, sha in (("hr", entry.hr_sha256), ("lr", entry.lr_sha256)):
        owner = owners[side].get(sha or "")
        if not owners[side] or (expected is not None and getattr(expected, side) == sha):
            continue
        if owner is None:
            found.append(f"{entry.name}: {side.upper()} has other pixels than the published picture")
        elif named:
            found.append(f"{entry.name}: {side.upper()} is the published {owner}, under another name")
    return found
