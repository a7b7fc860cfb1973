"""Real methods with their real weights on real pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.assets.store import Store
from semsr.errors import AssetError
from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.restoration.python import PythonRunner
from semsr.restoration.runner import Task
from semsr.restoration.weights import get_weights

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Path:
    """Small LR pictures made up by semsr.restoration.contract.sample, and what our methods made of them."""
    return GOLDEN


@pytest.fixture
def make_runner(project: Project) -> Callable[..., PythonRunner]:
    """A method's runner, with its first weights that can be had; skips where none can."""

    def make(method: str, variant: str = "default", weights: tuple[str, ...] | None = None, **changes: Any) -> PythonRunner:
        card = project.method(method)
        row = card.variants[variant]
        try:
            files = get_weights(project, row if weights is None else row.model_copy(update={"weights": weights}), Store()).files
        except AssetError as error:
            pytest.skip(f"no weights: {error}")
        folder = project.folders("method")[method]
        made = load_plugin(project, "method", method, card.entry) if card.entry else None
        task = Task(card, variant, folder, {}, card.scale or 4, project.root, folder, weights=files, make=made)
        return PythonRunner(replace(task, **changes))

    return make


@pytest.fixture
def y_psnr() -> Callable[[Any, Any], float]:
    """PSNR in dB of luma 16-235 (BT.601, not rounded), 4 pixels cut from each side; written out here, apart from the metric."""

    def luma(rgb: Any) -> Any:
        return 16.0 + rgb.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255.0

    def measure(sr: Any, hr: Any) -> float:
        error = (luma(sr) - luma(hr))[4:-4, 4:-4]
        return float(10 * np.log10(255.0**2 / np.mean(error**2)))

    return measure
