"""Bad input as a user meets it, each in a real process: one clear line, a non-zero exit, nothing left half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.imaging.pictures import encode_png, write_png
from semsr.project import ROOT_VARIABLE, Project

RNG = np.random.default_rng(7)
METHOD = """
id: {id}
title: A method of this test
licence: MIT
scale: 4
runner: python
entry: method:Broken
variants: {{default: {{label: Broken}}}}
"""
NAN = """
import torch
from semsr.restoration.restorer import Restorer

class Broken(Restorer):
    def restore(self, lr, *, names, seed):
        sr = torch.nn.functional.interpolate(lr, scale_factor=4)
        if "b" in names:
            sr[0, 0, 0, 0] = float("nan")
        return sr
"""
DATASET = """
id: own
title: A data set of this test
licence: CC0-1.0
count: 3
comparable: same-inputs
source:
  kind: files
  assets: [{assets}]
  layouts: [{{hr: "hr/{{name}}.png", lr: "lr/{{name}}.png"}}]
"""
ASSET = """
assets:
  - id: own-archive
    file: own.zip
    title: Pictures of this test
    licence: CC0-1.0
    sha256: {sha256}
    unpinned: {unpinned}
    source: this test
    manual: there is no other way
    mirrors: [{{kind: file, path: "{path}"}}]
"""


class Workspace:
    """A project of its own: this project's cards, three small prepared pictures, and whatever a test breaks."""

    def __init__(self, root: Path, project: Project) -> None:
        self.root = root
        for name in ("metrics", "methods", "datasets", "tables", "segmenters", "profiles"):
            shutil.copytree(project.root / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "requirements").symlink_to(project.root / "requirements")
        (root / "params.yaml").symlink_to("profiles/lite.yaml")
        self.copy = root / "copy"
        for name in ("a", "b", "c"):
            write_png(self.copy / "lr" / f"{name}.png", RNG.integers(0, 256, (8, 12, 3), dtype=np.uint8))
            write_png(self.copy / "hr" / f"{name}.png", RNG.integers(0, 256, (32, 48, 3), dtype=np.uint8))
        self.dataset()

    def dataset(self, assets: str = "") -> None:
        (self.root / "datasets/own").mkdir(exist_ok=True)
        (self.root / "datasets/own/dataset.yaml").write_text(DATASET.format(assets=assets))

    def archive(self, path: Path, sha256: str = "null") -> None:
        unpinned = "made by this test" if sha256 == "null" else "null"
        text = ASSET.format(path=path, sha256=sha256, unpinned=unpinned)
        self.dataset("own-archive")
        (self.root / "datasets/own/assets.yaml").write_text(text)

    def method(self, name: str, code: str) -> None:
        folder = self.root / "methods" / name
        folder.mkdir()
        (folder / "method.yaml").write_text(METHOD.format(id=name))
        (folder / "method.py").write_text(code)

    def semsr(
        self, *arguments: object, before: tuple[str, ...] = (), own_store: bool = False
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {ROOT_VARIABLE: str(self.root)}
        if own_store:
            environment["SEMSR_ASSETS"] = str(self.root / "assets")
        command = [*before, sys.executable, "-m", "semsr", *map(str, arguments)]
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)

    def prepared(self) -> None:
        done = self.semsr("prepare", "own", "--from", self.copy)
        assert done.returncode == 0, done.stderr

    def partial_files(self) -> list[Path]:
        return [path for path in self.root.rglob("*.partial") if path.is_file()]


@pytest.fixture
def workspace(tmp_path: Path, project: Project) -> Iterator[Workspace]:
    (tmp_path / "project").mkdir()
    yield Workspace(tmp_path / "project", project)


def told(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Assert one line of error, naming `parts`, a status that is not zero, and no traceback."""
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert done.stderr.rstrip().splitlines()[-1] == errors[0], "something follows the error"
    for part in parts:
        assert part in errors[0]


def _rgb_as(mode: str) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (32, 48, 3), dtype=np.uint8)).convert(mode)


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (lambda p: p.write_bytes(encode_png(np.zeros((32, 48, 3), np.uint8))[:50]), ("b.png", "truncated")),
        (lambda p: p.write_bytes(b""), ("b.png", "empty")),
        (lambda p: Image.fromarray(np.zeros((32, 48), np.uint16)).save(p), ("b.png", "16-bit")),
        (lambda p: _rgb_as("L").save(p), ("b.png", "8-bit grey")),
        (lambda p: _rgb_as("RGBA").save(p), ("b.png", "RGBA")),
        (lambda p: write_png(p, np.zeros((32, 44, 3), np.uint8)), ("b", "44")),
    ],
    ids=["truncated", "empty-file", "16-bit", "grey", "rgba", "wrong-size"],
)
@pytest.mark.parametrize("verb", ["eval", "prepare"])
def test_a_bad_picture(workspace: Workspace, verb: str, spoil: object, parts: tuple[str, ...]) -> None:
    out = workspace.root / "scores.parquet"
    folder = workspace.root / "sr"
    shutil.copytree(workspace.copy / "hr", folder)
    if verb == "eval":
        spoil(folder / "b.png")  # type: ignore[operator]
        done = workspace.semsr("eval", folder, "--hr", workspace.copy / "hr", "--protocol", "sed", "--out", out)
    else:
        spoil(workspace.copy / "hr" / "b.png")  # type: ignore[operator]
        done = workspace.semsr("prepare", "own", "--from", workspace.copy)
    told(done, *parts)
    assert not out.exists()
    assert not (workspace.root / "data/own/manifest.parquet").exists()
    assert workspace.partial_files() == []


def test_a_missing_partner(workspace: Workspace) -> None:
    (workspace.copy / "hr" / "c.png").unlink()
    told(workspace.semsr("prepare", "own", "--from", workspace.copy), "own", "c")
    folder = workspace.copy / "lr"
    told(workspace.semsr("eval", folder, "--hr", workspace.copy / "hr", "--protocol", "sed"), "c")


def test_an_empty_folder(workspace: Workspace) -> None:
    (workspace.root / "empty").mkdir()
    told(workspace.semsr("eval", "empty", "--hr", workspace.copy / "hr", "--protocol", "sed"), "empty", "no images")
    told(workspace.semsr("prepare", "own", "--from", "empty"), "own", "empty")


def test_a_network_that_gives_nan(workspace: Workspace) -> None:
    workspace.prepared()
    workspace.method("broken", NAN)
    told(workspace.semsr("infer", "broken", "--dataset", "own"), "broken", "b", "NaN or infinite")
    cell = workspace.root / "results/lite/cells/own/broken/default"
    assert not (cell / "run.json").exists()
    assert not (cell / "images/b.png").exists()
    assert workspace.partial_files() == [] or [path.name for path in workspace.partial_files()] == ["run.partial.json"]


def test_a_card_with_a_wrong_key(workspace: Workspace) -> None:
    card = workspace.root / "methods/bicubic/method.yaml"
    card.write_text(card.read_text() + "runnner: python\n")
    told(workspace.semsr("list", "methods"), "methods/bicubic/method.yaml", "'runnner'", "allowed here", "runner")


def test_an_archive_that_climbs_out(workspace: Workspace) -> None:
    archive = workspace.root / "evil.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../climbed.txt", "out")
    workspace.archive(archive)
    told(workspace.semsr("fetch", "own", own_store=True), "../../climbed.txt")
    assert not list(workspace.root.parent.rglob("climbed.txt"))


def test_a_wrong_sha256(workspace: Workspace) -> None:
    archive = workspace.root / "own.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hr/a.png", "x")
    workspace.archive(archive, sha256=f"'{'0' * 64}'")
    told(workspace.semsr("fetch", "own", own_store=True), "own-archive", "sha256", "000000")
    assert not list((workspace.root / "assets").rglob("own.zip"))


def test_a_full_disk(workspace: Workspace, small_disk: Path) -> None:
    workspace.prepared()
    (workspace.root / "results").symlink_to(small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(os.urandom(1 << 20)[: 1_048_576 - 8192])
    told(workspace.semsr("infer", "bicubic", "--dataset", "own"), "no space left")
    assert [path for path in small_disk.rglob("*.png*") if path.suffix != ".png"] == []
    filler.unlink()
    assert workspace.semsr("infer", "bicubic", "--dataset", "own").returncode == 0


def test_read_only_results(workspace: Workspace, read_only_disk: Path) -> None:
    workspace.prepared()
    (workspace.root / "results").symlink_to(read_only_disk)
    told(workspace.semsr("infer", "bicubic", "--dataset", "own"), "read-only")
    out = read_only_disk / "scores.parquet"
    told(
        workspace.semsr("eval", workspace.copy / "hr", "--hr", workspace.copy / "hr", "--protocol", "sed", "--out", out),
        "read-only",
    )


def test_no_network(workspace: Workspace) -> None:
    without = ("unshare", "--net", "--map-root-user") if os.geteuid() else ("unshare", "--net")
    if subprocess.run([*without, "true"], capture_output=True, check=False).returncode:
        pytest.skip("can't take the network away from a process here (unshare is not permitted)")
    start = time.perf_counter()
    done = workspace.semsr("fetch", "set14", before=without, own_store=True)
    assert time.perf_counter() - start < 30
    told(done, "selfexsr-repository", "no network", "--from")
