"""U-Net and ControlNet out of files: the published ones, plain Stable Diffusion 2 as a start, and what was trained here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from semsr.errors import WeightsError

from ..options import DiffusionOptions
from .attention import BESIDE, attend_to_image
from .controlled import ControlledDiffusion
from .fitting import fit, on_meta, read, under
from .unet import ControlNet, UNet, copy_into_controlnet, make_controlnet, make_unet

PARTS = ("unet.", "controlnet.")
"""Prefixes in a file of both networks, as a training leaves it."""

UNET = "a U-Net"
SEEING = "a U-Net with attention to the image"
CONTROLNET = "a ControlNet with attention to the image"


def load_networks(card: DiffusionOptions, files: Mapping[str, Path]) -> ControlledDiffusion:
    """What restores pictures, from files by role: "generator" (both, as trained here), or "unet" and "controlnet" (as published).

    With "image-attentions" (SeeSR's U-Net) the U-Net's attention to the image comes from there and everything else from "unet", which may
    then be a plain one: SeeSR-turbo is sd-turbo's U-Net made so.

    Returns:
        ready for inference, on the CPU, float32.

    Raises:
        WeightsError: a role is missing, or a file does not fit strictly.
    """
    if "generator" in files:
        network = on_meta(lambda: ControlledDiffusion(make_unet(card), make_controlnet(card)))
        load_into(network, files["generator"])
    else:
        for role in ("unet", "controlnet"):
            if role not in files:
                raise WeightsError(
                    f"no file for the role {role!r}; found {sorted(files)}; give 'generator', or 'unet' and 'controlnet'"
                )
        network = ControlledDiffusion(_published(card, files), load_controlnet(card, files["controlnet"]))
    return network.eval().requires_grad_(False)


def start_networks(card: DiffusionOptions, files: Mapping[str, Path]) -> ControlledDiffusion:
    """What a training starts from: as `load_networks`, but what no file gives is drawn from torch's generator.

    A plain U-Net (Stable Diffusion 2, or a text-to-image model trained here) gets attention to the image freshly drawn, and nothing else
    may be missing in it. Without "controlnet", the ControlNet starts as a copy of the U-Net.

    Raises:
        WeightsError: a file does not fit.
    """
    if "generator" in files:
        network = ControlledDiffusion(on_meta(lambda: make_unet(card)), on_meta(lambda: make_controlnet(card)))
        load_into(network, files["generator"])
        return network
    unet = load_unet(card, files["unet"], image_attention=True) if "unet" in files else make_unet(card)
    if "controlnet" in files:
        return ControlledDiffusion(unet, load_controlnet(card, files["controlnet"]))
    controlnet = make_controlnet(card)
    copy_into_controlnet(unet, controlnet)
    return ControlledDiffusion(unet, controlnet)


def load_unet(card: DiffusionOptions, path: Path, *, image_attention: bool = False) -> UNet:
    """A U-Net from a file.

    Args:
        card: its sizes.
        path: diffusers' names, which are the published ones, or all of them under `unet.`.
        image_attention: it attends to the image; where the file holds nothing of that, it is freshly drawn.

    Raises:
        WeightsError: the file does not fit strictly.
    """
    state = read(path)
    if all(name.startswith(PARTS[0]) for name in state):
        state = under(state, PARTS[0])
    seeing = image_attention and any(f".{BESIDE}." in name for name in state)
    unet = on_meta(lambda: make_unet(card, seeing))
    fit(unet, state, path, SEEING if seeing else UNET)
    if image_attention and not seeing:
        attend_to_image(unet, card.image_width)
    return unet


def load_controlnet(card: DiffusionOptions, path: Path) -> ControlNet:
    """A published ControlNet. Raises: WeightsError: the file does not fit strictly."""
    controlnet = on_meta(lambda: make_controlnet(card))
    fit(controlnet, read(path), path, CONTROLNET)
    return controlnet


def load_into(network: nn.Module, path: Path) -> None:
    """Fill networks with what a training of the same ones left. Raises: WeightsError: the file does not fit strictly."""
    whole = isinstance(network, ControlledDiffusion)
    what = f"{SEEING} and {CONTROLNET} under 'unet.' and 'controlnet.'" if whole else f"the weights of {type(network).__name__}"
    fit(network, read(path), path, what)


def _published(card: DiffusionOptions, files: Mapping[str, Path]) -> UNet:
    state, path = read(files["unet"]), files["unet"]
    if "image-attentions" in files:
        state = {name: tensor for name, tensor in state.items() if f".{BESIDE}." not in name}
        state |= _image_attentions(files["image-attentions"])
    unet = on_meta(lambda: make_unet(card))
    fit(unet, state, path, SEEING)
    return unet


def _image_attentions(path: Path) -> dict[str, Tensor]:
    found = {name: tensor for name, tensor in read(path).items() if f".{BESIDE}." in name}
    # A training's result holds both networks; the U-Net's are wanted.
    return under(found, PARTS[0]) if any(name.startswith(PARTS) for name in found) else found
