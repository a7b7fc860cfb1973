"""The reader of ncnn files, on small files written here byte by byte after the format's description."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from semsr.errors import WeightsError
from semsr.restoration.ncnn import FLOAT16_TAG, INT8_TAG, Layer, load_rrdbnet, read_blobs, read_param, rrdbnet_layers
from semsr.restoration.networks import load_network

CONV = Layer("Convolution", "conv", (3, 1, 1, 1), True)
BIAS = np.array([0.5, -1.0, 2.0], "<f4").tobytes()


def one(data: bytes, layer: Layer = CONV) -> tuple[list[float], list[float] | None]:
    ((_, kernel, bias),) = read_blobs(data, [layer], "x.bin")
    assert tuple(kernel.shape) == layer.shape and kernel.dtype == torch.float32
    return kernel.flatten().tolist(), None if bias is None else bias.tolist()


def test_float32_float16_and_table_kernels() -> None:
    full = struct.pack("<I", 0) + np.array([1, 2, -3], "<f4").tobytes() + BIAS
    assert one(full) == ([1, 2, -3], [0.5, -1, 2])
    half = struct.pack("<I", FLOAT16_TAG) + np.array([1, 2, -3], "<f2").tobytes() + b"\xff\xff" + BIAS  # padded to 4 bytes
    assert one(half) == ([1, 2, -3], [0.5, -1, 2])
    table = np.linspace(-1, 1, 256, dtype="<f4")
    quantised = struct.pack("<I", 0x01) + table.tobytes() + bytes([0, 255, 128]) + b"\x00" + BIAS
    assert one(quantised)[0] == [-1, 1, float(table[128])]
    assert one(np.array([0.1, 0.2], "<f4").tobytes(), Layer("PReLU", "p", (2,), False))[0] == pytest.approx([0.1, 0.2])


def test_damaged_and_unknown_files_are_refused() -> None:
    full = struct.pack("<I", 0) + np.ones(3, "<f4").tobytes() + BIAS
    with pytest.raises(WeightsError, match=r"x\.bin: ends after 27 bytes, 28 needed; the file is truncated"):
        one(full[:-1])
    with pytest.raises(WeightsError, match=r"x\.bin: 4 of 32 bytes are left over"):
        one(full + b"abcd")
    with pytest.raises(WeightsError, match="layer conv is stored as int8"):
        one(struct.pack("<I", INT8_TAG) + full)


def test_param_files(tmp_path: Path) -> None:
    path = tmp_path / "net.param"
    head = "7767517\n4 4\n"
    lines = (
        "Input data 0 1 data\nConvolution c0 1 1 data a 0=8 1=3 11=5 4=1 5=1 6=360\n"
        "PReLU p0 1 1 a b 0=8\nInnerProduct f0 1 1 b c 0=10 1=1 2=80\n"
    )
    path.write_text(head + lines)
    assert read_param(path) == (
        Layer("Convolution", "c0", (8, 3, 5, 3), True),
        Layer("PReLU", "p0", (8,), False),
        Layer("InnerProduct", "f0", (10, 8), True),
    )
    for text, message in (
        (lines, "not an ncnn .param file"),
        (head + lines + "ReLU r 1 1 c d\n", "5 layers found, 4 declared"),
        (head + lines.replace("6=360", "6=361"), "361 weights do not fit"),
        (head + lines.replace("PReLU", "BatchNorm"), "kind BatchNorm are not understood"),
    ):
        path.write_text(text)
        with pytest.raises(WeightsError, match=message):
            read_param(path)


@pytest.mark.parametrize("blocks", [1, 2])
def test_the_number_of_blocks_follows_from_the_file(tmp_path: Path, blocks: int) -> None:
    path, generator = tmp_path / "net.bin", np.random.default_rng(0)
    with path.open("wb") as file:
        for layer in rrdbnet_layers(blocks):
            file.write(struct.pack("<I", FLOAT16_TAG) + generator.normal(0, 0.02, layer.shape).astype("<f2").tobytes())
            file.write(np.zeros(layer.shape[0], "<f4").tobytes())
    state = load_rrdbnet(path)
    assert len([name for name in state if name.endswith(".weight")]) == 15 * blocks + 6
    assert load_network(path, expect="ESRGAN", scale=4)(torch.rand(1, 3, 8, 6)).shape == (1, 3, 32, 24)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(WeightsError, match="do not hold an RRDBNet"):
        load_rrdbnet(path)


def test_tensors_of_no_known_architecture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"params": {"layer.weight": torch.zeros(3)}}, path)
    with pytest.raises(WeightsError, match=r"no known architecture has these parameters, the method expects DAT"):
        load_network(path, expect="DAT", key="params")
