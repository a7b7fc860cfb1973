"""What the network may do to a download, said in one line; and limits that turn 'no network' into seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests

CONNECT_SECONDS = 5.0
"""A server that does not answer a connection in this time is taken as unreachable."""

READ_SECONDS = 30.0
"""A transfer that brings nothing for this long is taken as broken; it can be resumed."""

_FORGET_SECONDS = 60.0


class MirrorError(Exception):
    """One mirror could not give the file; the text is the one-line reason. The next mirror is tried."""


class UnreachableError(MirrorError):
    """No connection at all: other files of the same host need not be tried in the next minute."""


class BrokenTransferError(MirrorError):
    """The connection broke in the middle; what has arrived is kept and the transfer can be resumed."""


class BusyError(MirrorError):
    """The server answers, but not now; `retry_after` is how many seconds it asks to wait, None where it does not say."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


_BROKEN = "the connection broke off"
_REASONS = (
    (("SSL", "Certificate"), "the TLS certificate was not accepted (behind a company proxy, set REQUESTS_CA_BUNDLE)"),
    (("Proxy",), "the proxy refused the connection"),
    (("NameResolution", "gaierror"), "the host's name was not found (no network?)"),
    (("ConnectTimeout", "ConnectionTimeout"), f"no answer within {CONNECT_SECONDS:.0f} s (no network?)"),
    (("NewConnection", "ConnectionRefused", "ConnectError", "ConnectionFailed"), "no connection (no network?)"),
    (("ReadTimeout",), "the server did not answer in time"),
    (("ChunkedEncoding", "IncompleteRead", "Protocol", "ReadError", "ConnectionReset"), _BROKEN),
    (("TooManyRedirects",), "too many redirects"),
    (("Connection", "Timeout"), "no connection (no network?)"),
)
"""By class name, as requests, the copies of it inside other packages, and httpx all have their own classes."""

_NO_ANSWER = tuple(reason for _, reason in _REASONS[:6])


def explain(error: BaseException) -> str:
    """One line on why a request failed, without addresses (they may hold passwords or tokens)."""
    names = [type(link).__name__ for link in _chain(error)]
    for parts, reason in _REASONS:
        if any(part in name for part in parts for name in names):
            return reason
    return f"{type(error).__name__}"


def mirror_error(error: BaseException) -> MirrorError:
    """The same as an exception: `UnreachableError` where no connection came about, `BrokenTransferError` where it broke."""
    reason = explain(error)
    if reason in _NO_ANSWER:
        return UnreachableError(reason)
    return BrokenTransferError(reason) if reason == _BROKEN else MirrorError(reason)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it, innermost last; requests and urllib3 hide the cause in `args` and `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


class Reachability:
    """Remembers for a minute which hosts could not be reached, so that fifty assets of one dead host fail at once."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[float, str]] = {}

    def check(self, host: str) -> None:
        """Raises: UnreachableError when `host` failed less than a minute ago."""
        when, reason = self._failed.get(host, (0.0, ""))
        if reason and time.monotonic() - when < _FORGET_SECONDS:
            raise UnreachableError(reason)

    def failed(self, host: str, reason: str) -> None:
        """Note that `host` can't be reached."""
        self._failed[host] = (time.monotonic(), reason)

    def forget(self) -> None:
        """Try every host again."""
        self._failed.clear()


reachability = Reachability()
"""Of this process."""


def host_of(url: str) -> str:
    """Host and port of an address, without user name and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def require_reachable(url: str) -> None:
    """Ask a server for its headers once, with short limits, before a library with long retry loops is let loose on it.

    Raises:
        UnreachableError: no connection.
    """
    host = host_of(url)
    reachability.check(host)
    try:
        requests.head(url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False).close()
    except requests.RequestException as error:
        reason = explain(error)
        reachability.failed(host, reason)
        raise UnreachableError(reason) from None
