"""HR sharpened as a target of its own, beside plain HR."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from semsr.imaging.degradation.parameters import FULL
from semsr.imaging.degradation.recipe import Recipe
from semsr.imaging.degradation.sharpen import sharpen
from semsr.preparation.manifest import Prepared
from semsr.training.crops import Patch
from semsr.training.index import Source
from semsr.training.lowres import BicubicLr, DegradedLr, LowRes, PairedLr
from semsr.training.patches import TrainingPictures


@pytest.fixture(scope="module")
def pairs(photographs: Callable[..., dict]) -> dict:  # type: ignore[type-arg]
    return dict(list(photographs("set14").items())[:3])


@pytest.mark.parametrize("lr", [PairedLr(), BicubicLr()])
def test_a_patch_is_sharpened_by_itself(make_set: Callable[..., Prepared], pairs: dict, lr: LowRes) -> None:  # type: ignore[type-arg]
    source = Source(make_set(pairs))
    plain = TrainingPictures([source], Patch(96), lr=lr, seed=3)
    both = TrainingPictures([source], Patch(96), lr=lr, seed=3, target="sharpened")
    for index in range(3):
        a, b = plain[0, index], both[0, index]
        assert "target" not in a and torch.equal(a["hr"], b["hr"]) and torch.equal(a["lr"], b["lr"])
        expected = sharpen((b["hr"] * 255).round().double()).clamp(0, 255).round() / 255
        assert (b["target"] - expected).abs().max() < 1e-6
        assert (b["target"] - b["hr"]).abs().max() > 0.01


@pytest.mark.parametrize("context", [None, 160])
def test_what_is_degraded_is_the_target(make_set: Callable[..., Prepared], pairs: dict, context: int | None) -> None:  # type: ignore[type-arg]
    """The square is sharpened before the patch is cut of it, as in Real-ESRGAN; HR stays plain and LR as it was."""
    source = Source(make_set(pairs))

    def pictures(kind: str, target: str) -> TrainingPictures:
        lr = DegradedLr(Recipe(FULL, ground_truth=kind), context=context)  # type: ignore[arg-type]
        return TrainingPictures([source], Patch(96), lr=lr, seed=3, target=target)  # type: ignore[arg-type]

    for index in range(3):
        plain, sharp, both = (
            pictures(*each)[1, index] for each in (("plain", "plain"), ("sharpened", "plain"), ("plain", "sharpened"))
        )
        assert torch.equal(plain["lr"], both["lr"]) and torch.equal(sharp["lr"], both["lr"])
        assert torch.equal(plain["hr"], both["hr"])
        assert torch.equal(sharp["hr"], both["target"])
        assert not torch.equal(both["hr"], both["target"])
