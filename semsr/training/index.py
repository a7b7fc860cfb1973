"""The pictures of one or several prepared data sets as a few NumPy arrays.

Worker processes share the parent's memory as long as nobody writes to it, and CPython writes to every object it looks at (its reference
count). Arrays have one count each, however many pictures they describe: 10,000 pictures cost a worker nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from semsr.errors import SemsrError, SizeMismatchError
from semsr.preparation.manifest import Entry, Prepared

Kind = Literal["hr", "lr"]
"""Which picture of a pair."""


@dataclass(frozen=True)
class Source:
    """A data set to train on, with its tags.

    Attributes:
        prepared: the data set; only its training pictures are used.
        tags: a folder with <name>.txt for every picture, or None.
    """

    prepared: Prepared
    tags: Path | None = None


class Texts:
    """Many short texts in two arrays."""

    def __init__(self, texts: Iterable[str]) -> None:
        parts = [text.encode() for text in texts]
        self._bytes = np.frombuffer(b"".join(parts), np.uint8)
        self._ends = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, at: int) -> str:
        return self._bytes[self._ends[at] : self._ends[at + 1]].tobytes().decode()


class Index:
    """What is known of each picture, by its number.

    Args:
        sources: the data sets, one after the other; their scales must be equal.

    Raises:
        SemsrError: no training pictures, different scales, or a picture without HR.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        if not sources:
            raise SemsrError("training: no data set given; name at least one")
        self.scale = _scale(sources)
        self._roots = [source.prepared.folder for source in sources]
        self._ids = [source.prepared.card.id for source in sources]
        self._replicate = [source.prepared.card.grey == "replicate" for source in sources]
        chosen = [(number, entry) for number, source in enumerate(sources) for entry in _training(source.prepared)]
        entries = [entry for _, entry in chosen]
        self._source: NDArray[np.int32] = np.array([number for number, _ in chosen], np.int32)
        self._names = Texts(entry.name for entry in entries)
        self._files = {
            kind: Texts(_below(_picture(entry, kind)[0], self._roots[number]) for number, entry in chosen)
            for kind in ("hr", "lr")
        }
        self._sizes = {kind: _column([_picture(entry, kind)[1] or (0, 0) for entry in entries]) for kind in ("hr", "lr")}
        self._hashes = {
            kind: np.frombuffer(
                b"".join(bytes.fromhex(_picture(entry, kind)[2] or "").rjust(32, b"\0") for entry in entries), np.uint8
            ).reshape(-1, 32)
            for kind in ("hr", "lr")
        }

    def __len__(self) -> int:
        return len(self._source)

    def name(self, at: int) -> str:
        """`<data set>/<name>`: names alone may meet again in another data set."""
        return f"{self._ids[self.source(at)]}/{self._names[at]}"

    def stem(self, at: int) -> str:
        """The picture's name within its data set."""
        return self._names[at]

    def source(self, at: int) -> int:
        """The number of the picture's data set."""
        return int(self._source[at])

    def file(self, at: int, kind: Kind) -> Path:
        """The picture's file."""
        return self._roots[self.source(at)] / self._files[kind][at]

    def replicates_grey(self, at: int) -> bool:
        """Whether a grey file stands for three equal channels, as the data set's card says."""
        return self._replicate[self.source(at)]

    def size(self, at: int, kind: Kind) -> tuple[int, int]:
        """(H, W) as the manifest has it; (0, 0) where there is no such picture."""
        height, width = self._sizes[kind][at]
        return int(height), int(width)

    def sizes(self, kind: Kind) -> NDArray[np.int32]:
        """(N, 2) int32: all sizes."""
        return self._sizes[kind]

    def sha256(self, at: int, kind: Kind) -> str:
        """The hash of the picture's pixels, 64 hexadecimal digits."""
        return bytes(self._hashes[kind][at]).hex()

    def pack_command(self, at: int) -> str:
        """What a user types to pack the picture's data set."""
        return f"semsr pack {self._ids[self.source(at)]}"

    def require_pairs(self) -> None:
        """Make sure that every picture has LR of exactly 1/scale its size.

        Raises:
            SizeMismatchError: names the first that has not.
        """
        hr, lr = self._sizes["hr"], self._sizes["lr"]
        wrong = np.flatnonzero((hr != lr * self.scale).any(axis=1))
        if not len(wrong):
            return
        at = int(wrong[0])
        more = f" (and {len(wrong) - 1} more pictures)" if len(wrong) > 1 else ""
        if not lr[at].any():
            raise SizeMismatchError(
                f"{self.name(at)}: no LR picture{more}; prepare the data set with LR, or choose LR made while training"
            )
        raise SizeMismatchError(
            f"{self.name(at)}: HR is {hr[at][1]}x{hr[at][0]} pixels and LR {lr[at][1]}x{lr[at][0]}; "
            f"HR must be {self.scale} times LR{more}: run `semsr prepare {self._ids[self.source(at)]}` again, or use another copy"
        )


def _scale(sources: Sequence[Source]) -> int:
    scales = {source.prepared.card.scale: source.prepared.card.id for source in sources}
    if len(scales) > 1:
        found = ", ".join(f"{name} x{scale}" for scale, name in sorted(scales.items()))
        raise SemsrError(f"training: data sets of different scales: {found}; train on one scale at a time")
    return next(iter(scales))


def _training(prepared: Prepared) -> tuple[Entry, ...]:
    entries = prepared.train
    if not entries:
        raise SemsrError(
            f"data set {prepared.card.id!r} has no training pictures: it is for testing, and nothing may be trained on it"
        )
    for entry in entries:
        if entry.hr is None:
            raise SemsrError(f"{prepared.card.id}/{entry.name}: no HR picture; training needs one of every picture")
    return entries


def _picture(entry: Entry, kind: str) -> tuple[Path | None, tuple[int, int] | None, str | None]:
    return (entry.hr, entry.hr_size, entry.hr_sha256) if kind == "hr" else (entry.lr, entry.lr_size, entry.lr_sha256)


def _below(path: Path | None, root: Path) -> str:
    return path.relative_to(root).as_posix() if path else ""


def _column(sizes: list[tuple[int, int]]) -> NDArray[np.int32]:
    return np.array(sizes, np.int32).reshape(-1, 2)
