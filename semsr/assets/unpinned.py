"""Files whose checksum nobody publishes: trusted when they first come, never changed silently, and how a person changes one."""

from __future__ import annotations

import contextlib
from pathlib import Path

from semsr.assets.mirrors import own_copy_at
from semsr.assets.verification import digest, problem_with
from semsr.cards.asset import Asset
from semsr.errors import AssetError

UNPINNED = "unpinned"
"""The folder of an unpinned asset's file in the store, where others have the first digits of their sha256."""


def note_of(path: Path) -> Path:
    """Where the sha256 of an unpinned asset's file is kept, from the first time on that it was seen on this machine."""
    return path.with_name(path.name + ".sha256")


def remedy(path: Path) -> str:
    """What to do about a file that turns out useless, after its path has been said: which files to delete, where it is unpinned."""
    if path.parent.name == UNPINNED and note_of(path).is_file():
        return f"delete it and {note_of(path).name} beside it, and supply it again"
    return "fetch or train it again"


def require_one(asset: Asset, kept: Path) -> None:
    """Make sure that the file kept of an unpinned asset is the one that the user has, where there is one.

    Without this, a right file put in the place of a wrong one would never be looked at. Reads the user's copy once a process, unless
    it is a link to the one kept, or has another size.

    Args:
        asset: any; of one whose checksum is known there is nothing to do.
        kept: its file in the store, found to be right.

    Raises:
        AssetError: the user's own copy is another file; says what to delete for it to be taken.
    """
    own = _copy_to_take(asset) if asset.sha256 is None else None
    if own is None or own.samefile(kept) or (own.stat().st_size == kept.stat().st_size and digest(own) == digest(kept)):
        return
    raise AssetError(
        f"asset {asset.id!r}: your copy {own} ({_told(own)}) is another file than {kept} ({_told(kept)}), which came first; no checksum is "
        f"published that could tell which is right: to take yours, delete the other and {note_of(kept).name} beside it; to keep the other, "
        "move yours away"
    )


def _copy_to_take(asset: Asset) -> Path | None:
    """The first of the user's own copies that can be read and would not be refused."""
    for mirror in asset.mirrors:
        if (own := own_copy_at(mirror)) is not None:
            with contextlib.suppress(OSError):
                if problem_with(asset, own, None) is None:
                    return own
    return None


def _told(path: Path) -> str:
    return f"{path.stat().st_size} bytes, sha256 {digest(path)[:12]}..."
