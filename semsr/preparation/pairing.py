"""Which LR picture belongs to which HR picture: by name, in a folder whose layout a card describes; never by sorted position."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from semsr.cards.dataset import Layout
from semsr.errors import PairingError

_NAMED_IN_ERRORS = 5
Found = dict[str, list[Path]]


@dataclass(frozen=True)
class Pair:
    """The files of one picture; `lr` is None where it is to be made from `hr`, `hr` where there is no reference."""

    name: str
    hr: Path | None
    lr: Path | None


def find_pairs(folders: Sequence[Path], layouts: Sequence[Layout], *, dataset: str, makes_lr: bool = False) -> tuple[Pair, ...]:
    """Pair up the pictures below `folders`.

    The layout that gives the most complete pairs is taken (the first of them); where none gives any and `makes_lr` is set, the
    first one that finds HR pictures and no LR picture at all.

    Args:
        folders: the user's folder, or the unpacked archives.
        layouts: the card's layouts.
        dataset: the data set's id, for errors.
        makes_lr: whether the card tells how LR is made from HR.

    Returns:
        The pairs, sorted by name.

    Raises:
        PairingError: no such folder, no picture in any of the layouts, a picture without a partner, two pictures of one name.
    """
    for folder in folders:
        if not folder.is_dir():
            raise PairingError(f"{dataset}: {folder}: no such folder")
    files = [file for folder in folders for file in files_below(folder)]
    where = ", ".join(map(str, folders))
    best: tuple[tuple[int, int], Layout, Found, Found] | None = None
    for layout in layouts:
        found_hr = matches(files, layout.hr) if layout.hr else {}
        found_lr = matches(files, layout.lr) if layout.lr else {}
        rank = len(found_hr.keys() & found_lr.keys()), len(found_hr) + len(found_lr)
        if rank[1] and (best is None or rank > best[0]):
            best = rank, layout, found_hr, found_lr
    if best is None:
        tried = "; ".join(" + ".join(part for part in (layout.hr, layout.lr) if part) for layout in layouts)
        raise PairingError(f"{dataset}: no pictures in {where} in any known layout (tried: {tried})")
    layout, hr, lr = best[1], _single(best[2], dataset), _single(best[3], dataset)
    if not lr and hr and (makes_lr or layout.lr is None):
        return tuple(Pair(name, path, None) for name, path in sorted(hr.items()))
    if layout.hr is None:
        return tuple(Pair(name, None, path) for name, path in sorted(lr.items()))
    _check_partners(where, layout, hr, lr, dataset)
    return tuple(Pair(name, hr[name], lr[name]) for name in sorted(hr))


def gaps(names: Iterable[str]) -> list[str]:
    """The names that numbering suggests are missing: `Canon_016` and `Canon_018` without `Canon_017`."""
    families: dict[tuple[str, str, int], set[int]] = {}
    for name in names:
        if found := re.search(r"\d+", name):
            key = name[: found.start()], name[found.end() :], len(found.group())
            families.setdefault(key, set()).add(int(found.group()))
    missing = []
    for (before, after, digits), numbers in families.items():
        if len(numbers) > 1:
            low, high = min(numbers), max(numbers)
            if high - low > 10 * len(numbers) + 1000:  # dates, not numbers of a set
                continue
            # Numbered from 1, or from elsewhere, as 0801 to 0900.
            gone = set(range(1 if low <= len(numbers) else low, high)) - numbers
            missing += [f"{before}{number:0{digits}d}{after}" for number in gone]
    return sorted(missing)


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    names = sorted(names)
    more = f" and {len(names) - _NAMED_IN_ERRORS} more" if len(names) > _NAMED_IN_ERRORS else ""
    return ", ".join(names[:_NAMED_IN_ERRORS]) + more


def files_below(folder: Path) -> list[tuple[str, Path]]:
    """The files below a folder, with their paths relative to it; hidden ones do not count."""
    found: list[tuple[str, Path]] = []
    seen: set[tuple[int, int]] = set()
    for parent, inside, names in os.walk(folder, followlinks=True, onerror=_refuse):
        state = Path(parent).stat()
        if (state.st_dev, state.st_ino) in seen:  # a link that leads back up
            inside.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        inside[:] = [name for name in inside if not name.startswith((".", "__MACOSX"))]
        for name in names:
            path = Path(parent, name)
            if not name.startswith((".", "__MACOSX")) and path.is_file():
                found.append((path.relative_to(folder).as_posix(), path))
    for name, _ in found:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise PairingError(f"{folder}: the file name {name!r} is not UTF-8 and can't be recorded; rename it") from None
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise PairingError(f"{error.filename}: can't be read ({error.strerror}); mend its permissions") from None


def matches(files: Sequence[tuple[str, Path]], pattern: str) -> Found:
    """The files that fit a layout's pattern, by picture ("" where the pattern has no `{name}`)."""
    expression = _expression(pattern)
    found: Found = {}
    for file, path in files:
        if match := expression.fullmatch(file):
            found.setdefault(match.groupdict().get("name", ""), []).append(path)
    return found


def _single(found: Found, dataset: str) -> dict[str, Path]:
    for name, paths in found.items():
        if len(paths) > 1:
            raise PairingError(
                f"{dataset}: two pictures are called {name!r}: {paths[0]} and {paths[1]}; "
                f"pass a folder that holds only one copy of the data set"
            )
    return {name: paths[0] for name, paths in found.items()}


def _expression(pattern: str) -> re.Pattern[str]:
    """A layout's pattern as a regular expression over paths: `**/` any folders, `*` anything in one name, `{name}` the name."""
    parts: list[str] = []
    for token in re.split(r"(\*\*/|\*|\{name\})", pattern):
        if token == "**/":
            parts.append(r"(?:[^/]+/)*")
        elif token == "*":
            parts.append(r"[^/]*")
        elif token == "{name}":
            parts.append(r"(?P=name)" if "(?P<name>" in "".join(parts) else r"(?P<name>[^/]+)")
        else:
            parts.append(re.escape(token))
    # The kind of file, whatever its case: cameras write .JPG and .PNG.
    head, dot, kind = parts[-1].rpartition(r"\.")
    parts[-1] = f"{head}{dot}(?i:{kind})" if dot else parts[-1]
    return re.compile("".join(parts))


def _check_partners(where: str, layout: Layout, hr: dict[str, Path], lr: dict[str, Path], dataset: str) -> None:
    said = []
    for kind, other, mine, theirs, pattern in (
        ("LR", "HR", lr, hr, layout.hr or ""),
        ("HR", "LR", hr, lr, layout.lr or ""),
    ):
        alone = sorted(mine.keys() - theirs.keys())
        if alone:
            wanted = listed(pattern.replace("{name}", name) for name in alone)
            said.append(
                f"{len(mine) - len(alone)} of {len(mine)} {kind} pictures have an {other} partner; "
                f"{listed(mine[name].name for name in alone)} {'has' if len(alone) == 1 else 'have'} none in {where} "
                f"(expected {wanted})"
            )
    if said:
        raise PairingError(
            f"{dataset}: {'; '.join(said)}. Add what is missing, or pass another copy: `semsr fetch {dataset} --from DIR`"
        )
