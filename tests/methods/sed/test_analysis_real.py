"""SeD's tiny variants trained for ten steps by the stage, and the page on that training: every part of it on the real networks."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from semsr.imaging.pictures import write_png
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project
from semsr.stages import train, training_report

# Nothing here needs a file from outside: no perceptual loss, and the fusion blocks are told the pixels of HR.
RECIPES = """
tiny-psnr:
  once: true
  generator: {network: rrdb, options: {features: 8, blocks: 1, growth: 4}}
  data: {dataset: demo, patch: 64, lr: bicubic}
  batch: 2
  steps: 4
  losses: {pixel: {weight: 1.0}}
  validation: {every: 2, dataset: demo, protocol: sed, columns: [psnr], samples: 1}
  log: 1
tiny-p:
  extends: tiny-psnr
  once: false
  start: {variant: tiny-psnr}
  discriminator: {network: patch, options: {width: 8}}
  steps: 10
  losses: {adversarial: {weight: 0.01}}
  validation: {every: 5}
tiny-p-sed:
  extends: tiny-p
  discriminator: {options: {semantics: {extractor: hr-pixels}}}
tiny-u-sed:
  extends: tiny-p-sed
  discriminator: {network: pixel}
"""
PROFILE = """
id: tiny
title: Tiny
device: cpu
threads: 1
tracks: {classical: {datasets: [demo], trained: [sed], protocols: [sed]}}
training: {methods: [sed], datasets: [demo], seeds: [1, 2]}
variants: {sed: [tiny-psnr, tiny-p, tiny-p-sed, tiny-u-sed]}
"""


@pytest.fixture
def small(project: Project, workspace: Project) -> Iterator[Project]:
    """The real method with smaller recipes, on pictures of waves."""
    root = workspace.root
    shutil.copytree(project.root / "methods" / "sed", root / "methods" / "sed", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "methods" / "sed" / "recipes.yaml").write_text(RECIPES)
    card = yaml.safe_load((root / "methods" / "sed" / "method.yaml").read_text())
    card["variants"] = {name: row for name, row in card["variants"].items() if name in yaml.safe_load(RECIPES)}
    (root / "methods" / "sed" / "method.yaml").write_text(yaml.safe_dump(card))
    (root / "profiles" / "tiny.yaml").write_text(PROFILE)
    shutil.copytree(
        project.root / "metrics", root / "metrics", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    _pictures(root)
    forget_plugins()
    yield Project(root)
    forget_plugins()


def _pictures(root: Path) -> None:
    data = {"id": "demo", "title": "Demo", "licence": "CC0-1.0", "count": 6, "scale": 4, "comparable": "regenerated"}
    data |= {"source": {"kind": "files", "layouts": [{"hr": "{name}.png"}]}}
    data |= {"degradation": {"kind": "matlab-bicubic", "dialect": "symmetric"}}
    (root / "datasets" / "demo").mkdir()
    (root / "datasets" / "demo" / "dataset.yaml").write_text(yaml.safe_dump(data))
    folder, entries = root / "data" / "demo", []
    y, x = np.mgrid[:192, :192]
    for number in range(6):
        draw = np.random.default_rng(number)
        planes = sum(
            np.cos(draw.uniform(-0.4, 0.4) * y + draw.uniform(-0.4, 0.4) * x)[..., None] * draw.uniform(0, 1, 3)
            for _ in range(9)
        )
        hr = np.asarray(255 * (planes - planes.min()) / np.ptp(planes), dtype=np.uint8)
        lr = np.ascontiguousarray(hr[::4, ::4])
        paths = folder / "hr" / f"p{number}.png", folder / "lr" / f"p{number}.png"
        write_png(paths[0], hr)
        write_png(paths[1], lr)
        hashes = pixel_sha256(lr), pixel_sha256(hr)
        split = "train" if number < 2 else "test"
        entries.append(Entry(f"p{number}", paths[1], paths[0], (48, 48), (192, 192), *hashes, split))
    write_manifest(folder, entries)


@pytest.mark.slow
def test_the_page_on_real_trainings(small: Project) -> None:
    profile = small.profile("tiny")
    train.run(small, profile, "sed")
    page = training_report.run(small, profile, per_class=9)
    text = page.read_text()
    said = "".join(re.findall(r'class="problems".*?</div>', text, re.DOTALL))
    assert re.findall(r"<li>(.*?)</li>", said) == ["tiny RRDB+P: its discriminator has no cross-attention with semantics."]
    # 7 trainings; 3 variants with discriminators, each with 2 seeds and untrained, colour, what SeD is told, chance.
    tables = [re.findall(r"<tr>", body) for body in re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)]
    assert [len(rows) for rows in tables] == [7, 4, 9 + 3, 3, 9, 9]
    # Three blocks of two variants, by seed and untrained; what they compute is computed again, to single precision.
    checks = [float(value) for value in re.findall(r"<td class=\"n\">(\de[-+]\d\d)</td></tr>", text)]
    assert len(checks) == 18 and max(checks) < 1e-4
    for name in ("att1", "att2", "att3"):
        assert text.count(f"<td>{name}</td>") == 6
    assert text.count('aria-label="t-SNE of 36 pictures in 4 classes') == 9
    samples = {path.name for path in (page.parent / "pictures" / "samples").glob("*.png")}
    assert "sed-tiny-u-sed-p2-lr.png" in samples and "sed-tiny-u-sed-p2-hr.png" in samples
    assert "what goes into conv_last" in text and "what goes into conv9" in text
