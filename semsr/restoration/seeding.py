"""Random numbers that depend on the run's seed and the picture's name, and on nothing that ran before."""

from __future__ import annotations

import hashlib

import torch


def picture_seed(seed: int, *names: str) -> int:
    """A 63-bit seed out of the run's seed and one or more picture names."""
    digest = hashlib.sha256("\0".join((str(seed), *names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def picture_generator(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator for one picture. Draw noise on the CPU and move it, where runs on CPU and GPU should see the same noise."""
    return torch.Generator(device).manual_seed(picture_seed(seed, name))
