"""YOLOv3-tiny without its weights: the reader, the decoding and the letterbox, by hand and with made-up files."""

from __future__ import annotations

import importlib
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import semsr.plugins  # noqa: F401 (finds plugin folders)
from semsr.cards.protocol import PostProcessing
from semsr.errors import SegmenterError, WeightsError
from semsr.segmentation.found import Category


def module(name: str) -> Any:
    return importlib.import_module(f"semsr.plugins.segmenters.yolov3_tiny.{name}")


def coco() -> tuple[Category, ...]:
    """80 things with gaps between their ids, and one kind of stuff."""
    things = [Category(1 + number + number // 11, name, True) for number, name in enumerate(module("names").NAMES)]
    return (*things, Category(187, "sky-other-merged", False))


def write(path: Path, seed: int = 0, *, version: tuple[int, int] = (0, 2), more: int = 0) -> dict[str, np.ndarray]:
    """A file as the format says, written layer by layer from the published list of convolutions; what it holds, by layer."""
    layers = [(3, 16, 3), (16, 32, 3), (32, 64, 3), (64, 128, 3), (128, 256, 3), (256, 512, 3), (512, 1024, 3), (1024, 256, 1)]
    layers += [(256, 512, 3), (512, 255, 1), (256, 128, 1), (384, 256, 3), (256, 255, 1)]
    draw, held = np.random.default_rng(seed), {}
    data = [struct.pack("<iii", *version, 0), struct.pack("<q" if 10 * version[0] + version[1] >= 2 else "<i", 7)]
    for number, (before, after, kernel) in enumerate(layers):
        for part in ("bias",) if after == 255 else ("beta", "gamma", "mean", "variance"):
            held[f"{number}.{part}"] = draw.uniform(0.5, 1.5, after).astype("<f4")
            data.append(held[f"{number}.{part}"].tobytes())
        held[f"{number}.weight"] = draw.normal(0, 0.01, (after, before, kernel, kernel)).astype("<f4")
        data.append(held[f"{number}.weight"].tobytes())
    path.write_bytes(b"".join(data) + b"\0" * more)
    return held


@pytest.mark.parametrize("version", [(0, 1), (0, 2), (1, 0)])
def test_a_file_is_read_to_its_last_value(tmp_path: Path, version: tuple[int, int]) -> None:
    held = write(tmp_path / "w", version=version)
    network = module("network").load_darknet(module("network").YoloV3TinyNetwork(), tmp_path / "w")
    assert sum(value.size for key, value in held.items() if key.split(".")[1] not in ("mean", "variance")) == 8_852_366
    assert sum(parameter.numel() for parameter in network.parameters()) == 8_852_366
    first, out, last = network.trunk[0], network.coarse_out, network.fine_out
    for tensor, key in (
        (first.convolution.weight, "0.weight"),
        (first.normalisation.bias, "0.beta"),
        (first.normalisation.weight, "0.gamma"),
        (first.normalisation.running_mean, "0.mean"),
        (first.normalisation.running_var, "0.variance"),
        (network.neck.convolution.weight, "7.weight"),
        (out.bias, "9.bias"),
        (network.lateral.convolution.weight, "10.weight"),
        (last.weight, "12.weight"),
        (last.bias, "12.bias"),
    ):
        assert np.array_equal(tensor.detach().numpy(), held[key]), key


def test_a_file_of_another_length_or_with_wild_values_is_one_line(tmp_path: Path) -> None:
    path, network = tmp_path / "w", module("network").YoloV3TinyNetwork()
    load = module("network").load_darknet
    for change in (lambda data: data[:-4], lambda data: data + b"\0\0\0\0", lambda data: data[:7], lambda data: b""):
        write(path)
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(WeightsError, match=r"w: \d+ bytes, [^\n]+fetch it again$"):
            load(network, path)
    write(path)
    data = bytearray(path.read_bytes())
    data[100:104] = struct.pack("<f", math.nan)
    path.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match=r"w: holds values that are not finite"):
        load(network, path)
    with pytest.raises(WeightsError, match=r"can't be read"):
        load(network, tmp_path / "nowhere")


def test_outputs_have_their_strides() -> None:
    coarse, fine = module("network").YoloV3TinyNetwork().eval()(torch.rand(1, 3, 416, 416))
    assert coarse.shape == (1, 255, 13, 13) and fine.shape == (1, 255, 26, 26)


def test_a_cell_is_decoded_by_hand() -> None:
    """Cell (row 3, column 5) of stride 32, second anchor (135, 169): zeros for x and y are its middle, log 2 doubles a side."""
    out = torch.full((255, 13, 13), -20.0)
    anchor = 85
    out[anchor : anchor + 2, 3, 5] = 0.0
    out[anchor + 2, 3, 5], out[anchor + 3, 3, 5] = math.log(2), 0.0
    out[anchor + 4, 3, 5], out[anchor + 5 + 16, 3, 5] = 0.0, math.log(3)
    corners, scores = module("segmenter").decode(out, 32, ((81, 82), (135, 169), (344, 319)))
    place = 13 * 13 + 3 * 13 + 5
    assert int(scores.max(1).values.argmax()) == place
    assert scores[place, 16] == pytest.approx(0.5 * 0.75)
    x, y = 5.5 * 32, 3.5 * 32
    assert corners[place].tolist() == pytest.approx([x - 135, y - 84.5, x + 135, y + 84.5], abs=1e-3)


def test_a_picture_is_fitted_into_a_grey_square() -> None:
    square, (top, left, height, width) = module("segmenter").letterbox(torch.ones(1, 3, 100, 200))
    assert (top, left, height, width) == (104, 0, 208, 416)
    assert square.shape == (1, 3, 416, 416)
    assert square[0, :, :104].eq(128 / 255).all() and square[0, :, 312:].eq(128 / 255).all()
    assert square[0, :, 104:312].allclose(torch.ones(()), atol=1e-6)


def test_an_object_comes_back_where_it_is_and_is_found_once(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two anchors see the same dog in a picture of 200 x 100; the answer is asked for at 400 x 200."""
    segmenter = make("yolov3-tiny", {"random": True}, categories=coco())
    coarse, fine = torch.full((1, 255, 13, 13), -20.0), torch.full((1, 255, 26, 26), -20.0)
    for anchor, objectness in ((0, 4.0), (1, 2.0)):
        start = 85 * anchor
        sides = module("segmenter").SCALES[0][1][anchor]
        coarse[0, start : start + 2, 6, 6] = 0.0
        for part, side, wanted in ((2, sides[0], 120), (3, sides[1], 100)):
            coarse[0, start + part, 6, 6] = math.log(wanted / side)
        coarse[0, start + 4, 6, 6], coarse[0, start + 5 + 16, 6, 6] = objectness, 4.0
    monkeypatch.setattr(segmenter, "network", lambda square: (coarse, fine))
    found = segmenter.segment("a", torch.ones(1, 3, 100, 200), (200, 400)).instances
    assert len(found) == 1
    assert found[0].category == next(category.id for category in coco() if category.name == "dog")
    assert found[0].score == pytest.approx((1 / (1 + math.exp(-4))) ** 2, rel=1e-5)
    # The square's middle is the picture's; 416 pixels are 400 of the answer.
    scale = 400 / 416
    assert found[0].box == pytest.approx((200 - 60 * scale, 100 - 50 * scale, 120 * scale, 100 * scale), abs=1e-3)


def test_other_classes_are_one_line(make: Any) -> None:
    with pytest.raises(SegmenterError, match=r"yolov3-tiny: knows 80 classes, the data set has 2 categories"):
        make("yolov3-tiny", {"random": True})
    with pytest.raises(SegmenterError, match=r"yolov3-tiny: no file of weights"):
        make("yolov3-tiny", {}, categories=coco())


def test_the_protocol_limits_the_objects(make: Any, picture: Any) -> None:
    rule = PostProcessing(score=0.5, detections=4)
    found = make("yolov3-tiny", {"random": True}, categories=coco(), rule=rule).segment("a", picture(), (60, 80)).instances
    assert len(found) == 4
