"""The store against a real HTTPS server, real processes and real file systems."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import logging
import os
import pty
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semsr.assets.store import Store, default_folder
from semsr.cards import Asset
from semsr.errors import AssetError, StorageError

Make = Callable[..., Asset]
DATA = os.urandom(3_000_000)
ASK = "import sys; from pathlib import Path; from semsr.assets.store import Store; from semsr.cards import Asset\n" + (
    "print(getattr(Store(Path(sys.argv[1])), sys.argv[3])(Asset.model_validate_json(sys.argv[2])))"
)


def ask_in_a_process(store: Store, asset: Asset, verb: str = "get", stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ASK, str(store.folder), asset.model_dump_json(), verb]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)


def https(server: Any, name: str = "/thing.bin") -> dict[str, str]:
    return {"kind": "https", "url": server.url + name}


def names(store: Store) -> set[str]:
    return {path.name for path in store.folder.rglob("*") if path.is_file() and path.name not in {".lock", "licence.txt"}}


def test_gives_a_verified_file_and_asks_the_server_once(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"] = DATA
    asset = make_asset(DATA, https(server))
    path = store.get(asset)
    assert path == store.folder / "thing" / hashlib.sha256(DATA).hexdigest()[:12] / "thing.bin"
    assert path.read_bytes() == DATA
    assert store.get(asset) == path
    assert server.gets() == [None]
    assert names(store) == {"thing.bin"}


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMSR_ASSETS", "~/here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / "here"
    monkeypatch.delenv("SEMSR_ASSETS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_folder() == tmp_path / "cache" / "semsr" / "assets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == tmp_path / ".cache" / "semsr" / "assets"


def test_a_broken_connection_is_resumed_at_once(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"] = DATA
    server.break_after = 1_000_000
    assert store.get(make_asset(DATA, https(server))).read_bytes() == DATA
    starts = [int((wanted or "bytes=0-").removeprefix("bytes=").rstrip("-")) for wanted in server.gets()]
    assert starts == sorted(set(starts)) and starts[0] == 0 and len(starts) >= 3


def test_killed_in_the_middle_then_resumed(server: Any, store: Store, make_asset: Make) -> None:
    data = os.urandom(8_000_000)
    server.files["/thing.bin"] = data
    server.pause = 0.05
    asset = make_asset(data, https(server))
    process = ask_in_a_process(store, asset)
    deadline = time.monotonic() + 60
    while not (kept := [p for p in store.folder.rglob(".thing.bin.*.partial") if p.stat().st_size > 1_000_000]):
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    length = kept[0].stat().st_size
    assert 1_000_000 < length < len(data)
    assert not store.path(asset).exists()

    server.pause = 0.0
    assert store.get(asset).read_bytes() == data
    assert server.gets() == [None, f"bytes={length}-"]
    assert names(store) == {"thing.bin"}


@pytest.mark.parametrize("pinned", [True, False])
def test_what_was_kept_of_another_version_is_not_mixed_in(server: Any, store: Store, make_asset: Make, pinned: bool) -> None:
    """The file changed on the server between two attempts; no part of the old one may survive."""
    old, new = os.urandom(2_000_000), os.urandom(2_000_000)
    keys = {} if pinned else {"sha256": None, "size": None, "unpinned": "not published"}
    asset = make_asset(new, https(server), **keys)
    server.files["/thing.bin"], server.break_after, server.ranges = old, 500_000, False
    with pytest.raises(AssetError):
        store.get(asset)
    assert any(path.stat().st_size for path in store.folder.rglob("*.partial"))
    server.files["/thing.bin"], server.break_after, server.ranges = new, None, True
    assert store.get(asset).read_bytes() == new


def test_wrongly_resumed_bytes_are_found_and_the_file_is_fetched_afresh(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"], server.etag = DATA, False
    asset = make_asset(DATA, https(server))
    server.break_after, server.ranges = 500_000, False
    with pytest.raises(AssetError):
        store.get(asset)
    (partial,) = store.folder.rglob(".thing.bin.*.partial")
    length = partial.stat().st_size
    assert 0 < length <= 500_000
    partial.write_bytes(bytes(length))
    server.break_after, server.ranges = None, True
    assert store.get(asset).read_bytes() == DATA
    assert server.gets()[-2:] == [f"bytes={length}-", None]


def test_two_processes_want_the_same_asset(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"] = DATA
    server.pause = 0.05
    asset = make_asset(DATA, https(server))
    processes = [ask_in_a_process(store, asset) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], results
    assert {out.strip() for out, _ in results} == {str(store.path(asset))}
    assert store.path(asset).read_bytes() == DATA
    assert len(server.gets()) == 1


def test_the_lock_of_a_killed_process_is_free(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"], server.pause = DATA, 0.2
    asset = make_asset(DATA, https(server))
    process = ask_in_a_process(store, asset)
    while not server.gets():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    server.pause = 0.0
    start = time.monotonic()
    assert store.get(asset).read_bytes() == DATA
    assert time.monotonic() - start < 5


def test_the_next_mirror_is_tried(server: Any, store: Store, make_asset: Make, caplog: pytest.LogCaptureFixture) -> None:
    server.files |= {"/wrong": bytes(len(DATA)), "/short": DATA[:-1], "/right": DATA}
    mirrors = [https(server, name) for name in ("/absent", "/wrong", "/short", "/right")]
    with caplog.at_level(logging.INFO, logger="semsr"):
        assert store.get(make_asset(DATA, *mirrors)).read_bytes() == DATA
    assert "HTTP 404" in caplog.text and "wrong sha256" in caplog.text and "wrong size" in caplog.text


def test_all_mirrors_fail(server: Any, store: Store, make_asset: Make, tmp_path: Path) -> None:
    server.files["/wrong"] = bytes(len(DATA))
    mirrors = [https(server, "/absent"), https(server, "/wrong"), {"kind": "file", "path": str(tmp_path / "mine.bin")}]
    asset = make_asset(DATA, *mirrors)
    with pytest.raises(AssetError) as caught:
        store.get(asset)
    text = str(caught.value)
    assert "\n" not in text
    for part in (
        "'thing' (thing.bin)",
        f"(1) {server.url}/absent: HTTP 404",
        f"(2) {server.url}/wrong: wrong sha256 (expected {asset.sha256}, found {hashlib.sha256(bytes(len(DATA))).hexdigest()})",
        f"(3) file {tmp_path / 'mine.bin'}: no such file",
        "By hand: Ask the author.",
        f"Put the file at {store.path(asset)}",
        "semsr fetch DATASET --from DIR",
    ):
        assert part in text
    assert names(store) == set()


@pytest.mark.parametrize("say_length", [True, False])
@pytest.mark.parametrize("data", [DATA + b"x", DATA[:-1]])
def test_wrong_size(server: Any, store: Store, make_asset: Make, data: bytes, say_length: bool) -> None:
    server.files["/thing.bin"], server.say_length = data, say_length
    with pytest.raises(AssetError, match=f"wrong size: the card says {len(DATA)} bytes, the server"):
        store.get(make_asset(DATA, https(server)))
    assert names(store) == set()


def test_wrong_md5(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"] = DATA
    good, bad = hashlib.md5(DATA).hexdigest(), "0" * 32
    keys = {"sha256": None, "unpinned": "only an md5 is published"}
    with pytest.raises(AssetError, match=f"wrong md5 .expected {bad}, found {good}"):
        store.get(make_asset(DATA, https(server), md5=bad, **keys))
    assert store.get(make_asset(DATA, https(server), md5=good, **keys)).read_bytes() == DATA


def test_a_login_page_is_not_the_file(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"], server.content_type = b"<html>please log in</html>", "text/html; charset=utf-8"
    asset = make_asset(DATA, https(server), sha256=None, size=None, unpinned="not published")
    with pytest.raises(AssetError, match="web page"):
        store.get(asset)


def test_a_redirect_away_from_https_is_refused(server: Any, store: Store, make_asset: Make) -> None:
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Quiet(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA)

        def log_message(self, *_: Any) -> None:
            pass

    plain = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    plain.handle_error = lambda *_: None  # type: ignore[method-assign]
    Thread(target=plain.serve_forever, args=(0.02,), daemon=True).start()
    server.redirect["/thing.bin"] = f"http://127.0.0.1:{plain.server_port}/thing.bin"
    try:
        with pytest.raises(AssetError, match="redirected away from https"):
            store.get(make_asset(DATA, https(server)))
    finally:
        plain.shutdown()
        plain.server_close()


def test_a_damaged_file_in_the_store_is_noticed_and_replaced(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"] = DATA
    asset = make_asset(DATA, https(server))
    path = store.get(asset)
    path.write_bytes(bytes(len(DATA)))
    assert store.get(asset).read_bytes() == DATA
    assert path.with_name("thing.bin.rejected").read_bytes() == bytes(len(DATA))


def test_put_there_by_hand(store: Store, make_asset: Make) -> None:
    asset = make_asset(DATA, {"kind": "file", "path": "/nowhere/thing.bin"})
    store.path(asset).parent.mkdir(parents=True)
    store.path(asset).write_bytes(DATA)
    assert store.get(asset) == store.path(asset)


def test_unpinned_is_what_came_first(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"] = DATA
    asset = make_asset(DATA, https(server), sha256=None, size=None, unpinned="not published")
    assert store.pin(asset) is None
    path = store.get(asset)
    assert store.pin(asset) == hashlib.sha256(DATA).hexdigest()
    path.unlink()
    server.files["/thing.bin"] = other = os.urandom(1000)
    with pytest.raises(AssetError, match=r"wrong sha256 .*came first on this machine: delete"):
        store.get(asset)
    (path.parent / "thing.bin.sha256").unlink()
    assert store.get(asset).read_bytes() == other


def test_a_copy_of_the_user(store: Store, make_asset: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.bin").write_bytes(DATA)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MY_COPIES", str(tmp_path))
    for number, path in enumerate(("~/mine.bin", "$MY_COPIES/mine.bin", "${MY_COPIES}/mine.bin")):
        asset = make_asset(DATA, {"kind": "file", "path": path}, id=f"thing-{number}")
        assert store.get(asset).read_bytes() == DATA
    assert (tmp_path / "mine.bin").read_bytes() == DATA
    for path, reason in (("$NOT_SET_ANYWHERE/mine.bin", "not set"), ("mine.bin", "absolute")):
        with pytest.raises(AssetError, match=reason):
            store.get(make_asset(DATA, {"kind": "file", "path": path}, id="other"))


def test_adopting_a_copy(store: Store, make_asset: Make, tmp_path: Path) -> None:
    asset = make_asset(DATA, {"kind": "file", "path": "/nowhere/thing.bin"})
    with pytest.raises(AssetError, match="no file"):
        store.adopt(asset, tmp_path)
    (tmp_path / "thing.bin").write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    with pytest.raises(AssetError, match=r"wrong sha256|wrong size"):
        store.adopt(asset, tmp_path)
    (tmp_path / "thing.bin").write_bytes(DATA)
    assert store.adopt(asset, tmp_path).read_bytes() == DATA
    assert store.get(asset) == store.path(asset)


def test_the_licence_is_told_once(server: Any, store: Store, make_asset: Make, caplog: pytest.LogCaptureFixture) -> None:
    server.files["/thing.bin"] = DATA
    asset = make_asset(DATA, https(server))
    for _ in range(2):
        store.get(asset)
        store.path(asset).unlink()
    assert caplog.text.count("licence CC0-1.0") == 1
    store.get(make_asset(DATA, https(server), licence="CC-BY-4.0"))
    assert "licence CC-BY-4.0" in caplog.text


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def test_an_archive_is_unpacked_once(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"] = data = zipped(one=b"1", two=DATA)
    asset = make_asset(data, https(server))
    folder = store.unpacked(asset)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"one": b"1", "two": DATA}
    before = folder.stat().st_mtime_ns
    assert store.unpacked(asset) == folder and folder.stat().st_mtime_ns == before


def test_leftovers_of_killed_processes_go(server: Any, store: Store, make_asset: Make) -> None:
    server.files["/thing.bin"] = data = zipped(one=b"1")
    asset = make_asset(data, https(server))
    place = store.path(asset).parent
    (place / ".thing.bin.unpacked.123.abc.partial" / "half").mkdir(parents=True)
    (place / "..thing.bin.0a0a0a0a.partial.123.abc.partial").touch()
    store.unpacked(asset)
    assert sorted(path.name for path in place.iterdir()) == ["thing.bin", "thing.bin.unpacked"]


def test_killed_while_unpacking(store: Store, make_asset: Make, tmp_path: Path) -> None:
    data = zipped(**{f"file-{number}": os.urandom(100) for number in range(10_000)})
    (tmp_path / "mine.bin").write_bytes(data)
    asset = make_asset(data, {"kind": "file", "path": str(tmp_path / "mine.bin")})
    store.get(asset)
    process = ask_in_a_process(store, asset, "unpacked")
    while not list(store.path(asset).parent.glob(".*.partial/file-1")):
        assert process.poll() is None, process.communicate()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not store.path(asset).with_name("thing.bin.unpacked").exists()
    assert len(list(store.unpacked(asset).iterdir())) == 10_000
    assert names(store) == {"thing.bin", *(f"file-{number}" for number in range(10_000))}


def test_a_bar_on_a_terminal_only(server: Any, store: Store, make_asset: Make) -> None:
    """Nothing but the licence on a pipe; a bar on a terminal."""
    server.files["/thing.bin"], server.pause = DATA, 0.02
    process = ask_in_a_process(store, make_asset(DATA, https(server)))
    assert process.communicate()[1].count("\n") == 1
    leader, follower = pty.openpty()
    process = ask_in_a_process(store, make_asset(DATA, https(server), id="other"), stderr=follower)
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(leader, 65536):
            shown += piece
    process.communicate()
    os.close(leader)
    assert b"thing.bin" in shown and b"MB" in shown


@pytest.mark.parametrize("say_length", [True, False])
def test_disk_full(server: Any, make_asset: Make, small_disk: Path, say_length: bool) -> None:
    """A file system of one megabyte: refused before anything is written, or cleaned up after."""
    server.files["/thing.bin"], server.say_length = DATA, say_length
    store = Store(small_disk)
    keys = {} if say_length else {"size": None}
    with pytest.raises(StorageError, match=r"are free|no space left") as caught:
        store.get(make_asset(DATA, https(server), **keys))
    assert "\n" not in str(caught.value)
    assert names(store) == set()
    server.files["/thing.bin"] = small = os.urandom(500_000)
    assert store.get(make_asset(small, https(server), id="small")).read_bytes() == small


def test_disk_full_while_copying(make_asset: Make, small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.bin").write_bytes(DATA)
    store = Store(small_disk)
    with pytest.raises(StorageError, match="no space left"):
        store.get(make_asset(DATA, {"kind": "file", "path": str(tmp_path / "mine.bin")}))
    assert names(store) == set()


def test_a_read_only_store(server: Any, make_asset: Make, read_only_disk: Path) -> None:
    server.files["/thing.bin"] = DATA
    with pytest.raises(StorageError, match="read-only"):
        Store(read_only_disk / "assets").get(make_asset(DATA, https(server)))
    assert server.gets() == []


def test_a_filled_store_may_be_read_only(server: Any, store: Store, make_asset: Make) -> None:
    """Shared clusters: someone filled the store, everybody reads."""
    server.files["/thing.bin"] = DATA
    asset = make_asset(DATA, https(server))
    store.get(asset)
    for options in (["--bind", str(store.folder)], ["-o", "remount,ro,bind"]):
        if subprocess.run(["mount", *options, str(store.folder)], capture_output=True).returncode:
            pytest.skip("can't mount a file system here")
    try:
        with pytest.raises(OSError, match="Read-only") as caught:
            (store.folder / "x").touch()
        assert caught.value.errno == errno.EROFS
        assert Store(store.folder).get(asset).read_bytes() == DATA
    finally:
        subprocess.run(["umount", str(store.folder)], check=True)
