"""Real-ESRGAN read from the ncnn files against ncnn running the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semsr.errors import WeightsError
from semsr.imaging.pictures import read_rgb
from semsr.restoration.ncnn import load_rrdbnet
from semsr.restoration.networks import load_network

NCNN = ("realesrgan-x4plus-ncnn+realesrgan-x4plus-ncnn-param",)


def files(runner: Any) -> tuple[Path, Path]:
    weights = runner.task.weights
    return weights["realesrgan-x4plus-ncnn"], weights["realesrgan-x4plus-ncnn-param"]


@pytest.mark.slow
def test_equals_ncnns_own_network(golden: Path, make_runner: Any) -> None:
    ncnn = pytest.importorskip("ncnn", reason="the package ncnn, the independent implementation, is not installed")
    runner = make_runner("real-esrgan", weights=NCNN)
    binary, param = files(runner)
    lr = np.ascontiguousarray(read_rgb(golden / "lr.png").transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
    net = ncnn.Net()
    net.opt.num_threads = 1
    for fast in ("use_vulkan_compute", "use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, fast, False)
    assert net.load_param(str(param)) == 0 and net.load_model(str(binary)) == 0
    extractor = net.create_extractor()
    extractor.input("data", ncnn.Mat(lr).clone())  # cloned: ncnn keeps no reference to numpy's memory
    status, theirs = extractor.extract("output")
    assert status == 0
    with torch.inference_mode():
        ours = runner.restorer.network(torch.from_numpy(lr)[None])[0].numpy()
    assert ours.shape == np.array(theirs).shape == (3, 96, 80)
    assert np.abs(ours - np.array(theirs)).max() < 1e-4


@pytest.mark.slow
def test_golden_picture(golden: Path, make_runner: Any) -> None:
    sr = make_runner("real-esrgan", weights=NCNN).restore(["golden"], [read_rgb(golden / "lr.png")])[0]
    difference = np.abs(sr.astype(int) - read_rgb(golden / "real-esrgan.png").astype(int))
    assert difference.max() <= 1


@pytest.mark.slow
def test_the_files_tell_their_depth_and_other_files_are_refused(make_runner: Any, tmp_path: Path) -> None:
    runner = make_runner("real-esrgan", weights=NCNN)
    binary, param = files(runner)
    alone, checked = load_rrdbnet(binary), load_rrdbnet(binary, param)
    assert sum(value.numel() for value in alone.values()) == 16_697_987
    assert alone.keys() == checked.keys() and all(torch.equal(alone[name], checked[name]) for name in alone)
    with pytest.raises(WeightsError, match="holds a ESRGAN network, the method expects DAT"):
        load_network(binary, expect="DAT", param=param)
    with pytest.raises(WeightsError, match="holds a network of scale x4, the method expects x2"):
        load_network(binary, expect="ESRGAN", scale=2)
    cut = tmp_path / "cut.bin"
    cut.write_bytes(binary.read_bytes()[:-4])
    with pytest.raises(WeightsError, match="truncated"):
        load_rrdbnet(cut, param)
    with pytest.raises(WeightsError, match="do not hold an RRDBNet"):
        load_rrdbnet(cut)


@pytest.mark.slow
def test_tiles_stay_within_the_stated_error(test_data: Path, make_runner: Any) -> None:
    """Where tiles show most: fine repeated lines. The authors' halo of 10 moves the whole picture by up to 71 grey levels."""
    lr = read_rgb(test_data / "realsr_crop128" / "lr" / "Nikon_010_LR4.png")[48:80]
    runner = make_runner("real-esrgan", weights=NCNN)
    whole = runner.restore(["a"], [lr])[0].astype(int)
    runner.tiler.tile = 32
    difference = np.abs(runner.restore(["a"], [lr])[0].astype(int) - whole)
    assert 0 < difference.max() <= runner.restorer.halo_error, "0 would mean that the windows were the whole picture"
