"""pyiqa's networks with this project's weights: the same values as pyiqa's own call, no download, and a reason where it can't be.

The real weights are in no package, so random ones stand in; what is proved is that each tensor finds its place and that pictures are
handed over as pyiqa wants them. Tests that need pyiqa (`pip install 'semsr[iqa]'`) are skipped without it.
"""

from __future__ import annotations

import hashlib
import sys
from unittest.mock import patch

import numpy as np
import pytest
import torch

from semsr.errors import MetricUnavailableError
from semsr.evaluation.metric import Batch, Workshop
from semsr.imaging.pictures import write_png
from semsr.plugins import load_plugin

LEARNED = ["musiq", "maniqa", "maniqa-pipal", "clipiqa"]


@pytest.fixture
def batch():
    return Batch(["a"], [np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)])


@pytest.fixture
def make(project):
    def make(name, path):
        card = project.metric(name)
        options = {option: known.default for option, known in card.options.items()}
        return load_plugin(project, "metric", project.metric_family(name), card.entry)(Workshop(card, options, lambda _: path))

    return make


@pytest.mark.parametrize("name", [*LEARNED, "fid", "kid"])
def test_without_pyiqa_it_says_so(name, make, tmp_path, monkeypatch):
    for module in [module for module in sys.modules if module.split(".")[0] == "pyiqa"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    (tmp_path / "weights.pth").touch()
    with pytest.raises(MetricUnavailableError, match=r"pyiqa is not installed; pip install 'semsr\[iqa\]'"):
        make(name, tmp_path / "weights.pth")


@pytest.mark.parametrize(
    ("family", "entry"), [("learned", "pyiqa_metrics:check_prefix"), ("distribution", "inception:Inception")]
)
def test_a_file_that_is_not_what_its_name_says(family, entry, project, tmp_path):
    path = tmp_path / "net-0123abcd.pth"
    path.write_bytes(b"other")
    found = hashlib.sha256(b"other").hexdigest()[:8]
    check = load_plugin(project, "metric", family, entry)
    with pytest.raises(MetricUnavailableError, match=f"sha256 begins {found}"):
        check(path, "cpu") if family == "distribution" else check(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["musiq", "maniqa", "maniqa-pipal"])
def test_equals_pyiqas_own_call(name, make, batch, tmp_path):
    pyiqa = pytest.importorskip("pyiqa")
    import timm

    create = timm.create_model
    torch.manual_seed(0)
    with patch.object(timm, "create_model", lambda *args, **options: create(*args, **{**options, "pretrained": False})):
        theirs = pyiqa.create_metric(name, device="cpu", pretrained=False)
    torch.save(theirs.net.state_dict(), tmp_path / "weights.pth")
    ours = make(name, tmp_path / "weights.pth")
    theirs.net.test_sample = ours._network.net.test_sample = 2  # crops of MANIQA: 20 take a minute on a CPU
    expected = float(theirs(batch.tensor.contiguous()))
    assert ours.measure(batch, None)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_clipiqa_equals_pyiqas_own_call(make, batch, tmp_path):
    pyiqa = pytest.importorskip("pyiqa")
    from pyiqa.archs.clip_model import CLIP

    torch.manual_seed(0)
    clip = CLIP(1024, 224, (3, 4, 6, 3), 64, None, 77, 49408, 512, 8, 12)
    # OpenAI's file is a TorchScript archive; only its tensors are used.
    torch.jit.trace_module(clip.eval(), {"encode_image": (torch.rand(1, 3, 224, 224), torch.tensor(True))}).save(
        tmp_path / "RN50.pt"
    )
    expected = float(
        pyiqa.create_metric("clipiqa", device="cpu", backbone=str(tmp_path / "RN50.pt"))(batch.tensor.contiguous())
    )
    assert make("clipiqa", tmp_path / "RN50.pt").measure(batch, None)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_weights_that_do_not_fit(make, tmp_path):
    pytest.importorskip("pyiqa")
    torch.save({"other": torch.zeros(1)}, tmp_path / "weights.pth")
    for name in ("musiq", "fid"):
        with pytest.raises(MetricUnavailableError, match="does not fit"):
            make(name, tmp_path / "weights.pth")


@pytest.mark.slow
def test_inception_features_equal_pyiqas(make, batch, tmp_path):
    pytest.importorskip("pyiqa")
    from pyiqa.archs import fid_arch, inception

    def fill(network, *_):
        torch.manual_seed(0)
        for tensor in network.parameters():
            torch.nn.init.kaiming_normal_(tensor) if tensor.dim() > 1 else torch.nn.init.uniform_(tensor)
        torch.save(network.state_dict(), tmp_path / "weights.pth")

    with patch.object(inception, "load_pretrained_network", fill):
        network = inception.InceptionV3(output_blocks=[3]).eval()
    write_png(tmp_path / "pictures" / "a.png", batch.pictures[0])
    expected = fid_arch.get_folder_features(
        str(tmp_path / "pictures"), network, num_workers=0, device="cpu", mode="clean", verbose=False
    )
    np.testing.assert_allclose(make("fid", tmp_path / "weights.pth").features(batch), expected, rtol=1e-4, atol=1e-6)
