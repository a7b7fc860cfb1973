"""What a card says, in words."""

from __future__ import annotations

from semsr.project import Project
from semsr.reporting import wording


def test_generated_pictures(project: Project) -> None:
    card = project.dataset("lite-scenes")
    assert wording.origin(card) == (
        "drawn here by the data set's own code with pictures of lite-photos (seed 0), 256 × 256 pixels of HR, with exact annotations"
    )
    assert wording.degradation(card) == "Real-ESRGAN's second-order degradation ×4 (parameters “full”, seed 0)"
