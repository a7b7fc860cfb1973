"""The same on all 50 pictures and with every metric whose weights are in a package: minutes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semsr.assets.pickles import load_numpy_pickle
from semsr.assets.store import Store
from semsr.errors import AssetError
from semsr.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


class LpipsVgg:
    """LPIPS v0.1 on torchvision's own VGG16, by its formula; the weights are those of the files that the project declares."""

    def __init__(self, project: Project) -> None:
        from torchvision.models import vgg16

        try:
            backbone, linear = (Store().get(project.asset(name)) for name in ("vgg16-imagenet", "lpips-vgg-linear"))
        except AssetError as error:
            pytest.skip(str(error))
        self.layers = vgg16(weights=None).features.eval()
        held: Any = load_numpy_pickle(backbone)["VGG16_0"]
        convolutions = [layer for layer in self.layers if isinstance(layer, torch.nn.Conv2d)]
        for index, layer in enumerate(convolutions):
            kernel = np.array(held[f"Conv_{index}"]["kernel"], np.float32)
            layer.weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
            layer.bias.data = torch.from_numpy(np.array(held[f"Conv_{index}"]["bias"], np.float32))
        for layer in self.layers:
            if isinstance(layer, torch.nn.ReLU):
                layer.inplace = False
        known = torch.load(linear, weights_only=True, map_location="cpu")
        self.linear = [known[f"lin{index}.model.1.weight"].flatten() for index in range(5)]

    def features(self, picture: np.ndarray) -> list[torch.Tensor]:
        shift, scale = (torch.tensor(each).view(3, 1, 1) for each in ((-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)))
        maps = (torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 127.5 - 1 - shift) / scale
        maps, found = maps[None], []
        for index, layer in enumerate(self.layers):
            maps = layer(maps)
            if index in (3, 8, 15, 22, 29):
                found.append(maps / (maps.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def __call__(self, sr: np.ndarray, hr: np.ndarray) -> float:
        with torch.inference_mode():
            pairs = zip(self.features(sr), self.features(hr), self.linear, strict=True)
            return float(sum((a - b).square().mean((0, 2, 3)) @ weight for a, b, weight in pairs))


def test_every_published_mean_of_the_fifty_is_reproduced(all_pictures: Any, test_data: Path) -> None:
    with (test_data / "realsr_crop128/osediff_metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(all_pictures.pairs) == 50
    all_pictures.publish()
    means = {name: np.mean([float(row[name]) for row in rows]) for name in all_pictures.columns}
    digits = {name: len(text.partition(".")[2]) for name, text in all_pictures.printed.items()}
    assert all_pictures.printed == {name: f"{value:.{digits[name]}f}" for name, value in means.items()}
    verdicts = all_pictures.verdicts()
    assert {name: verdict.kind for name, verdict in verdicts.items()} == dict.fromkeys(all_pictures.columns, "reproduced")
    assert set(verdicts) == {"psnr", "ssim", "lpips", "dists", "niqe"}


def test_lpips_on_vgg_is_named_first(all_pictures: Any, project: Project) -> None:
    other = LpipsVgg(project)
    value = float(np.mean([other(sr, hr) for sr, hr in all_pictures.pairs.values()]))
    all_pictures.publish(lpips=value)
    found = all_pictures.explain()
    assert set(found) == {"lpips"}
    best = found["lpips"].best
    assert best is not None and best.id == "metric=lpips-vgg"
    assert found["lpips"].alternatives[0] is best
    assert all_pictures.verdicts()["lpips"].kind == "other-protocol"


def test_three_tenths_of_a_decibel_are_not_reproduced(all_pictures: Any) -> None:
    all_pictures.publish(psnr=all_pictures.means["psnr"] + 0.3)
    found = all_pictures.explain()
    assert found["psnr"].best is None and found["psnr"].tried >= 30
    assert all_pictures.verdicts()["psnr"].kind == "not-reproduced"


def test_jpeg_moves_networks_too(few_networks: Any, jpeg: Any) -> None:
    """One accident explains all columns of a row."""
    pairs = few_networks.pairs.values()
    metrics = {name: few_networks.measured(name) for name in few_networks.columns}
    few_networks.publish(**{name: np.mean([value(jpeg(sr), hr) for sr, hr in pairs]) for name, value in metrics.items()})
    found = few_networks.explain()
    assert set(found) == set(few_networks.columns)
    for column, explanation in found.items():
        assert explanation.best is not None and explanation.best.id == "stored=jpeg-95", column
        assert set(explanation.best.joint) == set(few_networks.columns) - {column}
