"""What is said of files from outside that can't be had: which, how large, from where, and how a person supplies them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from semsr.assets.sizes import show_bytes, show_size
from semsr.cards.asset import Asset

IN_SCORES = b"semsr.missing"
"""Where a file of scores keeps, in its metadata, which rows could not be restored and what they lack (JSON)."""


@dataclass(frozen=True)
class MissingFile:
    """One file that is not here.

    Attributes:
        size, about: bytes, and roughly how many where nobody says exactly; None where not known.
        mirrors: in the order in which they are tried.
        reason: what each mirror answered; "" where none was asked, since another file of the same set was missing already.
        manual: how to supply it by hand.
    """

    id: str
    title: str
    file: str
    size: int | None
    about: int | None
    licence: str
    mirrors: tuple[str, ...]
    reason: str
    manual: str

    @property
    def size_text(self) -> str:
        """Its size as a person reads it."""
        return "size not known" if self.size is None and self.about is None else show_size(self.size, self.about)

    def line(self) -> str:
        """Everything in one line, without anything of this machine."""
        tried = f"tried {self.reason}" if self.reason else f"from {'; '.join(self.mirrors)} (not asked for)"
        return (
            f"{self.id}: {self.title}; file {self.file}, {self.size_text}; licence {self.licence}; {tried}. "
            f"By hand: {self.manual.rstrip('.')}."
        )


def missing_file(asset: Asset, reason: str) -> MissingFile:
    """What is said of one asset."""
    from semsr.assets.mirrors import describe  # what only reads these notes needs no network code

    return MissingFile(
        id=asset.id,
        title=asset.title,
        file=asset.file,
        size=asset.size,
        about=asset.about,
        licence=asset.licence,
        mirrors=tuple(describe(mirror) for mirror in asset.mirrors),
        reason=reason,
        manual=" ".join(asset.manual.split()),
    )


def summary(files: Sequence[MissingFile]) -> str:
    """Which files are missing, in few words: the first by name, of the others how many, and their bytes together."""
    first, count = files[0], len(files) - 1
    text = f"asset {first.id} ({first.size_text})"
    if not count:
        return text
    sizes = [file.size if file.size is not None else file.about for file in files]
    exact = all(file.size is not None for file in files)
    known = sum(size for size in sizes if size is not None)
    amount = "" if exact else "more than " if None in sizes else "about "
    total = f", {amount}{show_bytes(known)} together" if known else ""
    return f"{text} and {count} more file{'s' if count > 1 else ''}{total}"


def to_plain(files: Sequence[MissingFile]) -> list[dict[str, Any]]:
    """As plain values, for JSON."""
    return [asdict(file) for file in files]


def from_plain(found: object) -> tuple[MissingFile, ...]:
    """Read back what `to_plain` gave; entries of another shape are left out."""
    names = {field.name for field in fields(MissingFile)}
    entries = found if isinstance(found, list) else []
    return tuple(
        MissingFile(**{**entry, "mirrors": tuple(entry["mirrors"])})
        for entry in entries
        if isinstance(entry, Mapping) and set(entry) == names and isinstance(entry["mirrors"], list)
    )
