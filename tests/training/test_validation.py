"""Validation against the stages that restore and evaluate, on the project's own metrics."""

from __future__ import annotations

import logging
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn

from semsr.errors import AssetError, CardError, MethodError, SemsrError, UnknownIdError
from semsr.imaging.pictures import Rgb, picture_files, read_rgb, write_png
from semsr.imaging.resize import bicubic_uint8
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project
from semsr.restoration.generators import make_generator
from semsr.stages import evaluate
from semsr.training.validation import Validator

SIZES = {"a": (40, 48), "b": (48, 48), "c": (40, 48)}


def no_weights(name: str) -> Path:
    raise AssetError(f"asset {name!r} can't be had on this machine")


def prepare(root: Path, name: str, sizes: dict[str, tuple[int, int]], **keys: object) -> None:
    """A data set of waves and noise, LR by MATLAB's bicubic."""
    card = {"id": name, "title": name, "licence": "CC0-1.0", "count": len(sizes), "scale": 4, "comparable": "regenerated"}
    (root / "datasets" / name).mkdir(parents=True)
    source = {"source": {"kind": "files", "layouts": [{"hr": "{name}.png"}]}}
    (root / "datasets" / name / "dataset.yaml").write_text(yaml.safe_dump(card | source | keys))
    folder, entries = root / "data" / name, []
    for number, (picture, (height, width)) in enumerate(sizes.items()):
        y, x = np.mgrid[:height, :width]
        waves = np.stack([127 + 100 * np.sin((x * (c + 1) + y) / 5 + number) for c in range(3)], -1)
        hr: Rgb = np.clip(waves + np.random.default_rng(number).normal(0, 5, waves.shape), 0, 255).astype(np.uint8)
        lr = bicubic_uint8(hr, 0.25)
        for kind, pixels in (("hr", hr), ("lr", lr)):
            write_png(folder / kind / f"{picture}.png", pixels)
        sizes_of = (lr.shape[0], lr.shape[1]), (hr.shape[0], hr.shape[1])
        files = folder / "lr" / f"{picture}.png", folder / "hr" / f"{picture}.png"
        split = "train" if keys.get("split") == "train" else "test"
        entries.append(Entry(picture, *files, *sizes_of, pixel_sha256(lr), pixel_sha256(hr), split))  # type: ignore[arg-type]
    write_manifest(folder, entries)


@pytest.fixture
def small(project: Project, tmp_path: Path) -> Project:
    """The real metrics and protocols, and a data set of three small pictures of two sizes."""
    forget_plugins()
    root = tmp_path / "project"
    for folder in ("methods", "tables", "profiles", "requirements"):
        (root / folder).mkdir(parents=True)
    (root / "requirements" / "lock.txt").write_text("torch==2\n")
    shutil.copytree(project.root / "metrics", root / "metrics")
    prepare(root, "demo", SIZES)
    return Project(root)


Make = Callable[..., Validator]


@pytest.fixture
def validator(small: Project, tmp_path: Path) -> Make:
    def made(*columns: str, dataset: str = "demo", protocol: str = "sed", samples: int = 2) -> Validator:
        return Validator(small, dataset, protocol, columns, tmp_path / "trained", samples, asset=no_weights)

    return made


class Enlarge(nn.Module):
    """Bicubic, with a weight, and other things a network may have."""

    def __init__(self, add: float = 0.0) -> None:
        super().__init__()
        self.add = nn.Parameter(torch.tensor(add))
        self.dropout, self.norm = nn.Dropout(0.5), nn.BatchNorm2d(3)

    def forward(self, lr: Tensor) -> Tensor:
        torch.rand(3)
        return self.dropout(F.interpolate(lr, scale_factor=4, mode="bicubic") + self.add)  # type: ignore[no-any-return]


def test_means_equal_those_of_the_evaluation(validator: Make, small: Project, tmp_path: Path) -> None:
    generator = Enlarge(0.01)
    means = validator("ssim", "psnr", samples=3)(generator, 7)
    assert list(means) == ["ssim", "psnr"]
    kept = tmp_path / "trained" / "samples" / "step-00000007"
    restored = picture_files(kept)
    assert list(restored) == ["a", "b", "c"]
    # By hand: in 8 bits as the runner of methods does it, in the data set's whole pictures.
    for name, path in restored.items():
        lr = torch.from_numpy(read_rgb(small.data / "demo" / "lr" / f"{name}.png").copy()).permute(2, 0, 1)[None] / 255.0
        expected = (F.interpolate(lr, scale_factor=4, mode="bicubic") + generator.add.detach()).clamp(0, 1).mul(255).round()
        assert np.array_equal(read_rgb(path), expected[0].permute(1, 2, 0).to(torch.uint8).numpy())
    found = evaluate.run(small, kept, "demo", None, "sed", threads=1)
    assert {column.name: column.summary.mean for column in found.columns if column.summary and column.name in means} == means


def test_psnr_by_hand(validator: Make, small: Project, tmp_path: Path) -> None:
    """PSNR on Y of BT.601, 4 pixels cut, from the pictures that were kept: no metric of ours involved."""
    mean = validator("psnr", samples=3)(Enlarge(), 0)["psnr"]
    weights, values = np.array([65.481, 128.553, 24.966]) / 255, []
    for name in SIZES:
        pair = [tmp_path / "trained/samples/step-00000000" / f"{name}.png", small.data / "demo/hr" / f"{name}.png"]
        sr, hr = ((read_rgb(path)[4:-4, 4:-4] @ weights) for path in pair)
        values.append(10 * np.log10(255**2 / np.square(sr - hr).mean()))
    assert mean == pytest.approx(np.mean(values), abs=1e-6)


def test_training_does_not_notice(validator: Make) -> None:
    generator = Enlarge()
    generator.norm.eval()  # a frozen part of a network in training
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state(), torch.get_num_threads()
    validate = validator("psnr")
    first = validate(generator, 1)
    assert validate(generator, 2) == first
    assert generator.training and generator.dropout.training and not generator.norm.training
    assert generator.add.grad is None and torch.is_grad_enabled() and generator.add.requires_grad
    after = random.getstate(), np.random.get_state()[1], torch.get_rng_state(), torch.get_num_threads()
    assert before[0] == after[0] and np.array_equal(before[1], after[1]) and torch.equal(before[2], after[2])
    assert before[3] == after[3]


def test_training_goes_on_after_it(validator: Make) -> None:
    """SwinIR keeps a tensor of its own from each pass."""
    torch.manual_seed(0)
    network = make_generator("swinir", dim=12, depths=[2], heads=[2], image=16).double()
    values = validator("psnr")(network, 1)
    assert np.isfinite(values["psnr"]) and network.training
    network(torch.rand(1, 3, 8, 8, dtype=torch.float64)).mean().backward()
    assert all(parameter.dtype == torch.float64 for parameter in network.parameters())


def test_samples(validator: Make, small: Project, tmp_path: Path) -> None:
    validate, folder = validator("psnr", samples=1), tmp_path / "trained" / "samples"
    validate(Enlarge(), 20)
    validate(Enlarge(0.1), 40)
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert found == ["bicubic/a.png", "hr/a.png", "step-00000020/a.png", "step-00000040/a.png"]
    assert np.array_equal(read_rgb(folder / "hr/a.png"), read_rgb(small.data / "demo/hr/a.png"))
    assert np.array_equal(read_rgb(folder / "bicubic/a.png"), bicubic_uint8(read_rgb(small.data / "demo/lr/a.png"), 4))
    assert read_rgb(folder / "step-00000040/a.png").mean() > read_rgb(folder / "step-00000020/a.png").mean() + 10
    shutil.rmtree(folder)
    assert validator("psnr", samples=0)(Enlarge(), 1)["psnr"] > 10
    assert not folder.exists()


def test_a_column_that_cant_be_had_is_left_out(validator: Make, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        validate = validator("lpips", "psnr")
        assert list(validate(Enlarge(), 1)) == list(validate(Enlarge(), 2)) == ["psnr"]
    assert [record.getMessage() for record in caplog.records] == [
        "validation on demo: lpips is left out: not available, because asset 'alexnet-imagenet' can't be had on this machine"
    ]
    assert validator("lpips")(Enlarge(), 1) == {}


LARGE_ONLY = """
import numpy as np
from semsr.errors import MetricUnavailableError
from semsr.evaluation.metric import Metric


class LargeOnly(Metric):
    def measure(self, sr, reference):
        if min(sr.size) < 48:
            raise MetricUnavailableError("the picture is too small")
        return np.ones(len(sr))
"""


def test_columns_need_a_value_for_every_picture(small: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = small.root / "metrics" / "large"
    folder.mkdir()
    (folder / "large.py").write_text(LARGE_ONLY)
    card = {"id": "large", "title": "large", "direction": "higher", "range": [0, None], "reference": "none", "version": 1}
    card |= {"entry": "large:LargeOnly", "licence": "CC0-1.0", "source": "made for this test"}
    (folder / "large.yaml").write_text(yaml.safe_dump(card))
    columns = [{"name": "large", "metric": "large"}, {"name": "psnr", "metric": "psnr"}]
    protocol = {"id": "some", "title": "some", "columns": columns, "source": "made for this test"}
    (small.root / "metrics/protocols/some.yaml").write_text(yaml.safe_dump(protocol))
    validate = Validator(Project(small.root), "demo", "some", ["large", "psnr"], tmp_path, 0)
    with caplog.at_level(logging.WARNING):
        for step in (1, 2):
            assert list(validate(Enlarge(), step)) == ["psnr"]
    assert [record.getMessage() for record in caplog.records] == [
        "validation on demo: large is left out: not available, because a: the picture is too small"
    ]


def test_wild_values_are_clipped_and_nan_is_an_error(validator: Make, caplog: pytest.LogCaptureFixture) -> None:
    validate = validator("psnr")
    with caplog.at_level(logging.WARNING):
        wild = validate(Enlarge(5.0), 3)
    assert "validation at step 3: a: values from" in caplog.text and "were clipped" in caplog.text
    assert wild == validate(Enlarge(1.0), 3)  # white, both
    with pytest.raises(MethodError, match=r"^validation at step 9: a: 5760 of 5760 values are NaN or infinite"):
        validate(Enlarge(float("nan")), 9)
    generator = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Upsample(scale_factor=2))
    with pytest.raises(MethodError, match=r"the generator made \(1, 3, 20, 24\), expected \(1, 3, 40, 48\)"):
        validate(generator, 1)
    assert generator.training


def test_bad_input_is_one_line(validator: Make, small: Project) -> None:
    with pytest.raises(CardError, match=r"validation.columns: found 'pnsr'; protocol 'sed' has: psnr, ssim, lpips"):
        validator("pnsr")
    with pytest.raises(UnknownIdError, match="unknown dataset 'dmo'; did you mean 'demo'"):
        validator("psnr", dataset="dmo")
    with pytest.raises(UnknownIdError, match="unknown protocol 'sde'"):
        validator("psnr", protocol="sde")
    prepare(small.root, "practice", {"a": (40, 40)}, split="train")
    small.__dict__.pop("datasets", None)
    with pytest.raises(SemsrError, match="'practice' has no LR test pictures"):
        validator("psnr", dataset="practice")
    (small.data / "demo" / "manifest.parquet").unlink()
    with pytest.raises(SemsrError, match="'demo' is not prepared; run `semsr prepare demo`"):
        validator("psnr")


@pytest.mark.slow
def test_eight_pictures_take_seconds(small: Project, tmp_path: Path) -> None:
    prepare(small.root, "eight", {f"p{at}": (384, 384) for at in range(8)})
    validate = Validator(Project(small.root), "eight", "sed", ["psnr"], tmp_path, 2, asset=no_weights)
    network = make_generator("rrdb", features=16, blocks=2, growth=16)
    started = time.perf_counter()
    validate(network, 1)
    assert time.perf_counter() - started < 20  # about 1 on an idle machine of 2 cores
