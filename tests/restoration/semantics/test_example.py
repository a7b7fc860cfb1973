"""The code of docs/semantic-discriminator.md, as it stands there."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from semsr.project import Project


@pytest.fixture(scope="module")
def page(project: Project) -> dict[str, Any]:
    """What the page's blocks of Python define, run one after the other."""
    text = (project.root / "docs" / "semantic-discriminator.md").read_text()
    names: dict[str, Any] = {"__name__": "page"}
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 3
    torch.manual_seed(0)
    for block in blocks:
        exec(block, names)
    return names


def test_it_runs_and_means_what_it_says(page: dict[str, Any]) -> None:
    assert page["condition"].shape == (2, 1024, 4, 4)
    assert page["real"].shape == page["fake"].shape == page["Plain"]()(page["hr"]).shape == (2, 1, 8, 8)
    assert not page["condition"].requires_grad and not list(page["look"].parameters())


def test_it_looks_at_hr_after_the_first_step(page: dict[str, Any]) -> None:
    """The blocks begin silent, as the page says; one step of a GAN's loss gives them a voice, and gradients to all their parts."""
    torch.manual_seed(0)
    look, discriminator = page["look"], page["Aware"](page["look"].channels)
    hr, sr = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    condition, other = look(hr), look(hr.flip(0))

    def seen() -> bool:
        discriminator.eval()
        with torch.no_grad():
            found = not torch.equal(discriminator(sr, condition), discriminator(sr, other))
        discriminator.train()
        return found

    assert not seen()
    optimiser = torch.optim.Adam(discriminator.parameters(), 1e-3)
    for _ in range(2):
        optimiser.zero_grad()
        loss = F.softplus(-discriminator(hr, condition)).mean() + F.softplus(discriminator(sr, condition)).mean()
        loss.backward()
        optimiser.step()
    assert seen()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in discriminator.parameters())
