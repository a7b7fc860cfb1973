"""Features are taken where they are said to be taken, of the picture they are said to be of."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from semsr.errors import SemsrError
from semsr.reporting.training.features import (
    Layer,
    as_images,
    batches,
    colours,
    condition_features,
    conditions,
    discriminator_features,
    last_layer,
    pooled,
)

CPU = torch.device("cpu")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.last = nn.Conv2d(6, 1, 3)  # named first, runs last
        self.body = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.LeakyReLU(0.2))
        self.unused = nn.Linear(2, 2)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.last(self.body(image))  # type: ignore[no-any-return]


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (19, 16, 16, 3), dtype=np.uint8)


def test_the_last_layer_is_what_goes_into_the_logits() -> None:
    layer = last_layer(Net(), torch.rand(1, 3, 16, 16), None)
    assert layer == Layer("last", "in")
    assert str(layer) == "what goes into last"
    with pytest.raises(SemsrError, match="no module with parameters"):
        last_layer(Bare(), torch.rand(1, 3, 4, 4), None)


class Bare(nn.Module):
    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        return image


def test_each_row_is_of_its_own_picture(pictures: np.ndarray) -> None:
    net = Net().eval()
    told = conditions(None, pictures, CPU)
    features = discriminator_features(net, Layer("last", "in"), pictures, told, CPU)
    named = discriminator_features(net, Layer("body.1"), pictures, told, CPU)
    for number in range(len(pictures)):
        with torch.no_grad():
            wanted = net.body(as_images(pictures[number : number + 1], CPU))[0].double().mean(dim=(1, 2))
        np.testing.assert_allclose(features[number], wanted.numpy(), rtol=1e-5)
    np.testing.assert_array_equal(features, named)
    assert not net.last._forward_hooks


def test_layers_that_are_not_there_or_do_not_run(pictures: np.ndarray) -> None:
    told = conditions(None, pictures, CPU)
    with pytest.raises(SemsrError, match="'bodi': the discriminator has no such module; it has last, body, unused"):
        discriminator_features(Net(), Layer("bodi"), pictures, told, CPU)
    with pytest.raises(SemsrError, match="did not run"):
        discriminator_features(Net(), Layer("unused"), pictures, told, CPU)


def test_conditions_come_with_their_pictures(pictures: np.ndarray) -> None:
    told = conditions(nn.Conv2d(3, 5, 8, 8), pictures, CPU)
    features = condition_features(told, len(pictures))
    assert features is not None and features.shape == (19, 5)
    same = np.concatenate([pictures, pictures[:1]])
    torch.manual_seed(1)
    network = nn.Conv2d(3, 5, 8, 8)
    again = condition_features(conditions(network, same, CPU), 20)
    assert again is not None
    np.testing.assert_allclose(again[0], again[19], rtol=1e-6)
    assert condition_features(conditions(None, pictures, CPU), 19) is None


def test_batches_hold_each_once_mixed_and_no_stray_one() -> None:
    for count in (1, 7, 8, 9, 17, 100):
        parts = batches(count)
        assert sorted(np.concatenate(parts).tolist()) == list(range(count))
        assert max(map(len, parts)) <= 8 and (count == 1 or min(map(len, parts)) > 1)
    assert batches(64)[0].tolist() != list(range(8))
    assert [part.tolist() for part in batches(30)] == [part.tolist() for part in batches(30)]


def test_pooling_and_colours(pictures: np.ndarray) -> None:
    maps = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert pooled(maps).tolist() == [[5.5, 17.5]]
    assert pooled(maps.flatten(2).transpose(1, 2)).tolist() == [[5.5, 17.5]]
    assert pooled(torch.tensor([[1.0, 2.0]])).tolist() == [[1.0, 2.0]]
    np.testing.assert_allclose(colours(pictures)[3], pictures[3].reshape(-1, 3).mean(axis=0) / 255)
