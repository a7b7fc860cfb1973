"""The networks and pooling against torchvision and plain convolutions, on random weights: needs no download."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision

from semsr.errors import MetricUnavailableError, WeightsError
from semsr.evaluation.metric import Batch, Workshop
from semsr.plugins import load_plugin

SHAPES = [(1, 3, 64, 64), (1, 3, 67, 95)]


@pytest.fixture(scope="module")
def perceptual(project):
    return lambda entry: load_plugin(project, "metric", "perceptual", entry)


def kernels_of(network, make_kernel):
    return [
        make_kernel(layer.weight.detach(), layer.bias.detach(), "cpu")
        for layer in network
        if isinstance(layer, torch.nn.Conv2d)
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "places"), [("alexnet", (1, 4, 7, 9, 11)), ("vgg16", (3, 8, 15, 22, 29))])
def test_features_equal_torchvisions(name, places, shape, perceptual):
    torch.manual_seed(0)
    network = getattr(torchvision.models, name)(weights=None).features.eval()
    picture = torch.rand(shape)
    kernels = kernels_of(network, perceptual("backbones:make_kernel"))
    options = {"pool": perceptual("backbones:max_pool")} if name == "vgg16" else {}
    with torch.inference_mode():
        ours = list(perceptual(f"backbones:{name}_features")(picture, kernels, **options))
        theirs, maps = [], picture
        for index, layer in enumerate(network):
            maps = layer(maps)
            if index in places:
                theirs.append(maps.clone())
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=2e-5 * float(other.max()), rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (9, 14), (7, 5)])
def test_l2_pool_equals_the_hanning_convolution(size, perceptual):
    """DISTS' own definition: hanning(5) without its zeros, outer product, normalised; stride 2, pad 1; root of the mean square."""
    maps = torch.randn(2, 6, *size)
    window = torch.hann_window(5, periodic=False)[1:-1]
    kernel = torch.outer(window, window) / torch.outer(window, window).sum()
    expected = (F.conv2d(maps**2, kernel.expand(6, 1, 3, 3), stride=2, padding=1, groups=6) + 1e-12).sqrt()
    torch.testing.assert_close(perceptual("dists:l2_pool")(maps), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("channels", [3, 64, 512])
def test_average_equals_float64(channels, perceptual):
    """Means ten times the spread, so that sums of squares cancel to a hundredth."""
    maps = (1 + 0.1 * torch.randn(1, 75, 83, channels)).permute(0, 3, 1, 2)
    average = perceptual("dists:average")
    expected = maps.double().var((0, 2, 3), correction=0)
    torch.testing.assert_close(average(maps, maps) - average(maps) ** 2, expected, atol=5e-7, rtol=0)
    torch.testing.assert_close(average(maps), maps.double().mean((0, 2, 3)), atol=3e-7, rtol=0)


@pytest.fixture
def random_weights(tmp_path):
    """Stand-ins for all assets, in the files' own formats, with random values."""
    generator = np.random.default_rng(0)

    def backbone(file, network, widths, sizes):
        layers = {
            f"Conv_{index}": {
                "kernel": generator.normal(0, (2 / (size**2 * narrow)) ** 0.5, (size, size, narrow, wide)).astype(np.float32),
                "bias": np.zeros(wide, np.float32),
            }
            for index, (narrow, wide, size) in enumerate(zip(widths, widths[1:], sizes, strict=False))
        }
        (tmp_path / file).write_bytes(pickle.dumps({network: layers}))
        return tmp_path / file

    def linear(file, widths):
        torch.save({f"lin{i}.model.1.weight": torch.rand(1, wide, 1, 1) for i, wide in enumerate(widths)}, tmp_path / file)
        return tmp_path / file

    vgg = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    torch.save({"alpha": torch.rand(1, 1475, 1, 1), "beta": torch.rand(1, 1475, 1, 1)}, tmp_path / "dists.pt")
    return {
        "alexnet-imagenet": backbone("alex.ckpt", "AlexNet_0", (3, 64, 192, 384, 256, 256), (11, 5, 3, 3, 3)),
        "vgg16-imagenet": backbone("vgg.ckpt", "VGG16_0", vgg, [3] * 13),
        "lpips-alex-linear": linear("alex.pth", (64, 192, 384, 256, 256)),
        "lpips-vgg-linear": linear("vgg.pth", (64, 128, 256, 512, 512)),
        "dists-weights": tmp_path / "dists.pt",
    }


def make(project, name, weights):
    card = project.metric(name)
    return load_plugin(project, "metric", "perceptual", card.entry)(Workshop(card, {}, weights.__getitem__))


@pytest.fixture
def batches():
    generator = np.random.default_rng(1)
    pictures = [generator.integers(0, 256, (64, 80, 3), dtype=np.uint8) for _ in range(4)]
    return Batch(["a", "b"], pictures[:2]), Batch(["a", "b"], pictures[2:])


@pytest.mark.parametrize("name", ["lpips", "lpips-vgg", "dists"])
def test_identity_symmetry_and_independence_of_the_batch(name, project, random_weights, batches):
    metric = make(project, name, random_weights)
    sr, hr = batches
    values = metric.measure(sr, metric.reference(hr))
    assert (values > 0).all()
    np.testing.assert_allclose(metric.measure(hr, metric.reference(hr)), 0, atol=1e-9)
    np.testing.assert_allclose(metric.measure(hr, metric.reference(sr)), values, rtol=1e-5)
    alone = [Batch(batch.names[1:], batch.pictures[1:]) for batch in batches]
    assert metric.measure(alone[0], metric.reference(alone[1]))[0] == values[1]


@pytest.mark.parametrize("name", ["lpips", "dists"])
def test_a_reference_serves_several_methods(name, project, random_weights, batches):
    """Measuring must not change what is kept of the HR pictures."""
    metric = make(project, name, random_weights)
    sr, hr = batches
    kept = metric.reference(hr)
    first = metric.measure(sr, kept)
    metric.measure(hr, kept)
    assert (metric.measure(sr, kept) == first).all()


def test_pictures_too_small_for_the_network(project, random_weights):
    tiny = Batch(["a"], [np.zeros((30, 64, 3), np.uint8)])
    with pytest.raises(MetricUnavailableError, match="64 x 30 are smaller than LPIPS's 31 pixels"):
        make(project, "lpips", random_weights).reference(tiny)


def test_a_wrong_file_is_named(project, random_weights):
    random_weights["alexnet-imagenet"] = random_weights["vgg16-imagenet"]
    with pytest.raises(WeightsError, match=r"vgg\.ckpt: expected 5 convolutions under 'AlexNet_0'"):
        make(project, "lpips", random_weights)
