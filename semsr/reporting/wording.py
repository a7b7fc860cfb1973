"""What cards and facts mean, in words for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from semsr.cards import DatasetCard
from semsr.cards.dataset import DerivedSource, FileSource, GeneratedSource, MatlabBicubic, PhotoSource, RealEsrgan
from semsr.reporting.collect import Facts

STATES = {
    "prepared": "prepared",
    "incomplete": "incomplete",
    "damaged": "damaged",
    "unfinished": "unfinished",
    "absent": "not here",
}
COMPARABLE = {
    "same-inputs": "same inputs: identical files for everybody",
    "regenerated": "re-generated: our draw of a recipe; numbers may stand beside a paper's only marked as such",
}

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class ToDo:
    """How to get a data set that is not whole here.

    Attributes:
        commands: to be run in this order.
        download: what they bring, in words.
    """

    commands: tuple[str, ...]
    download: str


def degradation(card: DatasetCard) -> str:
    """Where LR comes from."""
    made = _recipe(card)
    given = isinstance(card.source, FileSource) and any(layout.lr for layout in card.source.layouts)
    if given and made:
        return f"as published; where a copy has none, made here: {made}"
    if isinstance(card.source, DerivedSource) and not made:
        return "as in the data sets it is made from"
    return made or ("as published" if given else "none: made while training" if card.split == "train" else "none")


def origin(card: DatasetCard) -> str:
    """How the pictures come about, where they are made here."""
    if isinstance(card.source, PhotoSource):
        return f"cut from {len(card.source.photos)} photographs, as the card says where"
    if isinstance(card.source, GeneratedSource):
        height, width = card.source.size
        drawn = " and ".join(part.dataset for part in card.source.parts)
        return (
            f"drawn here by the data set's own code{f' with pictures of {drawn}' if drawn else ''} (seed {card.source.seed}), "
            f"{width} × {height} pixels of HR, with exact annotations"
        )
    if not isinstance(card.source, DerivedSource):
        return f"the first {card.source.first:,} pictures by name" if card.source.first else ""
    parts = [f"the first {part.first:,} of {part.dataset}" if part.first else part.dataset for part in card.source.parts]
    crops = card.source.crops
    if crops is None:
        return f"made here of {' and '.join(parts)}, every picture whole"
    how = "the centre" if crops.kind == "centre" else f"{crops.count:,} crops at random places (seed {crops.seed})"
    return f"made here of {' and '.join(parts)}: {how}, {crops.size} × {crops.size} pixels of HR"


def published(facts: Facts) -> str:
    """Whether the pixels are those known as published."""
    if facts.card.pixels is None:
        return "the card knows no hash of the published pixels"
    if facts.prepared is None:
        return "the card knows a hash of the published pixels; there is nothing here to compare"
    if facts.unlike:
        return f"NOT as published: {len(facts.unlike):,} differ, {'; '.join(facts.unlike[:5])}{' …' if len(facts.unlike) > 5 else ''}"
    if facts.published is False:
        return "NOT the pixels known as published"
    since = "; by the manifest: files are damaged since" if facts.state == "damaged" else ""
    return f"as published, {'pixel for pixel' if facts.published else 'picture by picture'}{since}"


def checksums(facts: Facts) -> str:
    """By whom the bytes of the official files are fixed."""
    by = {
        "card": "pinned by the card",
        "here": "pinned by the first download here",
        "nobody": "not pinned before the first download",
    }
    counts = [(sum(state.pinned == who for state in facts.assets), text) for who, text in by.items()]
    return ", ".join(f"{count} {text}" for count, text in counts if count)


def counts(facts: Facts) -> str:
    """How many pictures there are and how many there should be."""
    card, parts = facts.card, []
    if facts.prepared is not None:
        both = (len(facts.prepared.test), "testing"), (len(facts.prepared.train), "training")
        parts.append(" and ".join(f"{count:,} for {what}" for count, what in both if count) + " here")
    if card.count is None:
        parts.append(f"the card knows no number: {card.count_unknown}")
    else:
        parts.append(
            f"{card.count:,}{' for testing' if isinstance(card.source, PhotoSource | GeneratedSource) else ''} by the card"
        )
    return "; ".join(parts)


def to_do(facts: Facts, everything: Mapping[str, Facts]) -> ToDo | None:
    """How to get what is missing; None where the data set is whole.

    Args:
        facts: the data set.
        everything: all data sets that it may be made from, by id.
    """
    card = facts.card
    if facts.state == "prepared":
        return None
    prepare = f"semsr prepare {card.id}"
    if isinstance(card.source, DerivedSource | GeneratedSource):
        needed = list(_needed(card.source, everything))
        # `prepare` gets the parts that have an official place by itself.
        own = tuple(f"semsr prepare {other.card.id} --from DIR" for other in needed if _needs_copy(other))
        files = ", ".join(f"what {other.card.id} needs: {_download(other)}" for other in needed)
        return ToDo((*own, prepare), files or "nothing: it is made of what is here")
    if facts.state == "incomplete" and (_needs_copy(facts) or (facts.record is not None and facts.record.folder is not None)):
        return ToDo((f"{prepare} --from DIR",), "nothing is downloaded: a copy with all pictures is needed")
    if facts.record is not None and facts.record.folder is not None:
        return ToDo((prepare,), f"nothing: your copy in {facts.record.folder} is used")
    if _needs_copy(facts):
        return ToDo((f"{prepare} --from DIR",), "nothing is downloaded: your own copy is needed")
    if all(asset.here for asset in facts.assets):
        return ToDo((prepare,), "nothing: all files are here")
    return ToDo((f"semsr fetch {card.id}", prepare), _download(facts))


def size(count: int) -> str:
    """A number of bytes in three digits, as people say it (powers of 1000)."""
    if count < 1000:
        return f"{count} bytes"
    value, unit = float(count), 0
    while round(value) >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f} {_UNITS[unit]}"


def _needed(source: DerivedSource | GeneratedSource, everything: Mapping[str, Facts]) -> Iterator[Facts]:
    """What is missing of the data sets that one is made from, down to those that are not made from others."""
    for facts in (everything[part.dataset] for part in source.parts if part.dataset in everything):
        if facts.state != "prepared" and isinstance(facts.card.source, DerivedSource | GeneratedSource):
            yield from _needed(facts.card.source, everything)
        elif facts.state != "prepared":
            yield facts


def _needs_copy(facts: Facts) -> bool:
    return not facts.assets and not isinstance(facts.card.source, DerivedSource | GeneratedSource)


def _download(facts: Facts) -> str:
    if _needs_copy(facts):
        return "your own copy"
    away = [asset for asset in facts.assets if not asset.here]
    known = sum(max(0, (asset.asset.size or 0) - asset.downloaded.bytes) for asset in away if asset.asset.size)
    unknown = sum(asset.asset.size is None for asset in away)
    parts = [size(known)] if known else []
    parts += [f"{unknown} file{'s' * (unknown > 1)} of unknown size"] if unknown else []
    return " and ".join(parts) or "nothing"


def _recipe(card: DatasetCard) -> str:
    match card.degradation:
        case MatlabBicubic(dialect=dialect):
            edges = "symmetric padding" if dialect == "symmetric" else "edge replication"
            return f"MATLAB's bicubic ×{card.scale}, the dialect with {edges}"
        case RealEsrgan() as recipe:
            quirks = ["HR is the sharpened picture"] if recipe.ground_truth == "sharpened" else []
            quirks += [f"choices shared by {recipe.shared_choices} pictures"] if recipe.shared_choices else []
            options = ", ".join([f"parameters “{recipe.parameters}”", f"seed {recipe.seed}", *quirks])
            return f"Real-ESRGAN's second-order degradation ×{card.scale} ({options})"
        case _:
            return ""
