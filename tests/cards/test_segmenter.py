"""What a segmenter's card may say."""

from __future__ import annotations

from typing import Any

import pytest

from semsr.cards.base import parse_card
from semsr.cards.segmenter import SegmenterCard
from semsr.errors import CardError
from semsr.project import Project

PYTHON = {"id": "x", "title": "X", "licence": "MIT", "entry": "segmenter:X", "gives": ["panoptic"]}
COMMAND = {"run": ["look"], "repository": "a/b", "commit": "0123abc"}


def test_a_card_is_read() -> None:
    assert parse_card(SegmenterCard, PYTHON, "x").runner == "python"
    told = {**PYTHON, "entry": None, "runner": "command", "command": COMMAND}
    assert parse_card(SegmenterCard, told, "x").command is not None


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"entry": None}, "runner is 'python', but key 'entry' is missing"),
        ({"runner": "command"}, "key 'entry' belongs to runner 'python'"),
        ({"command": COMMAND}, "key 'command' belongs to runner 'command'"),
        ({"gives": ["masks"]}, "'masks' are those of boxes with scores; name 'boxes', too"),
        ({"gives": []}, "gives"),
        ({"gives": ["pixels"]}, "gives"),
        ({"training": "tiny"}, "'training' and 'parts' go together"),
        ({"training": "tiny", "parts": "a:B", "weights": ["w"]}, "not both"),
        ({"classes": 0}, "classes"),
        ({"threshold": 0.5}, "unknown key 'threshold'"),
    ],
)
def test_what_can_t_be_is_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(CardError) as raised:
        parse_card(SegmenterCard, PYTHON | changes, "segmenters/x/segmenter.yaml")
    text = str(raised.value)
    assert text.startswith("segmenters/x/segmenter.yaml: ") and says in text and "\n" not in text


def test_no_card_has_thresholds_of_its_own(project: Project) -> None:
    """They belong to the protocol; a card that could set them would change values under an unchanged protocol's hash."""
    for card in project.segmenters.values():
        assert not {"score", "mask", "overlap", "detections", "threshold"} & set(card.options), card.id
