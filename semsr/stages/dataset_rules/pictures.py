"""Rules of the pictures: layouts, known pixels, how LR is made, annotations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from semsr.cards import DatasetCard
from semsr.cards.dataset import DerivedSource, FileSource
from semsr.errors import CardError
from semsr.preparation.manifest import set_sha256
from semsr.preparation.pairing import matches
from semsr.preparation.published import read_table
from semsr.stages.dataset_rules.subject import Subject, Verdict, path_problem

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def layouts(it: Subject) -> Verdict:
    """Every pattern can be used, and no layout stands there twice."""
    source = it.card.source
    if not isinstance(source, FileSource):
        return [], None
    problems: list[str] = []
    for layout in source.layouts:
        for pattern in filter(None, (layout.hr, layout.lr)):
            problems += _pattern_problems(pattern, PICTURES, "a picture")
        if layout.hr is not None and layout.hr == layout.lr:
            problems.append(f"HR and LR have one pattern, {layout.hr!r}")
    for number, layout in enumerate(source.layouts):
        if layout in source.layouts[:number]:
            problems.append(f"layout {' + '.join(filter(None, (layout.hr, layout.lr)))} stands there twice")
    if source.checksums is not None:
        problems += _pattern_problems(source.checksums, (".json",), "a JSON file")
    return problems, f"{len(source.layouts)} layouts"


def pixels(it: Subject) -> Verdict:
    """The table of the pictures' pixels gives the hash of the set."""
    known, beside = it.card.pixels, sorted(path.name for path in it.folder.glob("*.csv"))
    named = known.each if known else None
    problems = [f"{name} lies beside the card, which does not name it (pixels.each)" for name in beside if name != named]
    if known is None:
        return problems, None
    if known.hr is None and known.lr is None:
        problems.append("'pixels' gives neither 'hr' nor 'lr'")
    if known.required and known.each is None:
        problems.append("'required' needs 'each': without a table no wrong picture can be named")
    try:
        table = read_table(it.card, it.folder)
    except CardError as error:
        return [*problems, str(error)], None
    for side in ("hr", "lr") if table is not None else ():
        values, whole = [getattr(row, side) for row in (table or {}).values()], getattr(known, side)
        wrong = [value for value in values if value and not re.fullmatch(r"[0-9a-f]{64}", value)]
        if wrong:
            problems.append(f"{named}: {wrong[0]!r} in column {side} is no SHA-256")
        elif whole is not None and set_sha256(filter(None, values)) != whole:
            problems.append(f"{named}: the hashes in column {side} do not give pixels.{side}, {whole[:12]}...")
        elif whole is None and any(values):
            problems.append(f"{named} has hashes in column {side}, but there is no pixels.{side}")
    kind = "required" if known.required else "others are warned of"
    return problems, f"{len(table)} pictures of known pixels, {kind}" if table is not None else f"the set's hash, {kind}"


def degradation(it: Subject) -> Verdict:
    """Testing has LR, and what makes LR has HR to make it from."""
    card, source, problems = it.card, it.card.source, []
    made = card.degradation is not None
    if isinstance(source, FileSource):
        hr_only = [layout.hr for layout in source.layouts if layout.lr is None]
        if card.split == "test" and hr_only and not made:
            problems.append(f"layout {hr_only[0]!r} has no LR, and no 'degradation' tells how to make it for testing")
        if made and all(layout.hr is None for layout in source.layouts):
            problems.append("there is a 'degradation', but no layout has HR to degrade")
        if card.split == "train" and any(layout.hr is None for layout in source.layouts):
            problems.append("a training set needs HR in every layout")
        paired = any(layout.hr and layout.lr for layout in source.layouts)
        whole = card.resize is None  # else the size it gives is a multiple of the scale, which the schema asks for
        if whole and (made or (paired and card.crop_to_multiple > 1)) and card.crop_to_multiple % card.scale:
            problems.append(
                f"crop_to_multiple is {card.crop_to_multiple}; LR can be made of multiples of the scale only, {card.scale}"
            )
    elif isinstance(source, DerivedSource) and not made and card.split == "test":
        parts = [it.cards[part.dataset] for part in source.parts if part.dataset in it.cards]
        problems += [f"part {part.id!r} has no LR, and there is no 'degradation'" for part in parts if not _has_lr(part)]
    if not made:
        return problems, "none: LR as published, or drawn while training" if isinstance(source, FileSource) else None
    return problems, card.degradation.kind if card.degradation else None


def annotated(it: Subject) -> Verdict:
    """The annotations' patterns can be used."""
    problems: list[str] = []
    for annotation in it.card.annotations:
        endings = (Path(annotation.file).suffix,)
        for pattern in annotation.patterns:
            problems += _pattern_problems(pattern, endings, annotation.file)
        if annotation.archive is not None:
            problems += _pattern_problems(annotation.archive, ARCHIVES, "an archive")
            if "{name}" in annotation.archive:
                problems.append(f"archive {annotation.archive!r} must not hold '{{name}}'")
        if annotation.images and (annotation.per_picture or endings != (".json",)):
            problems.append(f"{annotation.file}: 'images' is for one JSON file of all pictures")
    files = [annotation.file for annotation in it.card.annotations]
    problems += [f"{file} stands there twice" for file in sorted(set(files)) if files.count(file) > 1]
    if files and not isinstance(it.card.source, FileSource):
        problems.append("only pictures published as files come with annotations")
    return problems, ", ".join(files) or None


def _pattern_problems(pattern: str, endings: Iterable[str], what: str) -> list[str]:
    problems = []
    if path_problem(pattern):
        problems.append(f"pattern {pattern!r} must be relative, with '/' and without '..'")
    if "**" in pattern.replace("**/", ""):
        problems.append(f"pattern {pattern!r}: '**' stands for folders and needs a '/' after it")
    if unknown := re.findall(r"[{}]", pattern.replace("{name}", "")):
        problems.append(f"pattern {pattern!r}: {unknown[0]!r} is no part of '{{name}}'")
    if not pattern.lower().endswith(tuple(endings)):
        problems.append(f"pattern {pattern!r} does not end as {what} does ({', '.join(endings)})")
    try:
        matches([], pattern)
    except re.error as error:
        problems.append(f"pattern {pattern!r} can't be used ({error})")
    return problems


def _has_lr(card: DatasetCard) -> bool:
    if card.degradation is not None or not isinstance(card.source, FileSource):
        return True
    return all(layout.lr is not None for layout in card.source.layouts)
