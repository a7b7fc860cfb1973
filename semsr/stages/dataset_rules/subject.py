"""What a rule looks at, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from semsr.cards import Asset, DatasetCard
from semsr.cards.dataset import DerivedSource, FileSource, GeneratedSource, PhotoSource

_SAYS_NOTHING = {"", "-", "?", "n/a", "none", "tbd", "todo", "unknown", "see readme", "various"}


@dataclass(frozen=True)
class Finding:
    """What one rule found: kept, broken, or (None) with nothing to look at."""

    name: str
    passed: bool | None
    figure: str


@dataclass(frozen=True)
class Subject:
    """A data set's card and what stands around it.

    Attributes:
        card: the card.
        folder: where it lies.
        declared: the assets of the `assets.yaml` beside it.
        assets: all assets of the project that can be read, by id; several where an id is declared more than once.
        cards: all data set cards that can be read, by id.
    """

    card: DatasetCard
    folder: Path
    declared: tuple[Asset, ...]
    assets: Mapping[str, Sequence[Asset]]
    cards: Mapping[str, DatasetCard]

    @property
    def concerned(self) -> list[Asset]:
        """The assets declared here or used here, each once."""
        used = [self.assets[name][0] for name in used_assets(self.card) if name in self.assets]
        return list({asset.id: asset for asset in (*self.declared, *used)}.values())

    @property
    def of_photographs(self) -> bool:
        """Whether the pictures are photographs of the project's own choice, directly or in its parts: no paper, no official place.

        So are pictures that are drawn with such photographs, or with none.
        """
        source = self.card.source
        if isinstance(source, GeneratedSource) and not source.parts:
            return True
        if isinstance(source, DerivedSource | GeneratedSource):
            parts = [self.cards[part.dataset] for part in source.parts if part.dataset in self.cards]
            return bool(parts) and all(isinstance(part.source, PhotoSource) for part in parts)
        return isinstance(source, PhotoSource)


Verdict = tuple[Sequence[str], str | None]
"""What is wrong, and, where nothing is, what was found; None: the rule has nothing to look at."""


def used_assets(card: DatasetCard) -> tuple[str, ...]:
    """The ids of the assets that a card's source names, each once."""
    if isinstance(card.source, FileSource):
        return tuple(dict.fromkeys(card.source.assets))
    if isinstance(card.source, PhotoSource):
        return tuple(dict.fromkeys(photo.asset for photo in card.source.photos))
    return ()


def says_nothing(text: str | None) -> bool:
    """Whether a text that must tell something tells nothing."""
    return (text or "").strip().lower() in _SAYS_NOTHING


def path_problem(path: str) -> str | None:
    """What is wrong with a path inside an archive, a repository or a folder; None if nothing."""
    parts = path.split("/")
    if not path or "" in parts or ".." in parts or "\\" in path or path != path.strip():
        return f"path {path!r} must be relative, with '/' and without '..'"
    return None
