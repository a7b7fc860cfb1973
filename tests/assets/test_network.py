"""No network, in its several forms, is told in seconds; and the kinds of mirrors that need a service, against a stand-in."""

from __future__ import annotations

import hashlib
import inspect
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import gdown
import pytest

from semsr.assets import download, mirrors, network
from semsr.assets.store import Store
from semsr.cards import Asset
from semsr.errors import AssetError

Make = Callable[..., Asset]
DATA = os.urandom(300_000)
HF = {"kind": "hf", "repo": "someone/thing", "revision": "a" * 40, "file": "weights/thing.bin"}


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and never says a word, as some firewalls make it look."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield int(listener.getsockname()[1])


def test_a_closed_port(store: Store, make_asset: Make, closed_port: int) -> None:
    asset = make_asset(DATA, {"kind": "https", "url": f"https://127.0.0.1:{closed_port}/x"})
    start = time.monotonic()
    with pytest.raises(AssetError, match=r"no connection \(no network\?\)"):
        store.get(asset)
    assert time.monotonic() - start < 3


def test_a_name_that_does_not_resolve(store: Store, make_asset: Make) -> None:
    start = time.monotonic()
    with pytest.raises(AssetError, match=r"name was not found|no connection|no answer|proxy"):
        store.get(make_asset(DATA, {"kind": "https", "url": "https://nowhere.invalid/x"}))
    assert time.monotonic() - start < 10


def test_a_silent_host_costs_its_time_once(
    store: Store, make_asset: Make, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "CONNECT_SECONDS", 1.0)
    start = time.monotonic()
    for number in range(20):
        with pytest.raises(AssetError, match=r"no answer within|did not answer in time"):
            store.get(
                make_asset(DATA, {"kind": "https", "url": f"https://127.0.0.1:{silent_port}/{number}"}, id=f"thing-{number}")
            )
    assert time.monotonic() - start < 4


def test_a_certificate_of_somebody_else(server: Any, store: Store, make_asset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with pytest.raises(AssetError, match="TLS certificate was not accepted"):
        store.get(make_asset(DATA, {"kind": "https", "url": server.url + "/thing.bin"}))


def test_no_address_with_a_password_is_told() -> None:
    assert network.host_of("https://me:secret@host.example:8443/x?token=1") == "host.example:8443"
    assert network.explain(RuntimeError("https://me:secret@host")) == "RuntimeError"


def hub(data: bytes) -> ThreadingHTTPServer:
    """As much of a Hugging Face server as one file needs."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def answer(self, *, body: bool) -> None:
            known = self.path == f"/someone/thing/resolve/{'a' * 40}/weights/thing.bin"
            self.send_response(200 if known or self.path == "/" else 404)
            self.send_header("X-Repo-Commit", "a" * 40)
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("Content-Length", str(len(data) if known else 0))
            self.end_headers()
            if body and known:
                self.wfile.write(data)

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    return http


ASK = """
import sys, time
from pathlib import Path
from semsr.assets.store import Store
from semsr.cards import Asset
import huggingface_hub
for card in sys.argv[2:]:
    start = time.monotonic()
    try:
        text = Store(Path(sys.argv[1])).get(Asset.model_validate_json(card))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
    print(time.monotonic() - start, text)
"""


def ask_hub(endpoint: str, store: Store, tmp_path: Path, *assets: Asset) -> list[tuple[float, str]]:
    """In a process of its own, since the client reads its settings when it is imported. Seconds and answer for each asset."""
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hf"), "NO_PROXY": "127.0.0.1", "HF_TOKEN": ""}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(store.folder), *(asset.model_dump_json() for asset in assets)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    return [(float(seconds), text) for seconds, text in lines]


def test_hugging_face(store: Store, make_asset: Make, tmp_path: Path) -> None:
    http = hub(DATA)
    right = make_asset(DATA, HF)
    wrong = make_asset(b"other", HF, id="other")
    absent = make_asset(DATA, HF | {"file": "absent.bin"}, id="absent")
    try:
        answers = ask_hub(f"http://127.0.0.1:{http.server_port}", store, tmp_path, right, wrong, absent)
    finally:
        http.shutdown()
        http.server_close()
    texts = [text for _, text in answers]
    assert texts[0] == str(store.path(right))
    assert store.get(right).read_bytes() == DATA
    assert "wrong size (expected 5 bytes, found 300000)" in texts[1]
    assert texts[2].startswith("MissingAssetsError") and "absent.bin: " in texts[2]
    assert not list(store.folder.rglob("*.partial"))


def test_hugging_face_out_of_reach(store: Store, make_asset: Make, tmp_path: Path, closed_port: int) -> None:
    """Its own client would try for 23 seconds."""
    ((seconds, text),) = ask_hub(f"http://127.0.0.1:{closed_port}", store, tmp_path, make_asset(DATA, HF))
    assert "no connection (no network?)" in text and seconds < 5


def test_google_drive(store: Store, make_asset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service can't be stood in for; the call must fit gdown's signature, and its errors become reasons."""
    signature = inspect.signature(gdown.download)
    asked: list[dict[str, Any]] = []

    def fake(*arguments: Any, **keys: Any) -> str:
        given = signature.bind(*arguments, **keys).arguments
        asked.append(given)
        if given["id"] == "forbidden":
            raise gdown.exceptions.FileURLRetrievalError("Cannot retrieve the public link of the file.\nMore.")
        Path(given["output"]).write_bytes(DATA)
        return str(given["output"])

    monkeypatch.setattr(gdown, "download", fake)
    monkeypatch.setattr(mirrors, "require_reachable", lambda url: None)
    asset = make_asset(DATA, {"kind": "gdrive", "id": "forbidden"}, {"kind": "gdrive", "id": "abc"})
    assert store.get(asset).read_bytes() == DATA
    assert asked[0]["timeout"] == (5.0, 30.0) and asked[0]["resume"] is True
    with pytest.raises(AssetError, match="Google Drive forbidden: Cannot retrieve the public link of the file"):
        store.get(make_asset(DATA, {"kind": "gdrive", "id": "forbidden"}, id="other"))
