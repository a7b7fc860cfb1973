"""One file over HTTP into a `.partial` file that outlives the process, so that the next attempt goes on where this one stopped.

pooch, requests and pip download a file in one go; resuming is the part that none of them offers as a library call.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semsr.assets.network import (
    CONNECT_SECONDS,
    READ_SECONDS,
    BrokenTransferError,
    BusyError,
    MirrorError,
    UnreachableError,
    host_of,
    mirror_error,
    reachability,
)
from semsr.assets.patience import Patience, seconds_to_wait
from semsr.assets.progress import download_bar
from semsr.errors import StorageError
from semsr.files import free_bytes, storage_errors

logger = logging.getLogger(__name__)

CHUNK = 1 << 20
_PIECE = 1 << 16  # bytes of a piece that did not arrive whole are lost when the connection breaks
_VALIDATOR = ".validator"
_BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers that another attempt may change (RFC 9110, RFC 6585); every other refusal is final."""


class _StaleError(Exception):
    """What an earlier attempt left can't be continued."""


def download(session: Any, url: str, partial: Path, *, size: int | None, pinned: bool, label: str, secure: bool = True) -> None:
    """Bring the bytes at `url` into `partial`, going on after those that are there already.

    A connection that breaks in the middle is taken up again at once; a server that brings nothing or is busy is given time
    (`semsr.assets.patience`).

    Args:
        session: a `requests.Session`, or one that looks like it (pip's own).
        url: where from.
        partial: kept on a broken transfer, deleted when the disk is full or the server offers another size.
        size: the bytes expected, if known; a server that announces another number is refused before anything is read.
        pinned: a checksum is known, so that a wrongly resumed file would be noticed; else only an ETag or date allows to resume.
        label: what the progress bar calls it.
        secure: refuse to be redirected from https to anything else.

    Raises:
        MirrorError: this server does not give the file.
        StorageError: the disk is full or can't be written.
    """
    patience = Patience(label)
    stale = False
    while True:
        before = _length(partial)
        try:
            _attempt(session, url, partial, size=size, pinned=pinned, label=label, secure=secure)
        except _StaleError:
            discard(partial)
            if stale:
                raise MirrorError("the server does not let the transfer be resumed") from None
            stale = True
        except BrokenTransferError as error:
            patience.after(error, _length(partial) - before)
        except BusyError as error:
            try:
                patience.after(error, _length(partial) - before)
            except MirrorError as last:
                # A host in trouble, which does not say for how long: to wait for each of its other files would add up to minutes.
                if error.retry_after is None:
                    reachability.failed(host_of(url), str(last))
                raise
        except StorageError:
            discard(partial)
            raise
        else:
            with contextlib.suppress(OSError):
                _validator_file(partial).unlink(missing_ok=True)
            return


def discard(partial: Path) -> None:
    """Delete a partial file and what was noted about it."""
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)
        _validator_file(partial).unlink(missing_ok=True)


def _attempt(session: Any, url: str, partial: Path, *, size: int | None, pinned: bool, label: str, secure: bool) -> None:
    have = _length(partial)
    if pinned and size is not None and have == size:
        return  # complete, but its process ended before it could be verified
    validator = _read_validator(partial)
    headers = {"Accept-Encoding": "identity"}
    if have and (validator or pinned):
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    with _open(session, url, headers) as response:
        if response.status_code == 416 and have:
            raise _StaleError  # what is there is longer than, or not of, the file that the server has now
        start, total = _offered(response, secure=secure)
        if start not in (0, have):
            raise _StaleError
        if size is not None and total not in (None, size):
            discard(partial)
            raise MirrorError(f"wrong size: the card says {size} bytes, the server offers {total}")
        _require_space(partial, (total or size or start) - start)
        with storage_errors(partial):
            partial.parent.mkdir(parents=True, exist_ok=True)
            _write_validator(partial, response)
            position = start
            with partial.open("ab" if start else "wb") as file, download_bar(label, total or size, start) as advance:
                for chunk in _chunks(response):
                    file.write(chunk)
                    position += len(chunk)
                    advance(len(chunk))
                    if size is not None and position > size:
                        break
                file.flush()
                os.fsync(file.fileno())
    if size is not None and position > size:
        discard(partial)
        raise MirrorError(f"wrong size: the card says {size} bytes, the server sends more")
    if total is not None and position < total:
        raise BrokenTransferError("the connection broke off")
    if size is not None and position < size:
        discard(partial)
        raise MirrorError(f"wrong size: the card says {size} bytes, the server sent {position}")


@contextlib.contextmanager
def _open(session: Any, url: str, headers: dict[str, str]) -> Iterator[Any]:
    host = host_of(url)
    reachability.check(host)
    try:
        response = session.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS))
    except Exception as error:  # requests, its copy inside pip, and pip each raise their own classes
        found = mirror_error(error)
        if isinstance(found, UnreachableError):
            reachability.failed(host, str(found))
        raise found from None
    try:
        yield response
    finally:
        response.close()


def _offered(response: Any, *, secure: bool) -> tuple[int, int | None]:
    """Where the body starts and how long the whole file is (None: not said)."""
    if response.status_code not in (200, 206):
        told = f"HTTP {response.status_code} {response.reason or ''}".strip()
        if response.status_code in _BUSY:
            raise BusyError(told, seconds_to_wait(response.headers.get("Retry-After")))
        raise MirrorError(told)
    if secure and not response.url.startswith("https://"):
        raise MirrorError("redirected away from https")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise MirrorError("answered with a web page instead of the file")
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None:
            raise MirrorError("answered a part without saying which")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    return 0, int(length) if length.isdigit() and not encoded else None


def _chunks(response: Any) -> Iterator[bytes]:
    try:
        yield from response.iter_content(_PIECE)
    except Exception as error:
        raise BrokenTransferError(str(mirror_error(error))) from None


def _require_space(partial: Path, needed: int) -> None:
    free = free_bytes(partial.parent)
    if needed > free:
        raise StorageError(
            f"{partial.parent}: {needed / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free; free some space, "
            "or set SEMSR_ASSETS to a folder on a larger disk"
        )


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _validator_file(partial: Path) -> Path:
    return partial.with_name(partial.name + _VALIDATOR)


def _read_validator(partial: Path) -> str:
    file = _validator_file(partial)
    return file.read_text().strip() if partial.exists() and file.exists() else ""


def _write_validator(partial: Path, response: Any) -> None:
    etag = response.headers.get("ETag", "")
    strong = etag if etag.startswith('"') else ""
    _validator_file(partial).write_text(strong or response.headers.get("Last-Modified", ""))
