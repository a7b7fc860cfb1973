"""What restoring does to single objects: which are lost, which are invented, which come back.

Everything is counted picture by picture, so that the share of any draw of pictures is a sum over a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semsr.cards.protocol import ObjectMatching
from semsr.evaluation.semantic.fitting import fitting_instances
from semsr.evaluation.semantic.matching import match, overlap
from semsr.evaluation.semantic.sums import Weights, ratio
from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Found, Instance


@dataclass(frozen=True)
class Seen:
    """How the objects of a picture and the instances that a segmenter is sure of belong together.

    Attributes:
        objects: positions in the truth's objects of those that are seen; never a crowd.
        sure: positions in the found instances of those that are sure enough, but for those that lie on a crowd of their class.
        unfounded: those of `sure` that are of no object: they overlap none of their class enough. A second instance on an object that
            is seen already invents nothing, and is not among them.
    """

    objects: frozenset[int]
    sure: frozenset[int]
    unfounded: frozenset[int]


@dataclass(frozen=True)
class Changes:
    """What became of one picture's objects from HR over LR to SR, as counts.

    Attributes:
        seen_on_hr: true objects seen on HR.
        omitted: of these, not seen on SR.
        sure_on_sr: instances on SR that are sure enough and do not lie on a crowd.
        hallucinated: of these, those that are neither a true object nor what the segmenter is as sure of on HR.
        lost_on_lr: true objects seen on HR and not on the zoomed LR.
        improved: of these, seen on SR.
    """

    seen_on_hr: int
    omitted: int
    sure_on_sr: int
    hallucinated: int
    lost_on_lr: int
    improved: int


def seen(truth: Truth, found: Found, matching: ObjectMatching) -> Seen:
    """Which objects of a picture are seen, and which instances are of nothing.

    Instances of at least `matching.score` take objects of their class as in COCO's AP: the best first, each the one it overlaps most of
    those that are left, by an IoU of at least `matching.iou`. One that takes none and lies on a crowd of its class by at least that share
    of itself counts neither for nor against.

    Raises:
        SemanticError: what was found does not fit the annotations; one line with the picture's name.
    """
    instances = fitting_instances(truth, found, matching.by)
    confident = [at for at, instance in enumerate(instances) if instance.score >= matching.score]
    matches = match(truth.objects, [instances[at] for at in confident], matching.by, [matching.iou])
    objects, sure, unfounded = set[int](), set[int](), set[int]()
    for nth, at in enumerate(matches.order.tolist()):
        if matches.ignored[0, 0, nth]:
            continue
        sure.add(confident[at])
        if matches.taken[0, 0, nth] >= 0:
            objects.add(int(matches.taken[0, 0, nth]))
        elif matches.best[nth] < matching.iou:
            unfounded.add(confident[at])
    return Seen(frozenset(objects), frozenset(sure), frozenset(unfounded))


def changes(truth: Truth, hr: Found, lr: Found, sr: Found, matching: ObjectMatching) -> Changes:
    """Follow one picture's objects from HR over the zoomed LR to SR, all judged by one segmenter.

    Raises:
        SemanticError: what was found on one of them does not fit the annotations; one line with the picture's name.
    """
    on_hr, on_lr, on_sr = (seen(truth, found, matching) for found in (hr, lr, sr))
    there = [instance for instance in hr.instances or () if instance.score >= matching.score]
    suspects = [(sr.instances or ())[at] for at in on_sr.unfounded]
    lost = on_hr.objects - on_lr.objects
    return Changes(
        seen_on_hr=len(on_hr.objects),
        omitted=len(on_hr.objects - on_sr.objects),
        sure_on_sr=len(on_sr.sure),
        hallucinated=sum(not _known(suspect, there, matching) for suspect in suspects),
        lost_on_lr=len(lost),
        improved=len(lost & on_sr.objects),
    )


def share_values(above: NDArray[Any], below: NDArray[Any], weights: Weights) -> NDArray[np.float64]:
    """A share in percent in every draw of pictures.

    Args:
        above, below: (N,) counts of each picture, such as `omitted` and `seen_on_hr`.
        weights: (R, N).

    Returns:
        (R,) 100 times the sum of `above` over that of `below`; NaN where the latter is 0.
    """
    return 100 * ratio((weights @ above).astype(np.float64), (weights @ below).astype(np.float64))


def _known(instance: Instance, there: list[Instance], matching: ObjectMatching) -> bool:
    """Whether an instance overlaps one of its class among others enough; several may overlap the same."""
    same = [other for other in there if other.category == instance.category]
    return bool(same) and bool((overlap(same, [instance], matching.by) >= matching.iou).any())
