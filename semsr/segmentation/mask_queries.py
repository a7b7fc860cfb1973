"""From the queries of a mask classification network (MaskFormer's kind: a class and a mask each) to segments, objects and classes.

The rules are those of the networks' authors (`panoptic_inference`, `instance_inference` and `semantic_inference` of Mask2Former, which
OneFormer and OpenSeeD share; restated from memory). transformers' own post-processing departs from them in what moves numbers:

- it weighs masks by their query's score before the mask threshold, so that with 0.5 no query below 0.5 survives, whatever the score
  threshold says;
- it gives a segment every pixel where its query is the strongest, also those below the mask threshold (here: void);
- after stuff was fused it counts ids on from the fused one, so that two segments may get one id;
- it goes through a 384x384 grid, and cuts objects' masks out of that by nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semsr.cards.protocol import PostProcessing
from semsr.segmentation.found import Category, Classes, Ids, Instance, Segment
from semsr.segmentation.masks import encode, tight_box

_AT_ONCE = 16
"""Queries that are enlarged together; 200 masks of 800x1333 would take a gigabyte."""


@dataclass(frozen=True)
class Queries:
    """What a network said of one picture: (Q, K + 1) class logits, the last class being "nothing"; (Q, H, W) mask logits."""

    classes: Tensor
    masks: Tensor


def bring(masks: Tensor, looked_at: tuple[int, int], inside: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Mask logits (Q, h, w) at the size of the answer.

    Args:
        masks: as the network gives them, a fraction of the size that it looked at.
        looked_at: (H', W') of the network's input, padding included.
        inside: (H, W) of it that are picture.
        size: (H, W) of the answer.

    Returns:
        (Q, *size): bilinearly enlarged to the input, cut to the picture, bilinearly brought to the answer's size.
    """
    parts = []
    for some in torch.split(masks[None], _AT_ONCE, dim=1):
        full = F.interpolate(some, looked_at, mode="bilinear", align_corners=False)[..., : inside[0], : inside[1]]
        parts.append(F.interpolate(full, size, mode="bilinear", align_corners=False))
    return torch.cat(parts, dim=1)[0]


def panoptic(queries: Queries, categories: Sequence[Category], rule: PostProcessing) -> tuple[Ids, tuple[Segment, ...]]:
    """The panoptic map and its segments.

    A query counts where its best class is something and surer than `rule.score`. Each pixel goes to the query with the largest product
    of score and mask probability, if its own mask is at least `rule.mask` there. A segment stays where the pixels that it is the
    strongest in are at least `rule.overlap` of those in its mask. Stuff of one class is one segment, as sure as its surest query.

    Args:
        queries: at the answer's size.
        categories: class k of the network is the k-th.
        rule: the protocol's.

    Returns:
        (H, W) ids, 0 where nothing is; one segment for each id, in the order of ids.
    """
    scores, labels = queries.classes.softmax(-1).max(-1)
    kept = (labels != len(categories)) & (scores > rule.score)
    scores, labels, probabilities = scores[kept], labels[kept], queries.masks[kept].sigmoid()
    ids = torch.zeros(queries.masks.shape[-2:], dtype=torch.int32, device=queries.masks.device)
    segments: list[Segment] = []
    if len(scores):
        strongest = (scores.view(-1, 1, 1) * probabilities).argmax(0)
    stuff: dict[int, int] = {}
    for k, (score, label) in enumerate(zip(scores.tolist(), labels.tolist(), strict=True)):
        won, inside = strongest == k, probabilities[k] >= rule.mask
        pixels = won & inside
        if not bool(pixels.any()) or int(won.sum()) < rule.overlap * int(inside.sum()):
            continue
        if label in stuff:
            number = stuff[label]
            before = segments[number - 1]
            segments[number - 1] = Segment(number, before.category, max(before.score or 0.0, score))
        else:
            number = len(segments) + 1
            segments.append(Segment(number, categories[label].id, score))
            if not categories[label].thing:
                stuff[label] = number
        ids[pixels] = number
    return np.asarray(ids.cpu().numpy(), dtype=np.int32), tuple(segments)


def instances(queries: Queries, categories: Sequence[Category], rule: PostProcessing) -> tuple[Instance, ...]:
    """Objects with scores, boxes around their masks, and masks; the best first.

    Of all pairs of a query and a class, the `rule.detections` most likely; of these the things with at least one pixel. A mask is where
    its probability is above `rule.mask`; the score is the class's probability times the mean probability inside the mask.

    Args:
        queries, categories, rule: as of `panoptic`; `rule.score` is for segments, AP wants every object.
    """
    scores = queries.classes.softmax(-1)[:, :-1]
    best = scores.flatten().topk(min(rule.detections, scores.numel()))
    found = []
    for score, place in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        query, label = divmod(place, scores.shape[1])
        if not categories[label].thing:
            continue
        probabilities = queries.masks[query].sigmoid()
        mask = probabilities > rule.mask
        if not bool(mask.any()):
            continue
        sure = score * float(probabilities[mask].double().mean())
        pixels = mask.cpu().numpy()
        found.append(Instance(categories[label].id, min(sure, 1.0), tight_box(pixels), encode(pixels)))
    return best_first(found)


def semantic(queries: Queries) -> Classes:
    """(H, W) the class of every pixel: the largest sum over queries of class probability times mask probability."""
    weights = queries.classes.softmax(-1)[:, :-1]
    total = torch.einsum("qc,qhw->chw", weights, queries.masks.sigmoid())
    return np.asarray(total.argmax(0).cpu().numpy(), dtype=np.int16)


def best_first(found: Sequence[Instance]) -> tuple[Instance, ...]:
    """By falling score; equal ones stay in their order."""
    return tuple(sorted(found, key=lambda instance: -instance.score))


def class_names(names: Mapping[int, str]) -> tuple[str, ...]:
    """A checkpoint's names of its classes in order; none where it has only placeholders (LABEL_0, LABEL_1, ...)."""
    ordered = tuple(names[number] for number in sorted(names))
    return () if all(name == f"LABEL_{number}" for number, name in enumerate(ordered)) else ordered
