"""Which SR picture belongs to which HR picture, and that their sizes agree: all of it known before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from semsr.errors import PairingError, PictureError, SizeMismatchError

Size = tuple[int, int]
"""(H, W) in pixels."""


def check_names(found: Iterable[str], expected: Iterable[str], where: str, wanted_by: str) -> None:
    """Every expected picture is there and no other.

    Args:
        found: stems of the pictures in `where`.
        expected: stems that should be there.
        where: the folder, for errors.
        wanted_by: what the pictures should match, for errors.

    Raises:
        PairingError: names the first picture that is missing or too many, and how many there are.
    """
    have, want = set(found), set(expected)
    missing, extra = sorted(want - have), sorted(have - want)
    if not missing and not extra:
        return
    parts = []
    if missing:
        parts.append(f"{missing[0]!r} is missing{_and_more(missing)}")
    if extra:
        parts.append(f"{extra[0]!r} is in the folder but not in {wanted_by}{_and_more(extra)}")
    raise PairingError(
        f"{where}: {len(have & want)} of the {len(want)} pictures of {wanted_by} are there; {'; '.join(parts)}. "
        "Pictures pair by file name without its ending"
    )


def _and_more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def picture_size(path: Path) -> Size:
    """(H, W) from the file's header alone. Raises: PictureError."""
    try:
        with Image.open(path) as file:
            return file.height, file.width
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        problem = "the file is empty" if path.stat().st_size == 0 else "not an image file, or damaged"
        raise PictureError(f"{path}: {problem}; get or make the file again") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(f"{path}: can't be read ({error}); get or make the file again") from None


def check_sizes(pictures: Mapping[str, Path], sizes: Mapping[str, Size], what: str) -> None:
    """Every picture has the size it should have.

    Args:
        pictures: SR files by name.
        sizes: (H, W) each should have, by name.
        what: where that size comes from, for errors ("its HR picture").

    Raises:
        SizeMismatchError: names the first file that differs, and how many do. PictureError: a file can't be read.
    """
    wrong = [(name, size) for name, path in pictures.items() if (size := picture_size(path)) != sizes[name]]
    if wrong:
        name, (height, width) = wrong[0]
        more = f"; so are {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise SizeMismatchError(
            f"{pictures[name]}: {width}x{height} pixels (width x height), but {what} is {sizes[name][1]}x{sizes[name][0]}{more}; "
            "make the picture again in the right size (scores never resize)"
        )


def plan_batches(sizes: Mapping[str, Size], pixels: int, most: int) -> list[tuple[str, ...]]:
    """Group pictures of equal size into batches, always the same for the same pictures, so that a resumed run forms them again.

    Args:
        sizes: (H, W) by name.
        pixels: as many pictures go into a batch as fit into this many pixels, at least one.
        most: and never more than this.

    Returns:
        Batches of names; large pictures first, so that the last batches to finish are short.
    """
    by_size: dict[Size, list[str]] = {}
    for name in sorted(sizes):
        by_size.setdefault(sizes[name], []).append(name)
    batches: list[tuple[str, ...]] = []
    for (height, width), names in sorted(by_size.items(), key=lambda item: (-item[0][0] * item[0][1], item[0])):
        count = min(max(pixels // (height * width), 1), most)
        batches.extend(tuple(names[start : start + count]) for start in range(0, len(names), count))
    return batches
