"""The code of docs/adding-a-segmenter.md, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import yaml

from semsr.cards.asset import AssetFile
from semsr.cards.protocol import PostProcessing
from semsr.cards.segmenter import SegmenterCard
from semsr.errors import WeightsError
from semsr.project import Project
from semsr.segmentation.checks import broken
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Category

CATEGORIES = tuple(Category(number, f"class {number}", number <= 80) for number in range(1, 134))


@pytest.fixture(scope="module")
def blocks(project: Project) -> dict[str, str]:
    """The page's files, by the name in their first line."""
    text = (project.root / "docs" / "adding-a-segmenter.md").read_text()
    found = re.findall(r"```(?:yaml|python)\n(# [^\n]*\n)?(.*?)```", text, flags=re.DOTALL)
    return {(first.split()[1].rstrip(":,") if first else "command"): body for first, body in found}


def test_the_cards_are_cards(blocks: dict[str, str]) -> None:
    card = SegmenterCard.model_validate(yaml.safe_load(blocks["segmenters/my-judge/segmenter.yaml"]))
    assets = AssetFile.model_validate(yaml.safe_load(blocks["segmenters/my-judge/assets.yaml"]))
    assert [asset.id for asset in assets.assets] == list(card.weights)
    command = {**card.model_dump(exclude={"entry"}), **yaml.safe_load(blocks["command"])}
    assert SegmenterCard.model_validate(command).command is not None


def test_the_judge_takes_its_options_and_keeps_the_contract(blocks: dict[str, str], tmp_path: Path) -> None:
    card = SegmenterCard.model_validate(yaml.safe_load(blocks["segmenters/my-judge/segmenter.yaml"]))
    names: dict[str, Any] = {"__name__": "page"}
    exec(blocks["segmenters/my-judge/segmenter.py"], names)
    judge: Segmenter = names["MyJudge"](**card.options)
    path = tmp_path / "my-judge.safetensors"
    torch.manual_seed(0)
    safetensors.torch.save_file(torch.nn.Conv2d(3, 133, 1).state_dict(), path)
    judge.files, judge.categories, judge.post_processing = (
        {"my-weights": path},
        CATEGORIES,
        PostProcessing(score=0.25, overlap=0.0),
    )
    judge.load(torch.device("cpu"))
    found = judge.segment("a", torch.rand(1, 3, 30, 40), (20, 30))
    assert broken(card, found, CATEGORIES, (20, 30), name="a") is None
    assert found.segments and found.instances
    safetensors.torch.save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=r"not the weights of my-judge: [^\n]+$"):
        judge.load(torch.device("cpu"))
