"""Pictures to Inception features, in clean-fid's manner."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from semsr.assets.tensors import load_tensors
from semsr.errors import MetricUnavailableError, WeightsError
from semsr.files import sha256_file
from semsr.imaging.pictures import Rgb

_SIDE = 299


def to_inception(picture: Rgb) -> NDArray[np.float32]:
    """(H, W, 3) uint8 -> (3, 299, 299) in [-1, 1): PIL's bicubic (antialiased) a channel in float, clipped, not rounded.

    Source: Parmar et al. 2022; GaParmar/clean-fid@e88c4d62, mode "clean".
    """
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., channel], dtype=np.float32)) for channel in range(3)]
    resized = [np.asarray(plane.resize((_SIDE, _SIDE), resample=Image.Resampling.BICUBIC)) for plane in planes]
    return (np.stack(resized).clip(0, 255) - 128) / 128


class Inception:
    """The Inception v3 of FID (TensorFlow's of 2015, which differs from torchvision's), built by pyiqa, filled with plain tensors."""

    def __init__(self, weights: Path, device: str) -> None:
        named = re.search(r"-([0-9a-f]{8})$", weights.stem)
        if named and not (found := sha256_file(weights)).startswith(named[1]):
            raise MetricUnavailableError(
                f"{weights} is not the file its name says (sha256 begins {found[:8]}); delete it and fetch it again"
            )
        try:
            module = importlib.import_module("pyiqa.archs.inception")
        except ImportError as error:
            raise MetricUnavailableError(
                f"{(error.name or 'pyiqa').split('.')[0]} is not installed; pip install 'semsr[iqa]' (non-commercial licence)"
            ) from None

        def fill(network: Any, *_: Any, **__: Any) -> None:
            network.load_state_dict(load_tensors(weights), strict=True)

        try:
            with patch.object(module, "load_pretrained_network", fill), contextlib.redirect_stdout(io.StringIO()):
                self._network = module.InceptionV3(output_blocks=[3]).to(device).eval()
        except (WeightsError, RuntimeError) as error:
            raise MetricUnavailableError(f"{weights} does not fit the network: {' '.join(str(error).split())[:300]}") from None
        self._device = device

    def __call__(self, pictures: Sequence[Rgb]) -> NDArray[np.float64]:
        """(B, 2048) pooled features, one picture at a time, so that they do not depend on the batch."""
        with torch.inference_mode():
            features = [
                self._network(torch.from_numpy(to_inception(picture))[None].to(self._device), False, False)[0].flatten()
                for picture in pictures
            ]
        return torch.stack(features).double().cpu().numpy()
