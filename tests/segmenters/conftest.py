"""Small data sets' classes, small networks, and segmenters made as the harness makes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from semsr.cards.protocol import PostProcessing
from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Category

CATEGORIES = (
    Category(1, "person", True),
    Category(18, "dog", True),
    Category(95, "bridge", False),
    Category(187, "sky-other-merged", False),
    Category(193, "grass-merged", False),
)
SWIN = {
    "model_type": "swin",
    "embed_dim": 8,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2],
    "window_size": 4,
    "image_size": 64,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
SHARED = {
    "backbone_config": SWIN,
    "hidden_dim": 32,
    "encoder_feedforward_dim": 16,
    "dim_feedforward": 16,
    "encoder_layers": 1,
    "num_attention_heads": 2,
    "num_queries": 12,
    "num_labels": len(CATEGORIES),
}
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "mask2former": SHARED | {"model_type": "mask2former", "feature_size": 32, "mask_feature_size": 32, "decoder_layers": 2},
    "oneformer": SHARED
    | {
        "model_type": "oneformer",
        "conv_dim": 32,
        "mask_dim": 32,
        "decoder_layers": 3,
        "query_dec_layers": 1,
        "text_encoder_width": 32,
        "text_encoder_num_layers": 1,
        "text_encoder_vocab_size": 600,
    },
}
INPUT = {"shortest": 64, "longest": 96, "multiple": 32}
MERGES = ["t h", "th e</w>", "t a", "ta s", "tas k</w>", "i s</w>", "p a", "pa n"]


@pytest.fixture
def categories() -> tuple[Category, ...]:
    return CATEGORIES


@pytest.fixture
def config() -> Callable[[str], dict[str, Any]]:
    """A small configuration of a network of transformers."""
    return lambda name: json.loads(json.dumps(CONFIGS[name]))


@pytest.fixture
def clip_files(tmp_path: Path) -> dict[str, Path]:
    """A made-up vocabulary in the form of CLIP's: every byte, alone and at a word's end, a few merges, start and end."""

    signs = [chr(number) for number in range(33, 127)]
    tokens = [*signs, *(sign + "</w>" for sign in signs), *(merge.replace(" ", "") for merge in MERGES)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary, merges = tmp_path / "vocab.json", tmp_path / "merges.txt"
    vocabulary.write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    merges.write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    return {"vocabulary": vocabulary, "merges": merges}


@pytest.fixture
def make(project: Project) -> Callable[..., Segmenter]:
    """A loaded segmenter of a card, its options changed."""

    def make(
        name: str,
        options: Mapping[str, Any],
        *,
        files: Mapping[str, Path] | None = None,
        categories: tuple[Category, ...] = CATEGORIES,
        rule: PostProcessing | None = None,
    ) -> Segmenter:
        card = project.segmenter(name)
        assert card.entry is not None
        segmenter: Segmenter = load_plugin(project, "segmenter", name, card.entry)(**{**card.options, **options})
        segmenter.files, segmenter.categories = dict(files or {}), categories
        segmenter.post_processing = rule or PostProcessing(score=0.25)
        segmenter.load(torch.device("cpu"))
        return segmenter

    return make


@pytest.fixture
def picture() -> Callable[..., Tensor]:
    """(1, 3, height, width) of smooth colours, edges and noise."""

    def picture(height: int = 60, width: int = 80, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.rand(1, 3, 5, 7, generator=generator)
        smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
        return (smooth + 0.1 * torch.randn(1, 3, height, width, generator=generator)).clamp(0, 1)

    return picture
