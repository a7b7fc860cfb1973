"""Is this file what its card says? Size, sha256 and md5, computed once a process for each state of a file."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from semsr.assets.archives import cut_off, is_archive
from semsr.assets.sizes import show_bytes
from semsr.cards.asset import Asset

LEAST, MOST = 0.4, 2.0
"""How far a file may be from what its card's `about` says, as parts of it: about half is the same weights in half precision."""

_known: dict[tuple[int, int, int, int, str], str] = {}
_CLOCK_TICK = 2_000_000_000
"""Nanoseconds within which some file systems give two versions of a file the same time; so young a file is not remembered."""


def digest(path: Path, algorithm: str = "sha256") -> str:
    """The file's checksum in hexadecimal; remembered until the file is replaced or touched (a rename does not count)."""
    state = path.stat()
    key = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, algorithm)
    if key in _known:
        return _known[key]
    settled = time.time_ns() - state.st_mtime_ns > _CLOCK_TICK
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if settled:
        _known[key] = found
    return found


def problem_with(asset: Asset, path: Path, pin: str | None) -> str | None:
    """What is wrong with a file, with what was expected and found; None when it is as the card says.

    Args:
        asset: the card: `size` and `md5` count where given; `about` roughly, to tell the file from what was sent in its place.
        path: the file.
        pin: the sha256 in force (the card's, or for unpinned assets the one seen first); None: any.
    """
    size = path.stat().st_size
    if is_web_page(path) and not asset.file.endswith((".html", ".htm")):
        return f"a web page (HTML) of {size} bytes instead of the file"
    if is_pointer(path):
        return (
            f"a git-LFS pointer of {size} bytes instead of the file; `git lfs pull` where it comes from gives the file itself"
        )
    if size == 0:
        return "the file is empty"
    if problem := wrong_size(asset, size):
        return problem
    if pin is not None and (found := digest(path)) != pin:
        return f"wrong sha256 (expected {pin}, found {found})"
    if asset.md5 is not None and (found := digest(path, "md5")) != asset.md5:
        return f"wrong md5 (expected {asset.md5}, found {found})"
    if pin is None and asset.md5 is None and is_archive(asset.file):
        return cut_off(path)  # nothing is known about its bytes; a torn archive must not become what is expected from now on
    return None


def wrong_size(asset: Asset, size: int) -> str | None:
    """What is wrong with a number of bytes; None when it may be this asset's: exactly `size`, or roughly `about`, if the card says."""
    if asset.size is not None and size != asset.size:
        return f"wrong size (expected {asset.size} bytes, found {size})"
    if asset.about is not None and not LEAST * asset.about <= size <= MOST * asset.about:
        return (
            f"wrong size: found {size} bytes, expected about {show_bytes(asset.about)} "
            "(a pointer or an error page rather than the file?)"
        )
    return None


def is_pointer(path: Path) -> bool:
    """Whether a file is what git has in a large file's place, where it was cloned without git-LFS."""
    with path.open("rb") as file:
        return file.read(64).startswith(b"version https://git-lfs.")


def is_web_page(path: Path) -> bool:
    """Whether a file starts as HTML does: what log-in forms, quota notices and proxies send in place of a file."""
    with path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))
