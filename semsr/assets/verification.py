"""Is this file what its card says? Size, sha256 and md5, computed once a process for each state of a file."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from semsr.assets.archives import cut_off, is_archive
from semsr.cards.asset import Asset

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
        asset: the card: `size` and `md5` count where given.
        path: the file.
        pin: the sha256 in force (the card's, or for unpinned assets the one seen first); None: any.
    """
    size = path.stat().st_size
    if is_web_page(path) and not asset.file.endswith((".html", ".htm")):
        return "a web page (HTML) instead of the file"
    if asset.size is not None and size != asset.size:
        return f"wrong size (expected {asset.size} bytes, found {size})"
    if size == 0:
        return "the file is empty"
    if pin is not None and (found := digest(path)) != pin:
        return f"wrong sha256 (expected {pin}, found {found})"
    if asset.md5 is not None and (found := digest(path, "md5")) != asset.md5:
        return f"wrong md5 (expected {asset.md5}, found {found})"
    if pin is None and asset.md5 is None and is_archive(asset.file):
        return cut_off(path)  # nothing is known about its bytes; a torn archive must not become what is expected from now on
    return None


def is_web_page(path: Path) -> bool:
    """Whether a file starts as HTML does: what log-in forms, quota notices and proxies send in place of a file."""
    with path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))
