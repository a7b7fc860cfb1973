"""What would stop scoring: pictures that are missing, too many, of another size, or can't be read. The same words as there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from semsr.errors import PairingError, PictureError, SizeMismatchError
from semsr.evaluation.lints.finding import Finding
from semsr.evaluation.pairing import Size, check_names, check_sizes
from semsr.imaging.pictures import read_rgb


def check_presence(
    pictures: Mapping[str, Path], sizes: Mapping[str, Size], where: str, wanted_by: str, what: str
) -> tuple[list[Finding], dict[str, Path]]:
    """Names, files and sizes of a row.

    Args:
        pictures: the row's files by name.
        sizes: (H, W) of each picture there should be.
        where, wanted_by: as in `check_names`.
        what: as in `check_sizes`.

    Returns:
        the errors, and those pictures that can be looked at all the same.
    """
    findings: list[Finding] = []
    try:
        check_names(pictures, sizes, where, wanted_by)
    except PairingError as error:
        names = tuple(sorted(set(pictures) ^ set(sizes)))
        findings.append(Finding("names", "error", str(error), names, float(len(names))))
    whole: dict[str, Path] = {}
    for name in sorted(set(pictures) & set(sizes)):
        try:
            read_rgb(pictures[name])
        except PictureError as error:
            findings.append(Finding("unreadable", "error", str(error), (name,)))
        else:
            whole[name] = pictures[name]
    sound = {name: path for name, path in whole.items() if not _of_other_size(name, path, sizes, what)}
    if wrong := {name: path for name, path in whole.items() if name not in sound}:
        try:
            check_sizes(wrong, sizes, what)
        except SizeMismatchError as error:
            findings.append(Finding("size", "error", str(error), tuple(wrong), float(len(wrong))))
    return findings, sound


def _of_other_size(name: str, path: Path, sizes: Mapping[str, Size], what: str) -> bool:
    try:
        check_sizes({name: path}, sizes, what)
    except SizeMismatchError:
        return True
    return False
