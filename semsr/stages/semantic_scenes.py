"""What a page shows of one scene: annotations, and what a judge found, as boxes and areas that say what became of every object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from semsr.cards.protocol import ObjectMatching
from semsr.evaluation.semantic.matching import overlap
from semsr.evaluation.semantic.objects import seen
from semsr.evaluation.semantic.truth import Truth
from semsr.reporting.semantic.marks import Kind, Mark
from semsr.reporting.semantic.tints import Area
from semsr.segmentation import rle
from semsr.segmentation.found import Category, Found, Instance


@dataclass(frozen=True)
class Looks:
    """How the classes of a data set are written and drawn: by category id."""

    categories: Mapping[int, Category]
    colours: Mapping[int, str]

    def area(self, category: int, mask: rle.Mask, *, labelled: bool, outlined: bool) -> Area:
        """Pixels of a class."""
        return Area(self.categories[category].name, self.colours[category], mask, outlined, labelled)

    def mark(self, kind: Kind, category: int, box: tuple[float, float, float, float], score: float | None = None) -> Mark:
        """A box of a class."""
        return Mark(kind, self.categories[category].name, self.colours[category], box, score)


@dataclass(frozen=True)
class Sight:
    """What one judge found of one scene: in HR, in zoomed LR, and in the picture at hand; `lr` is None where there is none."""

    hr: Found
    lr: Found | None
    here: Found


def truth_marks(truth: Truth, looks: Looks) -> tuple[Mark, ...]:
    """The annotated objects."""
    return tuple(looks.mark("crowd" if one.crowd else "object", one.category, one.box) for one in truth.objects)


def truth_areas(truth: Truth, looks: Looks) -> tuple[Area, ...]:
    """The annotated segments; names stand on stuff, since objects bear theirs on the box."""
    return tuple(
        looks.area(segment.category, truth.panoptic == segment.id, labelled=not thing, outlined=thing)
        for segment in truth.segments
        for thing in (looks.categories[segment.category].thing,)
    )


def found_areas(found: Found, looks: Looks, least: float) -> tuple[Area, ...]:
    """What a judge says of pixels: its panoptic map, else its map of classes, else masks of objects of at least a score, best on top."""
    if found.panoptic is not None:
        boxless = found.instances is None
        return tuple(
            looks.area(segment.category, found.panoptic == segment.id, labelled=boxless or not thing, outlined=thing)
            for segment in found.segments
            for thing in (looks.categories[segment.category].thing,)
        )
    if found.classes is not None:
        ids = sorted(looks.categories)
        return tuple(
            looks.area(category, mask, labelled=True, outlined=False)
            for place, category in enumerate(ids)
            if (mask := found.classes == place).any()
        )
    sure = [one for one in found.instances or () if one.score >= least and one.mask is not None]
    return tuple(
        looks.area(one.category, rle.decoded(one.mask), labelled=False, outlined=True)
        for one in reversed(sure)
        if one.mask is not None
    )


def found_marks(truth: Truth, sight: Sight, matching: ObjectMatching, looks: Looks) -> tuple[tuple[Mark, ...], int]:
    """What became of every object, as `semsr.evaluation.semantic.objects` counts it.

    Returns:
        Marks: objects that are lost (on HR itself: that are not seen), then what the judge is sure of. And how many instances that it is
        sure of count neither for nor against: a second one on an object, or one on a crowd.

    Raises:
        SemanticError: what was found does not fit the annotations.
    """
    here, on_hr = seen(truth, sight.here, matching), seen(truth, sight.hr, matching)
    itself = sight.here is sight.hr
    objects = frozenset(at for at, one in enumerate(truth.objects) if not one.crowd) if itself else on_hr.objects
    lost_on_lr = on_hr.objects - seen(truth, sight.lr, matching).objects if sight.lr is not None and not itself else frozenset()
    instances = sight.here.instances or ()
    there = [one for one in sight.hr.instances or () if one.score >= matching.score]
    marks = [looks.mark("lost", truth.objects[at].category, truth.objects[at].box) for at in sorted(objects - here.objects)]
    taken = _taken(truth, sight.here, matching)
    silent = 0
    for at, one in enumerate(instances):
        kind: Kind
        if at in here.unfounded:
            kind = "doubted" if _known(one, there, matching) else "invented"
        elif at in taken:
            kind = "back" if taken[at] in lost_on_lr else "right"
        else:
            silent += one.score >= matching.score
            continue
        marks.append(looks.mark(kind, one.category, one.box, one.score))
    return tuple(marks), silent


def plain_marks(found: Found, looks: Looks, least: float) -> tuple[Mark, ...]:
    """Objects of at least a score, where nothing is said of whether they are right."""
    return tuple(looks.mark("found", one.category, one.box, one.score) for one in found.instances or () if one.score >= least)


def _taken(truth: Truth, found: Found, matching: ObjectMatching) -> dict[int, int]:
    """Which instance takes which object, by their positions.

    The best instance takes first, so what more is seen with each further one is what that one takes.
    """
    instances = found.instances or ()
    all_seen = seen(truth, found, matching)
    order = sorted(all_seen.sure - all_seen.unfounded, key=lambda at: (-instances[at].score, at))
    known: frozenset[int] = frozenset()
    taken = {}
    for count, at in enumerate(order, 1):
        now = seen(truth, replace(found, instances=tuple(instances[one] for one in order[:count])), matching).objects
        for gained in now - known:
            taken[at] = gained
        known = now
    return taken


def _known(one: Instance, there: Sequence[Instance], matching: ObjectMatching) -> bool:
    """Whether the judge is sure of the same on HR."""
    same = [other for other in there if other.category == one.category]
    return bool(same) and bool((overlap(same, [one], matching.by) >= matching.iou).any())
