"""What servers do to a download, case by case, over real HTTPS: cut connections, wrong bytes, 404, 503, 429, a page for a file, no ranges.

Each case ends with the right bytes from this mirror or the next one, or with an error and nothing in the store.
"""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from semsr.assets import patience
from semsr.assets.store import Store
from semsr.cards import Asset
from semsr.errors import AssetError

Make = Callable[..., Asset]
DATA = os.urandom(3_000_000)
PAGE = b"<!DOCTYPE html><html><body>Quota exceeded, try again later</body></html>"
MD5_ONLY = {"sha256": None, "md5": hashlib.md5(DATA).hexdigest(), "unpinned": "only size and md5 are published"}
UNKNOWN = {"sha256": None, "size": None, "unpinned": "nothing is published"}


def https(server: Any, name: str = "/thing.bin") -> dict[str, str]:
    return {"kind": "https", "url": server.url + name}


def starts(server: Any, name: str = "/thing.bin") -> list[int]:
    """From which byte on each request for a file asked."""
    return [int((want or "bytes=0-").removeprefix("bytes=").rstrip("-")) for _, path, want in server.requests if path == name]


def nothing_kept(store: Store, asset: Asset) -> bool:
    return not store.path(asset).exists() and store.pin(asset) == asset.sha256


@pytest.fixture(params=["sha256", "size and md5", "nothing known"])
def keys(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the card knows of the file."""
    return {"sha256": {}, "size and md5": MD5_ONLY, "nothing known": UNKNOWN}[request.param]


# Connections that break.


def test_cut_again_and_again(server: Any, store: Store, make_asset: Make, keys: dict[str, Any], waits: list[float]) -> None:
    """As long as every attempt brings something, it goes on at once where it stopped."""
    server.files["/thing.bin"], server.breaks = DATA, [1_000_000, 600_000, 900_000]
    assert store.get(make_asset(DATA, https(server), **keys)).read_bytes() == DATA
    asked = starts(server)
    assert len(asked) == 4 and asked == sorted(set(asked)) and asked[0] == 0
    assert waits == []


def test_cut_before_the_first_byte(server: Any, store: Store, make_asset: Make, waits: list[float]) -> None:
    server.files["/thing.bin"], server.breaks = DATA, [0, 0]
    assert store.get(make_asset(DATA, https(server))).read_bytes() == DATA
    assert waits == [1.0, 2.0]


def test_cut_for_ever(server: Any, store: Store, make_asset: Make, waits: list[float]) -> None:
    """Bounded: five attempts with growing waits, then the next mirror."""
    server.files["/thing.bin"], server.break_after = DATA, 0
    asset = make_asset(DATA, https(server))
    with pytest.raises(AssetError, match="broke off; tried 5 times"):
        store.get(asset)
    assert len(server.gets()) == patience.ATTEMPTS
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert nothing_kept(store, asset)


def test_cut_often_but_coming_nearer(server: Any, store: Store, make_asset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """More cuts than attempts: a long file over a bad line arrives all the same, since each attempt brings a good part of it."""
    monkeypatch.setattr(patience, "PROGRESS", 200_000)
    server.files["/thing.bin"], server.break_after = DATA, 300_000
    assert store.get(make_asset(DATA, https(server))).read_bytes() == DATA
    assert len(server.gets()) > 2 * patience.ATTEMPTS


def test_cut_and_no_ranges(server: Any, store: Store, make_asset: Make, keys: dict[str, Any]) -> None:
    """Every attempt starts over; one that comes through in one go is enough, and no two attempts are mixed."""
    server.files["/thing.bin"], server.ranges, server.breaks = DATA, False, [2_000_000, 500_000, 1_500_000]
    assert store.get(make_asset(DATA, https(server), **keys)).read_bytes() == DATA
    assert len(server.gets()) == 4


def test_cut_for_ever_and_no_ranges(server: Any, store: Store, make_asset: Make, waits: list[float]) -> None:
    server.files["/thing.bin"] = server.files["/other.bin"] = DATA
    server.ranges, server.breaks = False, [500_000] * patience.ATTEMPTS
    asset = make_asset(DATA, https(server), https(server, "/other.bin"))
    assert store.get(asset).read_bytes() == DATA
    assert len(starts(server)) == patience.ATTEMPTS and len(starts(server, "/other.bin")) == 1
    assert waits == sorted(waits) and 0 < sum(waits) <= patience.LONGEST_WAIT


def test_no_ranges(server: Any, store: Store, make_asset: Make, keys: dict[str, Any]) -> None:
    server.files["/thing.bin"], server.ranges = DATA, False
    assert store.get(make_asset(DATA, https(server), **keys)).read_bytes() == DATA
    assert server.gets() == [None]


# Servers that are busy.


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_for_a_moment(server: Any, store: Store, make_asset: Make, status: int, waits: list[float]) -> None:
    server.files["/thing.bin"], server.troubles["/thing.bin"] = DATA, [(status, {}), (status, {})]
    assert store.get(make_asset(DATA, https(server))).read_bytes() == DATA
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds(server: Any, store: Store, make_asset: Make, status: int, waits: list[float]) -> None:
    server.files["/thing.bin"], server.troubles["/thing.bin"] = DATA, [(status, {"Retry-After": "7"})]
    assert store.get(make_asset(DATA, https(server))).read_bytes() == DATA
    assert waits == [7.0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_as_a_date(server: Any, store: Store, make_asset: Make, status: int, waits: list[float]) -> None:
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=20)
    server.files["/thing.bin"] = DATA
    server.troubles["/thing.bin"] = [(status, {"Retry-After": format_datetime(when, usegmt=True)})]
    assert store.get(make_asset(DATA, https(server))).read_bytes() == DATA
    assert len(waits) == 1 and 10 < waits[0] <= 20


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ["3600", "Fri, 31 Dec 2199 23:59:59 GMT"])
def test_retry_after_longer_than_we_wait(
    server: Any, store: Store, make_asset: Make, status: int, asked: str, waits: list[float]
) -> None:
    server.files["/other.bin"] = DATA
    server.troubles["/thing.bin"] = [(status, {"Retry-After": asked})] * 9
    asset = make_asset(DATA, https(server), https(server, "/other.bin"))
    assert store.get(asset).read_bytes() == DATA
    assert len(starts(server)) == 1 and waits == []
    with pytest.raises(AssetError, match=rf"HTTP {status} .* and asks to wait \d+ s"):
        store.get(make_asset(DATA, https(server), id="alone"))


def test_the_waits_are_bounded_in_all(server: Any, store: Store, make_asset: Make, waits: list[float]) -> None:
    """Each wait is short enough, all together are not."""
    server.files["/other.bin"] = DATA
    server.troubles["/thing.bin"] = [(503, {"Retry-After": "25"})] * 9
    assert store.get(make_asset(DATA, https(server), https(server, "/other.bin"))).read_bytes() == DATA
    assert waits == [25.0, 25.0]


class _Then(dict[str, list[tuple[int, dict[str, str]]]]):
    """Troubles that start with the second request."""

    asked = 0

    def get(self, path: str, default: Any = None) -> Any:
        self.asked += 1
        return super().get(path, default) if self.asked > 1 else default


def test_busy_in_the_middle(server: Any, store: Store, make_asset: Make, waits: list[float]) -> None:
    """What had arrived before the server became busy is not asked for again."""
    server.files["/thing.bin"], server.breaks = DATA, [1_000_000]
    server.troubles = _Then({"/thing.bin": [(503, {"Retry-After": "3"})]})
    assert store.get(make_asset(DATA, https(server))).read_bytes() == DATA
    asked = starts(server)
    assert len(asked) == 3 and asked[0] == 0 and asked[1] == asked[2] > 0
    assert waits == [3.0]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451])
def test_a_refusal_is_final(server: Any, store: Store, make_asset: Make, status: int, waits: list[float]) -> None:
    server.files["/other.bin"], server.troubles["/thing.bin"] = DATA, [(status, {"Retry-After": "1"})] * 9
    assert store.get(make_asset(DATA, https(server), https(server, "/other.bin"))).read_bytes() == DATA
    assert len(starts(server)) == 1 and waits == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
        ("-1", None),
    ],
)
def test_reading_retry_after(header: str | None, seconds: float | None) -> None:
    assert patience.seconds_to_wait(header) == seconds


# Bytes that are not the file's.


def test_wrong_bytes_of_the_right_length(server: Any, store: Store, make_asset: Make) -> None:
    wrong = DATA[:-1] + bytes([DATA[-1] ^ 1])
    server.files |= {"/thing.bin": wrong, "/other.bin": DATA}
    for number, keys in enumerate(({}, MD5_ONLY)):
        asset = make_asset(DATA, https(server), https(server, "/other.bin"), id=f"thing-{number}", **keys)
        assert store.get(asset).read_bytes() == DATA
        alone = make_asset(DATA, https(server), id=f"alone-{number}", **keys)
        with pytest.raises(AssetError, match=r"wrong sha256|wrong md5"):
            store.get(alone)
        assert nothing_kept(store, alone)


def test_a_file_with_size_and_md5_only_is_pinned_when_it_has_come(server: Any, store: Store, make_asset: Make) -> None:
    """No ETag, no date: what has come may be continued all the same, since the MD5 would tell."""
    server.files["/thing.bin"], server.etag, server.breaks = DATA, False, [1_000_000]
    asset = make_asset(DATA, https(server), **MD5_ONLY)
    assert store.get(asset).read_bytes() == DATA
    assert starts(server)[1] > 0
    assert store.pin(asset) == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_page_instead_of_the_file(server: Any, store: Store, make_asset: Make, keys: dict[str, Any], ranges: bool) -> None:
    server.page["/thing.bin"], server.files["/other.bin"], server.ranges = PAGE, DATA, ranges
    assert store.get(make_asset(DATA, https(server), https(server, "/other.bin"), **keys)).read_bytes() == DATA
    alone = make_asset(DATA, https(server), id="alone", **keys)
    with pytest.raises(AssetError, match=r"web page|wrong size"):
        store.get(alone)
    assert nothing_kept(store, alone)


def test_a_page_that_claims_to_be_a_file(server: Any, store: Store, make_asset: Make) -> None:
    """Sent as application/octet-stream, about a file of which nothing is known."""
    server.files["/thing.bin"] = b"\xef\xbb\xbf\r\n  " + PAGE
    asset = make_asset(DATA, https(server), **UNKNOWN)
    with pytest.raises(AssetError, match="a web page"):
        store.get(asset)
    assert nothing_kept(store, asset)


def test_a_torn_archive_of_which_nothing_is_known(server: Any, store: Store, make_asset: Make, tmp_path: Path) -> None:
    """The server says no length and cuts: nothing but the archive itself can tell. It must not become what is expected later."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as file:
        file.writestr("picture", DATA)
    whole = (tmp_path / "packed.zip").read_bytes()
    server.files["/thing.zip"], server.say_length, server.break_after = whole, False, 1_000_000
    asset = make_asset(whole, https(server, "/thing.zip"), file="thing.zip", **UNKNOWN)
    with pytest.raises(AssetError, match="damaged or cut off"):
        store.get(asset)
    assert nothing_kept(store, asset)
    server.break_after = None
    assert store.get(asset).read_bytes() == whole
