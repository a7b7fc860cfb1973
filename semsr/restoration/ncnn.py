"""Reads weights stored for the ncnn inference library (`.param` text and `.bin` blobs), and RRDBNet out of them.

Format: Tencent/ncnn, wiki "param and model file structure". A convolution in the `.bin` is a little-endian u32 tag, the kernel in
(c_out, c_in, kh, kw) order, then the bias as plain float32. The tag tells how the kernel is stored.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semsr.errors import WeightsError

FLOAT16_TAG = 0x01306B47
INT8_TAG = 0x000D4B38
PARAM_MAGIC = "7767517"
NF, GROWTH, DENSE_CONVS, DENSE_BLOCKS = 64, 32, 5, 3
"""RRDBNet as published (xinntao/BasicSR:basicsr/archs/rrdbnet_arch.py): features, growth, convolutions a dense block, dense blocks
an RRDB."""


@dataclass(frozen=True)
class Layer:
    """One layer that owns weights: its kind, name and the number of values of each of its blobs.

    Attributes:
        kind: "Convolution", "InnerProduct" or "PReLU".
        name: as in the `.param` file.
        shape: of the kernel; (c_out, c_in, kh, kw) of a convolution, (c_out, c_in) of an inner product, (n,) of a PReLU.
        bias: whether a bias of `shape[0]` values follows.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    bias: bool


def read_param(path: Path) -> tuple[Layer, ...]:
    """The layers with weights of a `.param` file, in the order of the `.bin`.

    Raises:
        WeightsError: not such a file, a count that does not match, or a layer with weights that is not understood.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if not lines or lines[0].strip() != PARAM_MAGIC:
        raise WeightsError(f"{path}: not an ncnn .param file (first line {lines[0][:20]!r}, expected {PARAM_MAGIC!r})")
    body = [line.split() for line in lines[2:] if line.strip()]
    declared = int(lines[1].split()[0])
    if len(body) != declared:
        raise WeightsError(f"{path}: {len(body)} layers found, {declared} declared in line 2; the file is damaged")
    return tuple(layer for words in body if (layer := _layer(words, path)) is not None)


def _layer(words: list[str], path: Path) -> Layer | None:
    kind, name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
    keys = dict(word.split("=", 1) for word in words[4 + inputs + outputs :] if "=" in word)
    if kind == "Convolution":
        width = int(keys["1"])
        height, c_out, groups = int(keys.get("11", width)), int(keys["0"]), int(keys.get("7", 1))
        c_in = int(keys["6"]) // (c_out * height * width)
        if groups != 1 or c_out * c_in * height * width != int(keys["6"]):
            raise WeightsError(f"{path}: layer {name}: {keys['6']} weights do not fit {c_out} outputs and {height}x{width}")
        return Layer(kind, name, (c_out, c_in, height, width), keys.get("5", "0") == "1")
    if kind == "InnerProduct":
        return Layer(kind, name, (int(keys["0"]), int(keys["2"]) // int(keys["0"])), keys.get("1", "0") == "1")
    if kind == "PReLU":
        return Layer(kind, name, (int(keys["0"]),), False)
    if kind in {"ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise", "BatchNorm", "Scale", "MemoryData", "Embed"}:
        raise WeightsError(
            f"{path}: layer {name}: weights of kind {kind} are not understood; allowed: Convolution, InnerProduct, PReLU"
        )
    return None


def read_blobs(data: bytes, layers: Iterable[Layer], name: str) -> Iterator[tuple[Layer, Tensor, Tensor | None]]:
    """Read kernel and bias of each layer; the data must be used up to the last byte.

    Args:
        data: the whole `.bin` file.
        layers: in order.
        name: what errors call the file.

    Yields:
        layer, kernel (float32, `layer.shape`), bias (float32, (c_out,)) or None.

    Raises:
        WeightsError: too short, too long, or stored as int8.
    """
    reader = _Reader(data, name)
    for layer in layers:
        count = int(np.prod(layer.shape))
        kernel = reader.floats(count) if layer.kind == "PReLU" else reader.tagged(count, layer.name)
        bias = torch.from_numpy(reader.floats(layer.shape[0])) if layer.bias else None
        yield layer, torch.from_numpy(kernel).reshape(layer.shape), bias
    reader.finish()


class _Reader:
    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name, self.at = data, name, 0

    def take(self, count: int, *, padded: bool = False) -> bytes:
        size = count + (-count % 4 if padded else 0)
        if self.at + size > len(self.data):
            raise WeightsError(
                f"{self.name}: ends after {len(self.data)} bytes, {self.at + size} needed; the file is truncated"
            )
        block = self.data[self.at : self.at + count]
        self.at += size
        return block

    def floats(self, count: int) -> NDArray[np.float32]:
        return np.frombuffer(self.take(4 * count), "<f4").astype(np.float32)

    def tagged(self, count: int, layer: str) -> NDArray[np.float32]:
        (tag,) = struct.unpack("<I", self.take(4))
        if tag == FLOAT16_TAG:
            return np.frombuffer(self.take(2 * count, padded=True), "<f2").astype(np.float32)
        if tag == 0:
            return self.floats(count)
        if tag == INT8_TAG:
            raise WeightsError(f"{self.name}: layer {layer} is stored as int8; use the float16 or float32 file")
        table = self.floats(256)
        return table[np.frombuffer(self.take(count, padded=True), np.uint8)]

    def finish(self) -> None:
        if self.at != len(self.data):
            raise WeightsError(
                f"{self.name}: {len(self.data) - self.at} of {len(self.data)} bytes are left over; not this network's weights"
            )


def rrdbnet_layers(blocks: int) -> tuple[Layer, ...]:
    """RRDBNet's convolutions in the order of its forward pass, under BasicSR's names."""
    layers = [_conv("conv_first", NF, 3)]
    for block in range(blocks):
        for dense in range(1, DENSE_BLOCKS + 1):
            for conv in range(1, DENSE_CONVS + 1):
                c_out = NF if conv == DENSE_CONVS else GROWTH
                layers.append(_conv(f"body.{block}.rdb{dense}.conv{conv}", c_out, NF + (conv - 1) * GROWTH))
    layers += [_conv(name, NF, NF) for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr")]
    return (*layers, _conv("conv_last", 3, NF))


def load_rrdbnet(weights: Path, param: Path | None = None) -> dict[str, Tensor]:
    """Read a x4 RRDBNet (Real-ESRGAN, RealSR, ...) from an ncnn `.bin`.

    The order of the convolutions is fixed, so the number of blocks follows from the file: the one at which it is used up to the
    last byte. With `param`, the layers it lists must be the same.

    Args:
        weights: the `.bin` file.
        param: the `.param` file beside it, if at hand.

    Returns:
        BasicSR's state dict: `conv_first.weight`, `body.0.rdb1.conv1.weight`, ..., float32.

    Raises:
        WeightsError: no number of blocks fits, or `param` describes another network.
    """
    data = weights.read_bytes()
    blocks = _count_blocks(data, weights) if param is None else (len(read_param(param)) - 6) // (DENSE_BLOCKS * DENSE_CONVS)
    layers = rrdbnet_layers(blocks)
    if param is not None and [layer.shape for layer in read_param(param)] != [layer.shape for layer in layers]:
        raise WeightsError(f"{param}: not an RRDBNet with {NF} features and growth {GROWTH}")
    state: dict[str, Tensor] = {}
    for layer, kernel, bias in read_blobs(data, layers, str(weights)):
        state[f"{layer.name}.weight"] = kernel
        if bias is not None:
            state[f"{layer.name}.bias"] = bias
    return state


def _count_blocks(data: bytes, path: Path) -> int:
    """Walk the file without decoding: every stored size follows from the tags."""
    for blocks in range(1, 65):
        reader = _Reader(data, str(path))
        with contextlib.suppress(WeightsError):
            for layer in rrdbnet_layers(blocks):
                _skip(reader, layer)
            if reader.at == len(data):
                return blocks
    raise WeightsError(f"{path}: {len(data)} bytes do not hold an RRDBNet with {NF} features and growth {GROWTH} of any depth")


def _skip(reader: _Reader, layer: Layer) -> None:
    count = int(np.prod(layer.shape))
    (tag,) = struct.unpack("<I", reader.take(4))
    if tag == FLOAT16_TAG:
        reader.take(2 * count, padded=True)
    elif tag == 0:
        reader.take(4 * count)
    else:
        reader.take(4 * 256)
        reader.take(count, padded=True)
    reader.take(4 * layer.shape[0])


def _conv(name: str, c_out: int, c_in: int) -> Layer:
    return Layer("Convolution", name, (c_out, c_in, 3, 3), True)
