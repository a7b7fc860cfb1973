"""Rules of the whole set: how many pictures, made from what, and comparable with whom."""

from __future__ import annotations

from collections.abc import Mapping

from semsr.cards import DatasetCard
from semsr.cards.dataset import DerivedSource, FileSource, GeneratedSource, Part, PhotoSource, RealEsrgan
from semsr.errors import CardError
from semsr.preparation.published import read_table
from semsr.stages.dataset_rules.subject import Subject, Verdict, says_nothing

_FOR = {"test": "testing", "train": "training"}


def counts(it: Subject) -> Verdict:
    """The number of pictures agrees with everything that has a say in it."""
    card, problems = it.card, []
    if card.count_unknown is not None and says_nothing(card.count_unknown):
        problems.append("'count_unknown' needs the reason")
    if isinstance(card.source, FileSource) and card.source.first is not None and card.source.first != card.count:
        problems.append(f"only the first {card.source.first} pictures are taken, but count is {card.count}")
    try:
        rows = read_table(card, it.folder)
    except CardError:
        rows = None  # told by the rule of the pixels
    if rows is not None and len(rows) != card.count:
        problems.append(f"pixels.each has {len(rows)} rows, but count is {card.count}")
    if isinstance(card.source, DerivedSource):
        problems += _derived_counts(it, card.source)
    return problems, str(card.count) if card.count is not None else f"unknown: {card.count_unknown}"


def parts(it: Subject) -> Verdict:
    """The parts of a data set that is made of others, or drawn with their pictures, are there and fit."""
    if not isinstance(it.card.source, DerivedSource | GeneratedSource):
        return [], None
    textures = isinstance(it.card.source, GeneratedSource)  # their scale and what they are for do not matter
    problems = []
    for part in it.card.source.parts:
        other = it.cards.get(part.dataset)
        if other is None:
            problems.append(f"part {part.dataset!r} is no data set (or its card can't be read)")
            continue
        if other.scale != it.card.scale and not textures:
            problems.append(f"part {part.dataset!r} has scale {other.scale}, not {it.card.scale}")
        if other.split != it.card.split and not isinstance(other.source, PhotoSource | GeneratedSource) and not textures:
            problems.append(f"part {part.dataset!r} is for {_FOR[other.split]}, this set for {_FOR[it.card.split]}")
        if part.first is not None and other.count is not None and part.first > other.count:
            problems.append(f"part {part.dataset!r}: its first {part.first} pictures, but it has {other.count}")
        if it.card.id in _made_of(part.dataset, it.cards, set()):
            problems.append(f"part {part.dataset!r} is itself made from {it.card.id!r}")
    names = [part.dataset for part in it.card.source.parts]
    problems += [f"part {name!r} stands there twice" for name in sorted(set(names)) if names.count(name) > 1]
    return problems, ", ".join(names)


def comparable(it: Subject) -> Verdict:
    """'same-inputs' is said of nothing that is drawn here, 'regenerated' of nothing that is not."""
    card, source, problems = it.card, it.card.source, []
    parts = (
        [it.cards[part.dataset] for part in source.parts if part.dataset in it.cards]
        if isinstance(source, DerivedSource)
        else []
    )
    random_crops = isinstance(source, DerivedSource) and source.crops is not None and source.crops.kind == "random"
    again = [part.id for part in parts if part.comparable == "regenerated"]
    if card.comparable == "same-inputs":
        if random_crops:
            problems.append("random crops are a draw of our own: 'comparable' must be 'regenerated'")
        problems += [f"part {name!r} is regenerated, so this set is, too" for name in again]
        if isinstance(card.degradation, RealEsrgan):
            problems.append("a random degradation is a draw of our own: 'comparable' must be 'regenerated'")
    elif card.degradation is None and not random_crops and not again and not isinstance(source, PhotoSource):
        problems.append("nothing of it is made here, so everybody has the same inputs: 'comparable' must be 'same-inputs'")
    return problems, card.comparable


def _derived_counts(it: Subject, source: DerivedSource) -> list[str]:
    if any(part.dataset not in it.cards for part in source.parts):
        return []  # told by the rule of the parts
    numbers = [_pictures(part, it.cards[part.dataset]) for part in source.parts]
    pictures = sum(number for number in numbers if number is not None) if None not in numbers else None
    if source.crops is not None and source.crops.count is not None:
        problems = [f"{source.crops.count} crops, but count is {it.card.count}"] if source.crops.count != it.card.count else []
        if pictures is not None and source.crops.count % pictures:
            problems.append(f"{source.crops.count} crops of {pictures} pictures: some would give more than others")
        return problems
    if pictures != it.card.count:
        return [
            f"the parts have {'an unknown number of' if pictures is None else pictures} pictures, but count is {it.card.count}"
        ]
    return []


def _pictures(part: Part, card: DatasetCard) -> int | None:
    count = len(card.source.photos) if isinstance(card.source, PhotoSource) else card.count
    if isinstance(card.source, GeneratedSource) and count is not None:
        count += card.source.train
    return part.first if part.first is not None else count


def _made_of(name: str, cards: Mapping[str, DatasetCard], seen: set[str]) -> set[str]:
    card = cards.get(name)
    if name not in seen and card is not None and isinstance(card.source, DerivedSource | GeneratedSource):
        seen.add(name)
        for part in card.source.parts:
            _made_of(part.dataset, cards, seen)
            seen.add(part.dataset)
    return seen
