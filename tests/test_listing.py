"""What `semsr list` says of a card."""

from __future__ import annotations

import pytest

from semsr import listing
from semsr.project import Project


@pytest.mark.parametrize(
    ("told", "says"),
    [({"classes": 133}, "133"), ({}, "not said"), ({"training": "tiny", "parts": "a:B"}, "as trained")],
)
def test_the_classes_of_a_judge(project: Project, monkeypatch: pytest.MonkeyPatch, told: dict[str, object], says: str) -> None:
    """Only what is trained here knows what it is trained on."""
    card = project.segmenter("yolov3-tiny").model_copy(update={"classes": None, **told})
    monkeypatch.setattr(Project, "segmenters", {card.id: card})
    assert f"  {says}  " in listing.render(Project(project.root), "segmenters")
