"""Archives that try to write elsewhere."""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from semsr.assets.archives import Contents, contents, cut_off, unpack
from semsr.errors import AssetError, StorageError

GOOD = {"a.txt": b"one", "folder/b.bin": os.urandom(100_000), "folder/deep/c.txt": b""}


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


def make_tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tape:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tape.addfile(info, io.BytesIO(data))
    return path


def special(path: Path, name: str, kind: bytes, target: str = "") -> Path:
    with tarfile.open(path, "w") as tape:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        tape.addfile(info)
        inside = tarfile.TarInfo(f"{name}/inside.txt")
        inside.size = 4
        tape.addfile(inside, io.BytesIO(b"evil"))
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: Path, message: str) -> None:
    """Refused with one line, and nothing but the archive itself is anywhere."""
    base = archive.parent
    before = sorted(base.parent.rglob("*"))
    with pytest.raises(AssetError, match=message) as caught:
        unpack(archive, base / "out")
    assert "\n" not in str(caught.value) and str(archive) in str(caught.value)
    assert sorted(base.parent.rglob("*")) == before


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_unpacks_what_was_packed(place: Path, mode: str) -> None:
    archive = make_zip(place / "x", GOOD) if mode == "zip" else make_tar(place / "x", GOOD, mode)
    unpack(archive, place / "out")
    assert everything(place / "out") == GOOD
    assert {path.name for path in place.iterdir()} == {"x", "out"}


def test_equals_the_tar_program(place: Path) -> None:
    """Folders, long names and a `./` before each name, as GNU tar writes them."""
    import subprocess

    source = place / "source"
    (source / ("d" * 120)).mkdir(parents=True)
    (source / ("d" * 120) / ("f" * 120 + ".txt")).write_bytes(b"long")
    (source / "empty").mkdir()
    (source / "ä ö.txt").write_bytes(b"umlaut")
    subprocess.run(["tar", "-czf", place / "x.tgz", "-C", source, "."], check=True)
    unpack(place / "x.tgz", place / "out")
    assert everything(place / "out") == everything(source)
    assert (place / "out" / "empty").is_dir()


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize(
    "name, message",
    [
        ("../evil.txt", "leads outside"),
        ("folder/../../evil.txt", "leads outside"),
        ("folder/..", "leads outside"),
        ("/tmp/evil.txt", "absolute"),
        ("//evil.txt", "absolute"),
        ("C:/evil.txt", "absolute"),
        ("C:evil.txt", "absolute"),
        ("..\\evil.txt", "leads outside"),
        ("\\\\host\\evil.txt", "absolute"),
        ("folder\\evil.txt", "not a usable"),
    ],
)
def test_names_that_leave_the_folder(place: Path, make: object, name: str, message: str) -> None:
    refused(make(place / "x", {"good.txt": b"good", name: b"evil"}), message)  # type: ignore[operator]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("target", ["/etc", "../..", "good.txt"])
def test_links_and_devices_in_tar(place: Path, kind: bytes, target: str) -> None:
    refused(special(place / "x", "link", kind, target), "link or a device")


def test_links_in_zip(place: Path) -> None:
    with zipfile.ZipFile(place / "x", "w") as packed:
        info = zipfile.ZipInfo("link")
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "/etc")
        packed.writestr("link/evil.txt", "evil")
    refused(place / "x", "link or a device")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a")])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_two_members_of_one_name(place: Path, names: tuple[str, str], kind: str) -> None:
    with zipfile.ZipFile(place / "z", "w") as packed, tarfile.open(place / "t", "w") as tape:
        for name in names:
            packed.writestr(name, "x")
            info = tarfile.TarInfo(name)
            info.size = 1
            tape.addfile(info, io.BytesIO(b"x"))
    refused(place / kind[0], r"twice|below a file|file and a folder")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_bomb_is_refused_before_it_is_written(place: Path, make: object) -> None:
    archive = make(place / "x", {"zeros": bytes(50_000_000)})  # type: ignore[operator]
    assert archive.stat().st_size < 100_000
    with pytest.raises(AssetError, match="more than 1000000 bytes"):
        unpack(archive, place / "out", limit=1_000_000)
    assert {path.name for path in place.iterdir()} == {"x"}


def test_a_zip_that_lies_about_its_size(place: Path) -> None:
    archive = make_zip(place / "x", {"zeros": bytes(1_000_000)})
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 10)
    archive.write_bytes(data)
    refused(archive, r"damaged|not as long")


def test_an_encrypted_zip(place: Path) -> None:
    archive = make_zip(place / "x", {"secret": b"x" * 100})
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    archive.write_bytes(data)
    refused(archive, "encrypted")


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_damaged_archives(place: Path, mode: str) -> None:
    whole = make_zip(place / "x", GOOD) if mode == "zip" else make_tar(place / "x", GOOD, mode)
    data = whole.read_bytes()
    for number, damaged in enumerate((b"", b"PK", data[: len(data) // 2], data[:60_000], b"\xff" * 5000)):
        folder = place / str(number)
        folder.mkdir()
        (folder / "x").write_bytes(damaged)
        refused(folder / "x", "damaged")


def test_a_tar_with_a_damaged_header_in_the_middle(place: Path) -> None:
    """Python's tarfile takes it for the end of the archive and says nothing."""
    archive = make_tar(place / "x", GOOD, "w")
    data = bytearray(archive.read_bytes())
    data[1024 + 148] ^= 0x55  # the checksum of the second header
    archive.write_bytes(data)
    refused(archive, "damaged")


def test_a_folder_that_is_there_is_left_alone(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "mine.txt").write_bytes(b"mine")
    with pytest.raises(AssetError, match="is there already"):
        unpack(make_zip(place / "x", GOOD), place / "out")
    assert everything(place / "out") == {"mine.txt": b"mine"}


def test_disk_full(place: Path, small_disk: Path) -> None:
    archive = make_zip(place / "x", {"a": os.urandom(900_000), "b": os.urandom(90_000)})
    (small_disk / "other").write_bytes(os.urandom(500_000))
    with pytest.raises(StorageError, match="no space left on the disk to unpack x"):
        unpack(archive, small_disk / "out")
    assert {path.name for path in small_disk.iterdir()} == {"other"}


def test_read_only(place: Path, read_only_disk: Path) -> None:
    with pytest.raises(StorageError, match="read-only"):
        unpack(make_zip(place / "x", GOOD), read_only_disk / "out")


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz"])
def test_contents_are_told_without_unpacking(place: Path, mode: str) -> None:
    archive = make_zip(place / "x", GOOD) if mode == "zip" else make_tar(place / "x", GOOD, mode)
    expected = Contents(len(GOOD), sum(map(len, GOOD.values())))
    assert contents(archive) == (None if mode == "w:gz" else expected)
    archive.write_bytes(b"PK, but no zip file")
    with pytest.raises(AssetError, match="damaged or not an archive"):
        contents(archive)


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:xz"])
def test_a_cut_off_archive_is_noticed(place: Path, mode: str) -> None:
    archive = make_zip(place / "x", GOOD) if mode == "zip" else make_tar(place / "x", GOOD, mode)
    assert cut_off(archive) is None
    archive.write_bytes(archive.read_bytes()[:60_000])
    assert "damaged or cut off" in (cut_off(archive) or "")
