"""Semantic extractors by name: those that come with the project, those that others register, and any class by its place."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import torch

from semsr.errors import SemsrError, WeightsError
from semsr.restoration.semantics.extractor import Extractor, Layer

_HERE = "semsr.restoration.semantics"
_KNOWN: dict[str, str | type[Extractor]] = {
    "clip-rn50": f"{_HERE}.clip:ClipRN50",
    "vgg16": f"{_HERE}.vgg:Vgg16",
    "efficientnet-lite0": f"{_HERE}.efficientnet:EfficientNetLite0",
    "hr-pixels": f"{_HERE}.pixels:HrPixels",
    "own-pixels": f"{_HERE}.pixels:OwnPixels",
}


def register_extractor(name: str, kind: type[Extractor]) -> None:
    """Make an extractor known by a short name. Raises: SemsrError: another one has it."""
    if _KNOWN.setdefault(name, kind) is not kind:
        raise SemsrError(f"extractor {name!r} is there already; choose another name")


def extractor_names() -> tuple[str, ...]:
    """Names that `make_extractor` knows, besides `module:Class`."""
    return tuple(_KNOWN)


def extractor_kind(name: str) -> type[Extractor]:
    """The class of an extractor.

    Args:
        name: a known name, or "module:Class" of anything that can be imported.

    Raises:
        SemsrError: unknown, or no `Extractor`.
    """
    found = _KNOWN.get(name, name if ":" in name else None)
    if found is None:
        raise SemsrError(f"semantics.extractor: found {name!r}; allowed: {', '.join(_KNOWN)}, or module:Class of your own")
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ModuleNotFoundError, AttributeError) as error:
            if isinstance(error, ModuleNotFoundError) and not module.startswith(error.name or "."):
                raise
            raise SemsrError(f"semantics.extractor: found {name!r}; there is no such class") from None
    if not (isinstance(found, type) and issubclass(found, Extractor)):
        raise SemsrError(f"semantics.extractor: {name!r} is no subclass of {_HERE}.extractor:Extractor")
    return found


def plan_extractor(name: str, **options: Any) -> Layer:
    """Channels (and own stride) that `make_extractor` will give for the same options; nothing is built. Raises: SemsrError."""
    kind = extractor_kind(name)
    return kind.plan(**_checked(name, kind, options))


def make_extractor(name: str, *, weights: Path | None = None, **options: Any) -> Extractor:
    """A frozen extractor with its weights.

    Args:
        name: see `extractor_kind`.
        weights: its verified file; None for those that have none.
        options: of its class, `layer` and `batch_norm` for networks; those that are None are left to the class.

    Returns:
        (B, 3, H, W) RGB in [0, 1] -> (B, channels, H/16, W/16), in the mode that `batch_norm` says. torch's global random generator is
        left as it was, so that an extractor changes nobody's initialisation.

    Raises:
        SemsrError: unknown name, option or layer.
        WeightsError: no weights are given to a network that needs them, or another's.

    Source: lbc12345/SeD@311195f:models/sed.py for "clip-rn50"; the others are stand-ins and controls of ours.
    """
    kind = extractor_kind(name)
    given = _checked(name, kind, options)
    if kind.pretrained and weights is None:
        raise WeightsError(f"extractor {name!r} needs weights; name them in the recipe under the asset role 'extractor'")
    with torch.random.fork_rng(devices=()):
        extractor = kind(**given)
    if kind.pretrained and weights is not None:
        extractor.fill(weights)
    return extractor.freeze()


def _checked(name: str, kind: type[Extractor], options: dict[str, Any]) -> dict[str, Any]:
    given = {option: value for option, value in options.items() if value is not None}
    allowed = list(inspect.signature(kind).parameters)
    unknown = next((option for option in given if option not in allowed), None)
    if unknown is not None:
        raise SemsrError(f"extractor {name!r}: unknown option {unknown!r}; allowed: {', '.join(allowed) or 'none'}")
    return given
