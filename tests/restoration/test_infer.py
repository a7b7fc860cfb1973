"""The stage on good and bad methods: what is written, what is not, and what a second run does."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semsr.errors import MethodError, SemsrError, StorageError, UnknownIdError
from semsr.imaging.pictures import read_rgb
from semsr.passport import passport_path


def images(cell: Any) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(cell.images.iterdir())}


def test_writes_every_picture_and_says_what_made_them(bench: Any, bicubic_code: str) -> None:
    bench.method("plain", bicubic_code)
    cell = bench.infer("plain")
    assert sorted(images(cell)) == [f"p{index}.png" for index in range(5)]
    lr = read_rgb(bench.root / "data" / "demo" / "lr" / "p3.png")
    tensor = torch.from_numpy(lr.copy()).permute(2, 0, 1)[None].float() / 255
    expected = torch.nn.functional.interpolate(tensor, scale_factor=4, mode="bicubic").clamp(0, 1).mul(255).round()
    assert np.array_equal(read_rgb(cell.picture("p3")), expected[0].permute(1, 2, 0).byte().numpy())
    record = json.loads(cell.record.read_text())
    assert not cell.partial.exists()
    assert record["method"] == "plain" and record["trust"] == "L2" and record["images"] == 5 and record["device"] == "cpu"
    assert passport_path(bench.project, record["passport"]).is_file()
    assert record["threads"] == 1 and record["tile"] is None and record["seconds_per_image"] > 0
    assert len(record["fingerprint"]) == len(record["manifest_sha256"]) == 64


def test_a_second_run_does_nothing_and_needs_no_torch(bench: Any, bicubic_code: str, caplog: Any) -> None:
    bench.method("plain", bicubic_code)
    cell = bench.infer("plain")
    before = {path.name: path.stat().st_mtime_ns for path in cell.images.iterdir()}
    code = (
        "import sys, logging; logging.basicConfig(level=logging.INFO)\n"
        "from semsr.project import Project; from semsr.stages import infer\n"
        f"project = Project.find(); infer.run(project, project.profile({bench.profile.id!r}), 'demo', 'plain')\n"
        "print('torch' in sys.modules)"
    )
    done = run_python(code)
    assert done.stdout.strip() == "False", done.stderr
    assert "nothing to do" in done.stderr
    assert {path.name: path.stat().st_mtime_ns for path in cell.images.iterdir()} == before


def run_python(code: str) -> Any:
    import subprocess
    import sys

    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)


@pytest.mark.parametrize("change", ["code", "options", "data", "lock"])
def test_a_change_that_decides_pixels_starts_anew(bench: Any, bicubic_code: str, change: str) -> None:
    code = bicubic_code + "\n    def __init__(self, shift=0):\n        super().__init__()\n"
    bench.method("plain", code)
    cell = bench.infer("plain")
    first = json.loads(cell.record.read_text())["fingerprint"]
    (cell.images / "stray.png").write_bytes(b"x")
    if change == "code":
        bench.method("plain", code + "\n    multiple = 2\n")
    elif change == "options":
        bench.method("plain", code, {"variants": {"default": {"label": "Plain", "options": {"shift": 1}}}})
    elif change == "data":
        bench.pictures({"p0": np.zeros((8, 8, 3), np.uint8)})
    else:
        (bench.root / "requirements" / "lock.txt").write_text("torch==2.13.0\n")
    bench.infer("plain")
    assert json.loads(cell.record.read_text())["fingerprint"] != first
    assert "stray.png" not in images(cell)
    assert len(images(cell)) == (1 if change == "data" else 5)


def test_another_seed_has_a_cell_of_its_own(bench: Any, bicubic_code: str) -> None:
    bench.method("plain", bicubic_code)
    cell = bench.infer("plain")
    first = json.loads(cell.record.read_text())
    bench.infer("plain", seed=1)
    other = cell.folder.with_name(f"{cell.folder.name}@1") / cell.record.name
    assert json.loads(cell.record.read_text()) == first
    assert json.loads(other.read_text())["seed"] == 1
    assert json.loads(other.read_text())["fingerprint"] != first["fingerprint"]


def test_a_new_label_or_readme_does_not(bench: Any, bicubic_code: str) -> None:
    bench.method("plain", bicubic_code)
    cell = bench.infer("plain")
    before = cell.record.read_bytes()
    bench.method("plain", bicubic_code, {"variants": {"default": {"label": "Another label"}}, "notes": "more"})
    (bench.root / "methods" / "plain" / "README.md").write_text("# changed\n")
    # The first import leaves one behind, unless Python is told not to write bytecode.
    (bench.root / "methods" / "plain" / "__pycache__").mkdir(exist_ok=True)
    bench.infer("plain")
    assert cell.record.read_bytes() == before


BROKEN = {
    "nan": ("torch.full_like(sr, float('nan')) if names == ('p2',) else sr", "p2: 5760 of 5760 values are NaN or infinite"),
    "one inf": ("sr.index_put((torch.tensor(0),) * 4, torch.tensor(float('inf')))", "p0: 1 of 5760 values are NaN"),
    "size": ("sr[..., 1:]", r"p0: the method returned shape \(1, 3, 48, 39\); expected \(1, 3, 48, 40\)"),
    "range": ("sr * 255", "p0: values from .* to .*; expected RGB in \\[0, 1\\]"),
    "dtype": ("(sr * 255).byte()", "p0: the method returned dtype torch.uint8; expected a floating-point tensor"),
    "type": ("sr.numpy()", "p0: the method returned ndarray"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_network_is_named_and_nothing_of_it_written(bench: Any, case: str) -> None:
    expression, message = BROKEN[case]
    bench.method(
        "broken",
        f"""
class Method(Restorer):
    def restore(self, lr, *, names, seed):
        sr = F.interpolate(lr, scale_factor=4)
        return {expression}
""",
    )
    with pytest.raises(MethodError, match=message):
        bench.infer("broken")
    cell = bench.cell("broken")
    assert sorted(images(cell)) == (["p0.png", "p1.png"] if case == "nan" else [])
    assert not cell.record.exists() and cell.partial.exists()


def test_wrong_scale_options_variant_and_missing_data_are_clear(bench: Any, bicubic_code: str) -> None:
    bench.method("plain", bicubic_code)
    with pytest.raises(UnknownIdError, match=r"unknown variant 'plain/fast'; .*known: plain/default"):
        bench.infer("plain", variant="fast")
    bench.method("odd", bicubic_code, {"variants": {"default": {"label": "Odd", "options": {"width": 3}}}})
    with pytest.raises(MethodError, match=r"options .*width.* are not what the method takes") as error:
        bench.infer("odd")
    assert str(error.value).startswith("methods/odd/method.yaml: variants.default: ")
    bench.pictures({"p0": np.zeros((8, 8, 3), np.uint8)}, scale=2)
    with pytest.raises(MethodError, match="restores x4, the data set demo needs x2"):
        bench.infer("plain")
    bench.method("fixed", bicubic_code, {"scale": 4})
    with pytest.raises(MethodError, match="restores x4, but data set demo is x2"):
        bench.infer("fixed")
    (bench.root / "data" / "demo" / "manifest.parquet").unlink()
    with pytest.raises(SemsrError, match="semsr prepare demo"):
        bench.infer("plain")


def test_a_truncated_lr_picture_is_named(bench: Any, bicubic_code: str) -> None:
    bench.method("plain", bicubic_code)
    path = bench.root / "data" / "demo" / "lr" / "p1.png"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SemsrError, match=r"p1\.png: truncated or damaged"):
        bench.infer("plain")


def test_a_folder_that_cannot_be_written_is_one_clear_line(bench: Any, bicubic_code: str) -> None:
    bench.method("plain", bicubic_code)
    (bench.root / "results").write_text("a file in the way")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        bench.infer("plain")


OUT_OF_MEMORY = """
class Method(Restorer):
    halo = 3

    def restore(self, lr, *, names, seed):
        if max(lr.shape[-2:]) > {limit}:
            raise torch.OutOfMemoryError("CUDA out of memory (made up)")
        return F.interpolate(lr, scale_factor=4, mode="bicubic")
"""


def test_out_of_memory_is_answered_by_smaller_tiles(bench: Any, bicubic_code: str, make_texture: Any, caplog: Any) -> None:
    bench.pictures({f"big{index}": make_texture(70, 50, index) for index in range(2)})
    bench.method("plain", bicubic_code)
    bench.method("hungry", OUT_OF_MEMORY.format(limit=30))
    with caplog.at_level(logging.WARNING):
        tiled = bench.infer("hungry")
    assert json.loads(tiled.record.read_text())["tile"] == 17
    assert "out of memory; going on with tiles of 35" in caplog.text
    assert images(tiled) == images(bench.infer("plain"))


def test_out_of_memory_without_a_way_out_is_an_error(bench: Any, make_texture: Any) -> None:
    bench.pictures({"big": make_texture(70, 50)})
    bench.method("hungry", OUT_OF_MEMORY.format(limit=8))
    with pytest.raises(MethodError, match="big: out of memory even with tiles of 16 LR pixels and a halo of 3"):
        bench.infer("hungry")
    bench.method("whole", OUT_OF_MEMORY.format(limit=30).replace("halo = 3", "halo = None"))
    with pytest.raises(
        MethodError, match=r"big: out of memory on the whole picture \(50x70\), and the method declares no halo"
    ):
        bench.infer("whole")


def test_weights_fall_back_to_the_next_alternative_and_say_why_when_all_fail(bench: Any, tmp_path: Path) -> None:
    import hashlib

    weights, second = tmp_path / "net.txt", tmp_path / "layers.txt"
    weights.write_text("0.5")
    second.write_text("x")
    common = {"licence": "CC0-1.0", "source": "made here", "manual": "none", "title": "t"}

    def asset(name: str, path: Path, content: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        mirrors = [{"kind": "file", "path": str(path)}]
        return common | {"id": name, "file": path.name, "sha256": sha256, "mirrors": mirrors}

    assets = [asset("official", tmp_path / "gone.txt", "?"), asset("copy", weights, "0.5"), asset("layers", second, "x")]
    code = """
class Method(Restorer):
    def load(self, weights, device):
        assert list(self.files) == ["copy", "layers"] and self.files["copy"] == weights
        self.level = float(weights.read_text())

    def restore(self, lr, *, names, seed):
        return torch.full((*lr.shape[:2], lr.shape[2] * 4, lr.shape[3] * 4), self.level)
"""
    bench.method("weighted", code, {"variants": {"default": {"label": "W", "weights": ["official", "copy+layers"]}}}, assets)
    cell = bench.infer("weighted")
    record = json.loads(cell.record.read_text())["weights"]
    assert [entry["asset"] for entry in record] == ["copy", "layers"]
    assert record[0]["sha256"] == hashlib.sha256(b"0.5").hexdigest()
    assert read_rgb(cell.picture("p0")).max() == 128  # 127.5, half to even
    bench.method("weighted", code, {"variants": {"default": {"label": "W", "weights": ["official"]}}}, assets)
    with pytest.raises(SemsrError, match="official"):
        bench.infer("weighted")


def test_a_full_disk_leaves_only_whole_pictures(
    bench: Any, bicubic_code: str, make_texture: Any, small_disk: Path, tmp_path: Path
) -> None:
    bench.pictures({f"p{index}": make_texture(100, 100, index) for index in range(5)})
    bench.method("plain", bicubic_code)
    whole = images(bench.infer("plain"))
    assert sum(map(len, whole.values())) > 1 << 20, "the pictures must be more than the disk holds"
    results = bench.root / "results"
    results.rename(tmp_path / "elsewhere")
    results.symlink_to(small_disk)
    with pytest.raises(StorageError, match="no space left on the disk"):
        bench.infer("plain")
    cell = bench.cell("plain")
    left = images(cell)
    assert 0 < len(left) < 5 and all(whole[name] == data for name, data in left.items()), "half a picture, or a leftover"
    assert not cell.record.exists()


def test_read_only_results_are_one_clear_line(bench: Any, bicubic_code: str, read_only_disk: Path) -> None:
    bench.method("plain", bicubic_code)
    (bench.root / "results").symlink_to(read_only_disk)
    with pytest.raises(StorageError, match="the file system is read-only"):
        bench.infer("plain")
