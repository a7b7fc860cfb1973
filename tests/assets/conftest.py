"""A real HTTPS server on this machine, and cards to fetch from it."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from semsr.assets import patience
from semsr.assets.network import reachability
from semsr.assets.store import Store
from semsr.cards import Asset


@dataclass
class Server:
    """What the server gives and how it misbehaves; what it was asked."""

    url: str = ""
    certificate: Path = Path()
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    ranges: bool = True
    etag: bool = True
    say_length: bool = True
    content_type: str = "application/octet-stream"
    break_after: int | None = None
    breaks: list[int | None] = field(default_factory=list)
    """Where to cut the next answers, one each; after them `break_after` counts."""
    troubles: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    """Status and headers of the next answers for a path, before its file is given."""
    page: dict[str, bytes] = field(default_factory=dict)
    """Web pages that are given with status 200 under a file's address."""
    pause: float = 0.0
    redirect: dict[str, str] = field(default_factory=dict)

    def gets(self) -> list[str | None]:
        return [wanted for verb, _, wanted in self.requests if verb == "GET"]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.requests.append(("GET", self.path, wanted))
            if self.path in server.redirect:
                self.send_response(302)
                self.send_header("Location", server.redirect[self.path])
                self.end_headers()
                return
            if server.troubles.get(self.path):
                status, headers = server.troubles[self.path].pop(0)
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if self.path in server.page:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(server.page[self.path])))
                self.end_headers()
                self.wfile.write(server.page[self.path])
                return
            if self.path not in server.files:
                self.send_error(404)
                return
            data, start = server.files[self.path], 0
            tag = f'"{hashlib.md5(data).hexdigest()}"'
            match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            if match and server.ranges and self.headers.get("If-Range", tag) == tag:
                start = int(match[1])
                if start >= len(data):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("Content-Type", server.content_type)
            if server.etag:
                self.send_header("ETag", tag)
            if server.say_length:
                self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            cut = server.breaks.pop(0) if server.breaks else server.break_after
            end = len(data) if cut is None else min(len(data), start + cut)
            for offset in range(start, end, 65536):
                self.wfile.write(data[offset : min(end, offset + 65536)])
                self.wfile.flush()
                time.sleep(server.pause)

    return Handler


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, so that the rule 'https only' is tested as it stands."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    return public, private


@pytest.fixture
def server(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server(certificate=certificate[0])
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    http.daemon_threads = True
    http.handle_error = lambda *_: None  # type: ignore[method-assign]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    state.url = f"https://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield state
    http.shutdown()
    http.server_close()


@pytest.fixture(autouse=True)
def forget_hosts() -> None:
    reachability.forget()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that downloads of this test would have waited; nobody waits for them."""
    asked: list[float] = []
    monkeypatch.setattr(patience, "sleep", asked.append)
    return asked


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def make_asset() -> Callable[..., Asset]:
    """A card for `data`; keys given replace those made up here."""

    def make(data: bytes, *mirrors: dict[str, str], **keys: Any) -> Asset:
        card = {
            "id": "thing",
            "file": "thing.bin",
            "title": "A thing",
            "licence": "CC0-1.0",
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "source": "made up",
            "manual": "Ask the author.",
            "mirrors": mirrors,
        }
        return Asset.model_validate(card | keys)

    return make
