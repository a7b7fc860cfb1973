"""What benchmarks/diffusion*.py restore and train: SeeSR's networks with random weights, tiny or of the published sizes."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def no_gpu() -> int | None:
    """The exit status of `--real` where it can't run, said in one line; None where there is a GPU."""
    import torch

    if torch.cuda.is_available():
        return None
    print("--real needs a GPU, and torch sees none here", file=sys.stderr)
    return 2


def plugin() -> Callable[[str], Any]:
    """A module of the method's folder, by its name."""
    from semsr.plugins import load_plugin
    from semsr.project import Project

    load_plugin(Project(ROOT), "method", "seesr", "method:SeeSr")
    return lambda name: import_module(f"semsr.plugins.methods.seesr.{name}")


def sizes(real: bool) -> dict[str, Any]:
    """The `generator.options`: published ones, or the recipe's, with words that need no files."""
    if real:
        return {}
    from semsr.project import Project

    found = dict(Project(ROOT).recipe("seesr", "tiny").generator.options)
    return {**found, "text": {**found["text"], "kind": "hashed"}}


@contextmanager
def words() -> Iterator[dict[str, Path]]:
    """A made-up vocabulary for CLIP's text encoder, by role: letters and no pairs of them. It works on as many tokens whatever they are."""
    letters = [chr(code) for code in range(33, 127)]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory(prefix="semsr-words-") as folder:
        files = {"vocabulary": Path(folder) / "vocab.json", "merges": Path(folder) / "merges.txt"}
        files["vocabulary"].write_text(json.dumps({piece: at for at, piece in enumerate(pieces)}))
        files["merges"].write_text("#version: 0.2\n")
        yield files


def draw_networks(seesr: Callable[[str], Any], made: dict[str, Any], device: str) -> Any:
    """Random networks. Nothing is zero that a training would not leave so: the ControlNet counts."""
    import torch

    card = seesr("options").SeeSrOptions.model_validate(made)
    torch.manual_seed(0)
    with torch.device(device):
        unet, controlnet = (
            seesr("networks.unet").make_unet(card.diffusion),
            seesr("networks.unet").make_controlnet(card.diffusion),
        )
        autoencoder = seesr("networks.autoencoder").make_autoencoder(card.autoencoder)
        tagger = seesr("tagger").make_tagger(card.tagger, {})
    diffusion = seesr("networks.controlled").ControlledDiffusion(unet, controlnet)
    for parameter in diffusion.parameters():
        if not parameter.detach().any():
            torch.nn.init.normal_(parameter, 0, 0.01)
    with words() as files:
        text = seesr("networks.text").make_text_encoder(card.text, files)
    for network in (diffusion, autoencoder, tagger, text):
        network.eval().requires_grad_(False)
    return seesr("method").Networks(tagger, text, autoencoder, diffusion)


def pictures(count: int, side: int) -> Any:
    """(count, 3, side, side), noise in [0, 1] of 8 bits."""
    import torch

    drawn = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, side, side), generator=drawn).float().div(255)
