"""Files whose checksum nobody publishes: what can't be the file is not taken, and what was taken is never changed silently."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semsr.assets.store import Store
from semsr.assets.unpinned import note_of
from semsr.cards import Asset
from semsr.errors import AssetError, MissingAssetsError

Make = Callable[..., Asset]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 5600000000\n"
PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"
FIRST, SECOND = os.urandom(1000), os.urandom(1000)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The place of the user's own copy."""
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine" / "thing.bin"


@pytest.fixture
def asset(make_asset: Make, mine: Path) -> Asset:
    """A file of about 1000 bytes, which the user supplies."""
    return by_hand(make_asset, mine, about=1000)


def by_hand(make_asset: Make, mine: Path, **keys: Any) -> Asset:
    mirror = {"kind": "file", "path": str(mine)}
    return make_asset(b"", mirror, sha256=None, size=None, unpinned="not published", **keys)


def put(mine: Path, data: bytes) -> None:
    """As a user does who replaces a file: another file under the same name, not other bytes in the old one."""
    mine.with_suffix(".new").write_bytes(data)
    mine.with_suffix(".new").replace(mine)


def kept(store: Store) -> set[str]:
    return {path.name for path in store.folder.rglob("*") if path.is_file() and path.name not in {".lock", "licence.txt"}}


@pytest.mark.parametrize("about", [{"about": 1000}, {"about": len(POINTER)}, {}])
@pytest.mark.parametrize(
    ("data", "said"), [(POINTER, "a git-LFS pointer of 87 bytes"), (PAGE, r"a web page \(HTML\) of 54 bytes")]
)
def test_what_stands_in_a_files_place_is_told_by_its_first_bytes(
    store: Store, make_asset: Make, mine: Path, data: bytes, said: str, about: dict[str, int]
) -> None:
    asset = by_hand(make_asset, mine, **about)
    put(mine, data)
    with pytest.raises(MissingAssetsError, match=said) as caught:
        store.get(asset)
    assert "\n" not in str(caught.value) and kept(store) == set() and store.pin(asset) is None
    with pytest.raises(AssetError, match=said):
        store.adopt(asset, mine)
    put(mine, FIRST[: len(data)] if about.get("about") == len(POINTER) else FIRST)
    assert store.get(asset).read_bytes() == mine.read_bytes(), "the right file in its place is taken at once"


@pytest.mark.parametrize(("size", "right"), [(1, False), (399, False), (400, True), (2000, True), (2001, False)])
def test_a_size_far_from_what_the_card_says_is_refused(store: Store, asset: Asset, mine: Path, size: int, right: bool) -> None:
    put(mine, bytes(size))
    if right:
        assert store.get(asset).stat().st_size == size and store.look(asset).present
        return
    with pytest.raises(MissingAssetsError) as caught:
        store.get(asset)
    said = f"wrong size: found {size} bytes, expected about 1.0 kB (a pointer or an error page rather than the file?)"
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert kept(store) == set() and store.pin(asset) is None and not store.look(asset).present


def test_a_server_that_sends_another_file_is_asked_in_vain(server: Any, store: Store, make_asset: Make, mine: Path) -> None:
    """The next mirror is asked instead."""
    server.files |= {"/short.bin": b"Not found", "/right.bin": FIRST}
    mirrors = [{"kind": "https", "url": f"{server.url}/{name}.bin"} for name in ("short", "right")]
    asset = make_asset(b"", *mirrors, sha256=None, size=None, about=1000, unpinned="not published")
    assert store.get(asset).read_bytes() == FIRST


def test_a_pointer_that_was_taken_by_an_earlier_version_makes_room(store: Store, asset: Asset, mine: Path) -> None:
    """It was pinned; what is refused now must not be what is expected."""
    path = store.path(asset)
    path.parent.mkdir(parents=True)
    path.write_bytes(POINTER)
    note_of(path).write_text(hashlib.sha256(POINTER).hexdigest() + "\n")
    assert not store.look(asset).present
    put(mine, FIRST)
    assert store.get(asset).read_bytes() == FIRST
    assert kept(store) == {"thing.bin", "thing.bin.sha256", "thing.bin.rejected"}


@pytest.mark.parametrize("link", [True, False])
def test_another_file_in_the_place_of_the_first_is_never_taken_silently(
    store: Store, asset: Asset, mine: Path, monkeypatch: pytest.MonkeyPatch, link: bool
) -> None:
    """The whole way of a wrong file of the right size: the right one is refused, too, until both files that the line names are gone."""
    if not link:
        monkeypatch.setattr("semsr.assets.mirrors.os.link", lambda *_: (_ for _ in ()).throw(OSError("another disk")))
    put(mine, FIRST)
    path = store.get(asset)
    assert path.samefile(mine) is link and store.get(asset) == path
    put(mine, SECOND)
    for data in (SECOND, SECOND + b"more"):
        put(mine, data)
        with pytest.raises(
            AssetError, match=r"your copy .* is another file than .*delete the other and thing\.bin\.sha256"
        ) as caught:
            store.get(asset)
        assert str(mine) in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)
        assert not isinstance(caught.value, MissingAssetsError), "to be decided by a person, not to be left out"
        assert path.read_bytes() == FIRST
    put(mine, FIRST)
    assert store.get(asset) == path, "the first one again"
    put(mine, SECOND)
    path.unlink()
    with pytest.raises(AssetError, match=r"wrong sha256 .*came first on this machine: delete .*thing\.bin\.sha256"):
        store.get(asset)
    note_of(path).unlink()
    assert store.get(asset).read_bytes() == SECOND


def test_a_copy_that_would_be_refused_or_is_gone_is_in_nobodys_way(store: Store, asset: Asset, mine: Path) -> None:
    put(mine, FIRST)
    path = store.get(asset)
    for data in (POINTER, PAGE, b"", b"x"):
        put(mine, data)
        assert store.get(asset) == path
    mine.unlink()
    assert store.get(asset).read_bytes() == FIRST


def test_bytes_changed_in_a_linked_copy_are_noticed(store: Store, asset: Asset, mine: Path) -> None:
    """The store's file is the user's own then, and changes with it."""
    put(mine, FIRST)
    assert store.get(asset).samefile(mine)
    mine.write_bytes(SECOND)
    with pytest.raises(AssetError, match=r"wrong sha256 .*came first on this machine: delete"):
        store.get(asset)


def test_of_a_published_file_the_users_copy_is_not_read_again(store: Store, make_asset: Make, mine: Path) -> None:
    asset = make_asset(FIRST, {"kind": "file", "path": str(mine)})
    put(mine, FIRST)
    path = store.get(asset)
    put(mine, SECOND)
    assert store.get(asset) == path
