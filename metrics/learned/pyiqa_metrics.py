"""MUSIQ, MANIQA and CLIP-IQA: pyiqa's networks, this project's weights."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from semsr.assets.tensors import load_tensors
from semsr.errors import MetricUnavailableError, WeightsError
from semsr.evaluation.metric import Batch, Metric, Values, Workshop
from semsr.files import sha256_file

_INSTALL = "pip install 'semsr[iqa]' (pyiqa's licence is non-commercial)"


class PyiqaMetric(Metric):
    """A no-reference network of pyiqa's that is given its weights as plain tensors. Pictures pass one by one."""

    uses_network = True

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop)
        (asset,) = workshop.card.assets
        pyiqa = _import("pyiqa")
        path = workshop.asset(asset)
        check_prefix(path)
        with _quietly(), no_downloads():
            self._network = self._create(pyiqa, path)
        # MANIQA collects what its hooks see in one list: two pictures at a time would mix.
        self._lock = Lock()

    @abstractmethod
    def _create(self, pyiqa: Any, weights: Path) -> torch.nn.Module:
        """The network in evaluation mode on the workshop's device, with its weights."""

    def measure(self, sr: Batch, reference: Any) -> Values:
        """(B,) scores."""
        with self._lock, torch.inference_mode():
            return np.array([float(self._network(sr.tensor[index : index + 1].contiguous())) for index in range(len(sr))])


class Musiq(PyiqaMetric):
    """MUSIQ trained on KonIQ-10k."""

    def _create(self, pyiqa: Any, weights: Path) -> torch.nn.Module:
        network = pyiqa.create_metric("musiq", device=self.workshop.device, pretrained=False)
        return _filled(network, weights)


class ManiqaKoniq(PyiqaMetric):
    """MANIQA trained on KonIQ-10k."""

    name = "maniqa"

    def _create(self, pyiqa: Any, weights: Path) -> torch.nn.Module:
        # The checkpoint holds the transformer, too; pyiqa would fetch ImageNet's first, only to write over them.
        timm = _import("timm")
        create = timm.create_model
        with patch.object(timm, "create_model", lambda *args, **options: create(*args, **{**options, "pretrained": False})):
            network = pyiqa.create_metric(self.name, device=self.workshop.device, pretrained=False)
        return _filled(network, weights)


class ManiqaPipal(ManiqaKoniq):
    """MANIQA trained on PIPAL."""

    name = "maniqa-pipal"


class ClipIqa(PyiqaMetric):
    """CLIP-IQA on OpenAI's RN50; the backbone is its only file."""

    def _create(self, pyiqa: Any, weights: Path) -> torch.nn.Module:
        return pyiqa.create_metric("clipiqa", device=self.workshop.device, backbone=str(weights))


def check_prefix(path: Path) -> None:
    """Compare a file's sha256 with the eight digits that its name ends with, if any. Raises: MetricUnavailableError."""
    named = re.search(r"-([0-9a-f]{8})$", path.stem)
    if named and not (found := sha256_file(path)).startswith(named[1]):
        raise MetricUnavailableError(
            f"{path} is not the file its name says (sha256 begins {found[:8]}); delete it and fetch it again"
        )


@contextlib.contextmanager
def no_downloads() -> Iterator[None]:
    """Whatever pyiqa would fetch by itself, unchecked, is refused at once."""

    def refuse(*args: Any, **options: Any) -> Any:
        raise MetricUnavailableError(
            f"pyiqa wants to download {args[0] if args else 'a file'} by itself, which is not allowed here"
        )

    places = [
        ("torch.hub", "download_url_to_file"),
        ("torch.hub", "load_state_dict_from_url"),
        ("pyiqa.utils.download_util", "download_url_to_file"),
        ("pyiqa.archs.clip_model", "_download"),
        ("huggingface_hub", "hf_hub_download"),
    ]
    with contextlib.ExitStack() as stack:
        for module, name in places:
            stack.enter_context(patch.object(_import(module), name, refuse))
        yield


def _filled(metric: Any, weights: Path) -> torch.nn.Module:
    """Put a checkpoint into the network inside pyiqa's wrapper; every tensor must find its place."""
    try:
        held = load_tensors(weights)
        metric.net.load_state_dict({name.removeprefix("module."): tensor for name, tensor in held.items()}, strict=True)
    except (WeightsError, RuntimeError) as error:
        raise MetricUnavailableError(f"{weights} does not fit pyiqa's network: {' '.join(str(error).split())[:300]}") from None
    return metric.eval()


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).split(".")[0]
        raise MetricUnavailableError(f"{missing} is not installed; {_INSTALL}") from None


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """pyiqa prints while it loads; standard output belongs to the command."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
