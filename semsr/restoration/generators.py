"""The generators that are trained here, fresh or with weights: RRDB and SwinIR, in spandrel's classes, under their published names."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol, runtime_checkable

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from semsr.assets.tensors import load_tensors
from semsr.cards.base import Card, parse_card
from semsr.errors import SemsrError, WeightsError
from semsr.restoration import rrdb_names
from semsr.restoration.ncnn import load_rrdbnet

# As in `networks`: spandrel does not name the indexing that is meshgrid's default.
warnings.filterwarnings("ignore", message=r"torch\.meshgrid")

SCALE = 4
SEMANTIC = "rrdb-semantic"
GROUPS = ("params_ema", "params")
"""What BasicSR calls the group of a network's weights in a file."""
GIVEN = "the weights given"
"""What errors call a state dict that no file was named for."""
_GROWTH, _DENSE_SCALE = 32, 0.1
_QKV = "layers.0.residual_group.blocks.0.attn.qkv.weight"

Count = Annotated[int, Field(ge=1)]


class RrdbOptions(Card):
    """RRDB's sizes; the defaults are those of ESRGAN: 16,697,987 parameters, 702 tensors."""

    features: Count = 64
    blocks: Count = 23
    growth: Count = _GROWTH


class SwinirOptions(Card):
    """SwinIR's sizes; the defaults are those of SwinIR-M for classical x4: 11,900,199 parameters, 550 tensors.

    `image` is the LR side whose attention masks are kept (others are made when met), and part of the published shapes. `drop_path` is
    the highest rate at which blocks are skipped while training, SwinIR's own default.
    """

    dim: Count = 180
    depths: Annotated[tuple[Count, ...], Field(min_length=1)] = (6, 6, 6, 6, 6, 6)
    heads: Annotated[tuple[Count, ...], Field(min_length=1)] = (6, 6, 6, 6, 6, 6)
    window: Annotated[int, Field(ge=2)] = 8
    mlp_ratio: Annotated[float, Field(gt=0)] = 2.0
    image: Count = 64
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _fitting(self) -> SwinirOptions:
        if len(self.depths) != len(self.heads):
            raise ValueError(f"depths has {len(self.depths)} entries, heads {len(self.heads)}; they need as many")
        wrong = next((heads for heads in self.heads if self.dim % heads), None)
        if wrong is not None:
            raise ValueError(f"heads: found {wrong}; must divide dim, {self.dim}")
        if self.image % self.window or self.image == self.window:
            raise ValueError(f"image: found {self.image}; must be 2, 3, ... times window, {self.window}")
        return self


def make_generator(name: str, *, files: Mapping[str, Path] | None = None, **options: Any) -> nn.Module:
    """A x4 generator, freshly initialised from torch's global random generator, in training mode.

    Args:
        name: "rrdb", "swinir", or "rrdb-semantic" (an RRDB that sees semantics of LR: `semsr.restoration.semantics.generator`).
        files: by role, for what a generator needs besides its own weights; only "rrdb-semantic" does.
        options: see `RrdbOptions`, `SwinirOptions`; "rrdb-semantic" has its own.

    Returns:
        (B, 3, H, W) RGB in [0, 1] -> (B, 3, 4H, 4W), not clipped. RRDB takes any size. SwinIR mirrors the lower and right edges up to a
        multiple of its window and crops back; a side of half a window or less is too small to be mirrored.

    Raises:
        SemsrError: unknown name or option, or a value that does not fit.

    Source: Wang et al. 2018 (ESRGAN) and Liang et al. 2021 (SwinIR), in the classes of the package spandrel.
    """
    if name == SEMANTIC:
        network: nn.Module = importlib.import_module("semsr.restoration.semantics.generator").make_semantic_rrdb(
            files or {}, **options
        )
        return network
    if name not in _MAKERS:
        raise SemsrError(f"generator: found {name!r}; allowed: {', '.join((*_MAKERS, SEMANTIC))}")
    card, make = _MAKERS[name]
    return make(parse_card(card, options, f"generator {name!r}"))


def _make_rrdb(options: RrdbOptions) -> nn.Module:
    network: nn.Module = _spandrel("ESRGAN").ESRGAN(num_filters=options.features, num_blocks=options.blocks, scale=SCALE)
    if options.growth != _GROWTH:  # spandrel's class knows the published one only
        body: Any = network.get_submodule("model.1.sub")
        for at in range(options.blocks):
            body[at] = _spandrel("__arch_helpers.block").RRDB(options.features, gc=options.growth)
    # As ESRGAN: He's initialisation times 0.1 within dense blocks, where residuals add up; torch's own elsewhere.
    for layer in rrdb_names.layers(options.blocks, "spandrel")[1:-5]:
        convolution: Any = network.get_submodule(layer)
        nn.init.kaiming_normal_(convolution.weight)
        with torch.no_grad():
            convolution.weight.mul_(_DENSE_SCALE)
            convolution.bias.zero_()
    return network


def _make_swinir(options: SwinirOptions) -> nn.Module:
    network: nn.Module = _spandrel("SwinIR").SwinIR(
        img_size=options.image,
        embed_dim=options.dim,
        depths=list(options.depths),
        num_heads=list(options.heads),
        window_size=options.window,
        mlp_ratio=options.mlp_ratio,
        drop_path_rate=options.drop_path,
        upscale=SCALE,
        upsampler="pixelshuffle",
    )
    return network


def _spandrel(module: str) -> Any:
    return importlib.import_module(f"spandrel.architectures.{module}")


_MAKERS: Mapping[str, tuple[type[Card], Callable[[Any], nn.Module]]] = {
    "rrdb": (RrdbOptions, _make_rrdb),
    "swinir": (SwinirOptions, _make_swinir),
}


@runtime_checkable
class OwnNames(Protocol):
    """A generator that is neither RRDB nor SwinIR and says itself what its weights are called."""

    def export_state(self) -> dict[str, Tensor]:
        """See `export_state`."""

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Load what `export_state` gave, or a start that fits. Raises: WeightsError."""


def export_state(network: nn.Module) -> dict[str, Tensor]:
    """Weights under the names they are published by: ESRGAN's first ones for RRDB, SwinIR's own; detached and contiguous.

    Raises: WeightsError: the network is neither, and not one with `OwnNames`.
    """
    if isinstance(network, OwnNames):
        return network.export_state()
    state = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    if _QKV in state:
        return state
    return rrdb_names.rename(state, "esrgan")


def load_state(network: nn.Module, source: Path | Mapping[str, Tensor], key: str | None = None) -> None:
    """Load weights into a generator of `make_generator`, every tensor and no other.

    Args:
        network: what is loaded into; left as it is on an error.
        source: `.pth`, `.safetensors` or ncnn's `.bin` (RRDB of 64 features), or a state dict; RRDB under any of its three namings.
        key: the group to take out of a file that holds several. `params` and `params_ema` are found where there is no other.

    Raises:
        WeightsError: not readable, or another network's; says what was found and what was expected.
    """
    where = GIVEN if isinstance(source, Mapping) else str(source)
    state = dict(source) if isinstance(source, Mapping) else _read(source, key)
    if isinstance(network, OwnNames):
        try:
            return network.load_published(state)
        except WeightsError as error:
            raise WeightsError(f"{where}: {str(error).removeprefix(f'{GIVEN}: ')}") from None
    own = network.state_dict()
    found, expected = describe(state), describe(own)
    if rrdb_names.recognise(own) is not None and rrdb_names.recognise(state) is not None:
        try:
            state = rrdb_names.rename(state, "spandrel")
        except WeightsError as error:
            raise WeightsError(f"{where}: {error}; expected {expected}") from None
    problem = _first_difference(state, own)
    if problem:
        raise WeightsError(f"{where}: holds {found}, expected {expected}{problem}")
    network.load_state_dict(state, strict=True)


def _read(path: Path, key: str | None) -> dict[str, Tensor]:
    try:
        return load_rrdbnet(path) if path.suffix == ".bin" else load_tensors(path, key, known=GROUPS)
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror})") from None


def _first_difference(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> str:
    for name, tensor in own.items():
        if name not in state:
            return f": {name} is missing"
        if state[name].shape != tensor.shape:
            return f": {name} is {tuple(state[name].shape)}, not {tuple(tensor.shape)}"
    extra = next((name for name in state if name not in own), None)
    return f": {extra} is too many" if extra is not None else ""


def describe(state: Mapping[str, Tensor]) -> str:
    """What a state dict holds, in words: the network and its sizes, or the first names."""
    rrdb = rrdb_names.recognise(state)
    if rrdb is not None:
        names = rrdb_names.layers(rrdb[1], rrdb[0])
        first, dense, last = (state.get(f"{name}.weight") for name in (names[0], names[1], names[-1]))
        if first is not None and dense is not None and last is not None:
            return f"RRDB of {len(first)} features, {rrdb[1]} blocks, growth {len(dense)}"
    if _QKV in state:
        depths = _swinir_depths(state)
        window = state.get(_QKV.replace("qkv.weight", "relative_position_index"))
        side = "" if window is None else f", window {round(len(window) ** 0.5)}"
        return f"SwinIR of dim {state[_QKV].shape[1]}, depths {' '.join(map(str, depths))}{side}"
    names = tuple(state)
    return f"a network not known here ({len(names)} tensors: {', '.join(names[:3])}, ...)" if names else "no tensors"


def _swinir_depths(state: Mapping[str, Tensor]) -> list[int]:
    blocks = {tuple(map(int, name.split(".")[1:5:3])) for name in state if name.endswith(".attn.qkv.weight")}
    return [sum(group == at for group, _ in blocks) for at in range(max(group for group, _ in blocks) + 1)]
