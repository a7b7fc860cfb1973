"""A recipe's data: pictures as samples, where LR comes from, and the tags beside them."""

from __future__ import annotations

import hashlib
import logging
from typing import Protocol, runtime_checkable

from semsr.cards.recipe import Data
from semsr.errors import CardError, PairingError, SemsrError
from semsr.imaging.degradation.parameters import PARAMETERS
from semsr.imaging.degradation.recipe import Recipe as Degradation
from semsr.preparation.manifest import Prepared
from semsr.project import Project
from semsr.training.crops import Patch, Resized
from semsr.training.index import Index, Source
from semsr.training.lowres import BicubicLr, DegradedLr, LowRes, PairedLr
from semsr.training.packing import pack, plan
from semsr.training.parts import Parts
from semsr.training.patches import TrainingPictures
from semsr.training.process import is_main, wait_for_all
from semsr.training.subimages import SubImages
from semsr.training.tags import Tags

log = logging.getLogger(__name__)

PACKED_ALONE = 4 * 2**30
"""Bytes of raw pixels up to which training packs a data set without being asked (`semsr pack`); decoding is slower by far."""


@runtime_checkable
class ReadsTags(Protocol):
    """Parts that know whether their objective reads a batch's tags before anything is loaded.

    Not asked of every `Parts`: those whose methods train without words need not know that tags exist.
    """

    @property
    def reads_tags(self) -> bool:
        """Whether the recipe must name `data.tags`; where not, it must not."""
        ...


def source_of(data: Data, prepared: Prepared) -> Source:
    """The data set with the folder of tags that the recipe names, there or not."""
    return Source(prepared, None if data.tags is None else prepared.folder / data.tags)


def tags_sha256(source: Source) -> str | None:
    """SHA-256 over the training pictures' names and tags as they are read; None without a folder of tags.

    Raises:
        PairingError: the folder, a picture's file, or what is in it is missing or can't be read; one line.
    """
    if source.tags is None:
        return None
    if not source.tags.is_dir():
        raise PairingError(
            f"{source.tags}: no such folder, though the recipe names it (data.tags); put <picture>.txt for every training picture "
            f"into it, or train without tags"
        )
    index, digest = Index([source]), hashlib.sha256()
    tags = Tags([source], index)
    for at in range(len(index)):
        digest.update(f"{index.stem(at)}\0{tags.read(index, at)}\0".encode())
    return digest.hexdigest()


def require_tags(where: str, data: Data, parts: Parts) -> None:
    """Make sure that tags are named where they are read, and only there, as far as the parts say.

    Args:
        where: file and recipe, for the error.
        data: what the recipe says of its data.
        parts: asked where they are `ReadsTags`.

    Raises:
        CardError: the objective reads tags and the recipe names none, or the other way round.
    """
    if not isinstance(parts, ReadsTags) or parts.reads_tags == (data.tags is not None):
        return
    if parts.reads_tags:
        raise CardError(
            f"{where}.data.tags: is missing, and the objective reads its words from files; name the folder "
            f"data/{data.dataset}/<tags>/ that holds <picture>.txt for every training picture"
        )
    raise CardError(
        f"{where}.data.tags: found {data.tags!r}, but the objective reads no tags; leave it out, or let it read them"
    )


def training_pictures(project: Project, data: Data, prepared: Prepared, seed: int) -> TrainingPictures:
    """The recipe's data as samples, read from packed pixels where they are there or small. Raises: SemsrError."""
    source = source_of(data, prepared)
    packed = project.data / "pixels"
    index = Index([source])
    todo = plan(index, packed)
    if todo.missing and todo.bytes <= PACKED_ALONE:
        if is_main():
            pack(index, packed)
        wait_for_all()
    elif todo.missing:
        log.warning(
            "%s: pixels are decoded anew for every patch; `semsr pack %s` (%.0f GB) makes that tens of times faster",
            data.dataset,
            data.dataset,
            todo.bytes / 1e9,
        )
    whole = not plan(index, packed).missing
    cut = SubImages(*data.sub_images) if data.sub_images else None
    view = Resized(data.patch) if data.view == "whole" else Patch(data.patch, small=data.small, cut=cut)
    return TrainingPictures(
        [source],
        view,
        lr=low_resolution(data),
        flips=data.flips,
        packed=packed if whole else None,
        seed=seed,
        target=data.target,
    )


def low_resolution(data: Data) -> LowRes | None:
    """Where LR comes from, as the recipe says it. Raises: SemsrError: an option of degradations without one."""
    if data.lr in PARAMETERS:
        made = Degradation(PARAMETERS[data.lr], ground_truth=data.ground_truth, shared_choices=data.shared_choices)
        return DegradedLr(made, context=data.context)
    alone = {"context": None, "ground_truth": "plain", "shared_choices": None}
    for key, unset in alone.items():
        if (found := getattr(data, key)) != unset:
            raise SemsrError(
                f"data.{key}: found {found!r}; allowed only with a degradation (full, light, pasd), not {data.lr!r}"
            )
    if data.lr == "none":
        return None
    return PairedLr() if data.lr == "paired" else BicubicLr()
