"""Looks into the trained discriminators of one method: their features by class, and what their semantic tokens attend to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from semsr.errors import SemsrError
from semsr.imaging.pictures import Rgb
from semsr.reporting.training.attention import attentions, fusion_blocks
from semsr.reporting.training.attention_maps import PatchPair, draw_maps, numbers
from semsr.reporting.training.class_pictures import ClassPictures
from semsr.reporting.training.drawing import draw_points
from semsr.reporting.training.features import (
    Layer,
    as_images,
    batches,
    colours,
    condition_features,
    conditions,
    discriminator_features,
    last_layer,
)
from semsr.reporting.training.found import UNTRAINED, Classes, Looks, Panel, Row
from semsr.reporting.training.separation import separation, tsne

EXACT = 1e-3
"""Largest difference between a block's output and the recomputed one that single precision explains, with much to spare."""
_SETTLE = 15
"""Training-mode passes after which the spectral norms of an untrained discriminator are those of its weights."""


class Subject(Protocol):
    """One variant whose discriminators are looked at; networks are made when asked for, so that one at a time is in memory."""

    variant: str
    label: str
    seeds: Sequence[int]

    def condition(self) -> nn.Module | None:
        """What the discriminator is told of HR, in the mode that training used it in."""

    def discriminator(self, seed: int | None) -> nn.Module:
        """As trained with a seed; None: as freshly initialised. Raises: SemsrError."""

    def generator(self, seed: int) -> nn.Module:
        """As trained with a seed, in evaluation mode. Raises: SemsrError."""


def look_at_classes(
    subjects: Iterable[Subject],
    shown: ClassPictures,
    device: torch.device,
    key: str,
    *,
    layer: str | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Classes:
    """Features of every discriminator for pictures in classes; a discriminator that can't be looked at is a line in `problems`.

    Args:
        subjects: variants.
        shown: the pictures.
        device: where networks run.
        key: makes names inside figures unlike others' of the page.
        layer: the module whose output is taken; None: the map before the logits.
        advance: told how many more discriminators are done.
    """
    classes = Classes()
    classes.controls.append(Row("Mean colour of the picture", "", "", 3, separation(colours(shown.pictures), shown.labels)))
    for subject in subjects:
        try:
            condition = _to(subject.condition(), device)
            told = conditions(condition, shown.pictures, device)
        except SemsrError as error:
            classes.problems.append(f"{subject.label}: {error}")
            advance(len(subject.seeds))
            continue
        semantics = condition_features(told, len(shown.pictures))
        if semantics is not None:
            control = Row(
                f"{subject.label}: semantic extractor alone", "", "", semantics.shape[1], separation(semantics, shown.labels)
            )
            if all(control.found != other.found for other in classes.controls):
                classes.controls.append(control)
        for seed in (*subject.seeds, None):
            who = UNTRAINED if seed is None else f"seed {seed}"
            try:
                _one(classes, subject, seed, who, shown, told, device, key, layer)
            except SemsrError as error:
                classes.problems.append(f"{subject.label}, {who}: {error}")
            advance(seed is not None)
    return classes


def _one(
    classes: Classes,
    subject: Subject,
    seed: int | None,
    who: str,
    shown: ClassPictures,
    told: list[Any],
    device: torch.device,
    key: str,
    layer: str | None,
) -> None:
    network = subject.discriminator(seed).to(device)
    first = as_images(shown.pictures[batches(len(shown.pictures))[0]], device)
    if seed is None:
        _settle(network, first, told[0])
    network.eval()
    place = Layer(layer) if layer is not None else last_layer(network, first, told[0])
    features = discriminator_features(network, place, shown.pictures, told, device)
    if not np.isfinite(features).all():
        raise SemsrError(f"{place}: some features are not finite")
    classes.rows.append(Row(subject.label, who, str(place), features.shape[1], separation(features, shown.labels)))
    layout = tsne(features)
    if layout is not None:
        points = [(float(x), float(y)) for x, y in layout]
        described = f"t-SNE of {len(points)} pictures in {len(shown.classes)} classes, {subject.label}, {who}"
        svg = draw_points(points, shown.labels.tolist(), f"{key}-{subject.variant}-{who}", described=described)
        classes.panels.append(Panel(subject.label, who, svg))


def look_at_tokens(subject: Subject, pairs: Sequence[PatchPair], device: torch.device, folder: Path, key: str) -> Looks | None:
    """Cross-attention of a variant's discriminators on HR and on SR, told of HR's semantics in both, as in training.

    Args:
        subject: the variant.
        pairs: patches of one size; heat maps are drawn for the first, numbers taken over all.
        device: where networks run.
        folder: the page's folder of pictures.
        key: the beginning of the files' names.

    Returns:
        None where the discriminator has no cross-attention.
    """
    looks = Looks(subject.label)
    try:
        if not fusion_blocks(subject.discriminator(None)):
            return None
        condition = _to(subject.condition(), device)
    except SemsrError as error:
        looks.problems.append(str(error))
        return looks
    hr = as_images(np.stack([pair.hr for pair in pairs]), device)
    lr = as_images(np.stack([pair.lr for pair in pairs]), device)
    with torch.no_grad():
        told = condition(hr) if condition is not None else None
    drawn = False
    sr = None
    for seed in (*subject.seeds, None):
        who = UNTRAINED if seed is None else f"seed {seed}"
        try:
            if seed is not None:
                with torch.no_grad():
                    sr = subject.generator(seed).to(device)(lr).clamp(0, 1)
            if sr is None:
                continue
            network = subject.discriminator(seed).to(device)
            if seed is None:
                _settle(network, hr, told)
            network.eval()
            on_hr, on_sr = attentions(network, hr, told), attentions(network, sr, told)
        except SemsrError as error:
            looks.problems.append(f"{who}: {error}")
            continue
        if (worst := max((its.error for its in (*on_hr, *on_sr)), default=0.0)) > EXACT:
            looks.problems.append(
                f"{who}: the attention computed again leads to another output than the block's own (by {worst:.1e} of the largest): "
                "the block is not the published one, and its weights are not shown"
            )
            continue
        looks.numbers += numbers(who, on_hr, on_sr)
        if not drawn:
            restored = _as_rgb(sr[0])
            for real, fake in zip(on_hr, on_sr, strict=True):
                made = draw_maps(pairs[0], restored, real, fake, 0, folder, f"{key}-{real.block}")
                if made is None:
                    looks.even.append(real.block)
                else:
                    looks.maps.append(made)
            drawn = True
    return looks


def _settle(network: nn.Module, image: torch.Tensor, condition: Any) -> None:
    """Old-style spectral norm begins with random vectors and improves them in training mode only."""
    network.train()
    with torch.no_grad():
        for _ in range(_SETTLE):
            network(image, condition)


def _to(network: nn.Module | None, device: torch.device) -> nn.Module | None:
    return network.to(device) if network is not None else None


def _as_rgb(image: torch.Tensor) -> Rgb:
    """(3, H, W) in [0, 1] -> (H, W, 3) uint8."""
    return np.asarray((image * 255).round().byte().permute(1, 2, 0).cpu().numpy())
