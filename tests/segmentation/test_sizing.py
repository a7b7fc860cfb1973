"""The size that a segmenter looks at: the published rule, and what a checkpoint says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from semsr.errors import SegmenterError
from semsr.segmentation.sizing import Sizing, sizing_of


@pytest.mark.parametrize(
    "picture, wanted",
    [
        ((512, 512), (800, 800)),
        ((427, 640), (800, 1199)),
        ((360, 640), (750, 1333)),
        ((640, 360), (1333, 750)),
        ((2000, 1600), (1000, 800)),
    ],
)
def test_the_shorter_side_is_800_unless_the_longer_one_passes_1333(picture: tuple[int, int], wanted: tuple[int, int]) -> None:
    """Worked out by hand: 640 * 800 / 427 = 1199.06; 640 * 800 / 360 > 1333, so 360 * 1333 / 640 = 749.8."""
    assert Sizing().size(*picture) == wanted


def test_equals_the_image_processor_of_transformers_where_nothing_is_padded() -> None:
    from transformers import Mask2FormerImageProcessor

    rgb = np.random.default_rng(0).integers(0, 256, (67, 67, 3), dtype=np.uint8)
    sizing = Sizing(shortest=96, longest=200, multiple=32)
    processor = Mask2FormerImageProcessor(size={"shortest_edge": 96, "longest_edge": 200}, size_divisor=32)
    expected = processor(torch.from_numpy(rgb).permute(2, 0, 1), return_tensors="pt")["pixel_values"]
    pixels, inside = sizing.prepare(torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255)
    assert inside == (96, 96) and pixels.shape == expected.shape
    grey = 1 / 255 / 0.224
    difference = (pixels - expected).abs()
    assert difference.max() <= 1.01 * grey and difference.mean() < 0.25 * grey  # theirs rounds between the two passes, too


def test_what_is_padded_is_the_mean_colour_at_the_right_and_bottom() -> None:
    pixels, inside = Sizing(shortest=40, longest=60, multiple=32).prepare(torch.ones(1, 3, 40, 50))
    assert inside == (40, 50) and pixels.shape == (1, 3, 64, 64)
    assert pixels[0, :, 39, 49].tolist() == pytest.approx(
        [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], abs=1e-5
    )
    assert not pixels[:, :, 40:].any() and not pixels[:, :, :, 50:].any()


def test_a_checkpoint_says_how_pictures_are_sized(tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(
        json.dumps({"size": {"shortest_edge": 640, "longest_edge": 2560}, "size_divisor": 16, "image_mean": [0.5, 0.5, 0.5]})
    )
    assert sizing_of(None, path, "x") == Sizing(640, 2560, 16, mean=(0.5, 0.5, 0.5))
    path.write_text(json.dumps({"size": {"height": 384, "width": 384}}))
    assert sizing_of(None, path, "x").size(100, 300) == (384, 384)
    for nothing in (0, None):
        path.write_text(json.dumps({"size": {"height": 384, "width": 384}, "size_divisor": nothing}))
        assert sizing_of(None, path, "x").multiple == 1
    path.write_text(json.dumps({"size": 512, "max_size": 1024}))
    assert sizing_of(None, path, "x").size(100, 300) == (341, 1024)
    # The card goes before the checkpoint.
    assert sizing_of({"shortest": 800, "longest": 1333}, path, "x") == Sizing()
    assert sizing_of(None, None, "x") == Sizing(800, 1333, 32)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"size": {"height": 2, "width": 3}}',
        '{"size": {"shortest_edge": "many"}}',
        '{"size": {"shortest_edge": 0}}',
        "[" * 100_000,
    ],
)
def test_a_file_that_says_nothing_of_the_kind_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(text)
    with pytest.raises(SegmenterError, match=r"preprocessor_config\.json: [^\n]+$"):
        sizing_of(None, path, "x")


@pytest.mark.parametrize(
    "option", [{"short": 800}, {"shortest": "800"}, {"shortest": 0}, {"shortest": 900, "longest": 800}, {"multiple": True}]
)
def test_an_option_that_can_t_be_is_one_line(option: dict[str, int]) -> None:
    with pytest.raises(SegmenterError, match=r"x: options: input: found [^\n]+allowed: [^\n]+$"):
        sizing_of(option, None, "x")
