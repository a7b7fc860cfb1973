"""PQ against a plain implementation pixel by pixel, the published case of disagreement, and hand calculations."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from semsr.errors import SemanticError
from semsr.segmentation.found import Category, Segment

FIGURES = [quality + kind for quality in ("pq", "sq", "rq") for kind in ("", "-things", "-stuff")]


def plain(pairs, categories, weights):
    """(iou, tp, fp, fn) by category, by the definition: masks compared two by two, pixel by pixel."""
    tallies = {category.id: [0.0, 0, 0, 0] for category in categories}
    for (truth, found), times in zip(pairs, weights, strict=True):
        void = ~np.isin(truth.panoptic, [one.id for one in truth.segments])
        true = [(one, truth.panoptic == one.id) for one in truth.segments]
        other = [(one, found.panoptic == one.id) for one in found.segments]
        partner_of_true, partner_of_other = set(), set()
        for (one, a), (two, b) in itertools.product(true, other):
            if one.crowd or one.category != two.category:
                continue
            iou = (a & b).sum() / ((a | b) & ~(void & b)).sum()
            if iou > 0.5:
                assert one.id not in partner_of_true and two.id not in partner_of_other
                partner_of_true.add(one.id)
                partner_of_other.add(two.id)
                tallies[one.category][0] += times * iou
                tallies[one.category][1] += times
        for one, _ in true:
            tallies[one.category][3] += times * (not one.crowd and one.id not in partner_of_true)
        for two, b in other:
            nobodys = void.copy()
            for one, a in reversed(true):
                if one.crowd and one.category == two.category:
                    nobodys |= a
                    break
            forgiven = 2 * (nobodys & b).sum() > b.sum()
            tallies[two.category][2] += times * (two.id not in partner_of_other and not forgiven)
    return tallies


def plain_values(tallies, categories, figure):
    """(class by class, mean)"""
    quality, _, kind = figure.partition("-")
    values = []
    for category in categories:
        iou, tp, fp, fn = tallies[category.id]
        if tp + fp + fn == 0 or (kind and category.thing != (kind == "things")):
            values.append(np.nan)
            continue
        rq = tp / (tp + fp / 2 + fn / 2)
        sq = iou / tp if tp else 0.0
        values.append(100 * {"pq": sq * rq, "sq": sq, "rq": rq}[quality])
    return values, np.nanmean(values)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("data", ["generated", "sample"])
def test_equals_the_definition(data, figure, make, request):
    data = request.getfixturevalue(data)
    tallies = plain(data.pairs, data.categories, [1] * len(data.pairs))
    each, mean = plain_values(tallies, data.categories, figure)
    metric = make("pq", data.categories)
    np.testing.assert_allclose(data.values(metric, each=True, figure=figure)[0], each, rtol=0, atol=1e-12 * 100)
    assert data.values(metric, figure=figure)[0] == pytest.approx(mean, abs=1e-12 * 100)


def test_every_picture_alone_equals_the_definition(generated, make):
    """240 cases; among them there are all the hard ones."""
    metric, seen = (
        make("pq", generated.categories),
        dict.fromkeys(("void", "crowd", "no truth", "nothing found", "large id", "one pixel"), 0),
    )
    for truth, found in generated.pairs:
        tallies = plain([(truth, found)], generated.categories, [1])
        rows = metric.contribution(truth, found)
        expected = {category: tally for category, tally in tallies.items() if any(tally)}
        assert list(rows["category"]) == sorted(expected)
        for at, category in enumerate(rows["category"]):
            assert [rows[name][at] for name in ("iou", "tp", "fp", "fn")] == pytest.approx(expected[category], abs=1e-12)
        seen["void"] += bool((truth.panoptic == 0).any() and (found.panoptic == 0).any())
        seen["crowd"] += any(one.crowd for one in truth.segments)
        seen["no truth"] += not truth.segments
        seen["nothing found"] += not found.segments
        seen["large id"] += any(one.id > 1 << 16 for one in (*truth.segments, *found.segments))
        seen["one pixel"] += any(one.area == 1 for one in truth.segments)
    assert min(seen.values()) >= 10, seen


def test_a_draw_equals_the_definition_on_repeated_pictures(generated, make):
    weights = np.random.default_rng(0).integers(0, 4, (5, len(generated.pairs)))
    values = generated.values(make("pq", generated.categories), weights, figure="pq")
    for value, row in zip(values, weights, strict=True):
        tallies = plain(generated.pairs, generated.categories, row)
        assert value == pytest.approx(plain_values(tallies, generated.categories, "pq")[1], abs=1e-10)


TWO = (Category(1, "dog", True), Category(2, "grass", False))


def test_predicted_void_is_in_the_union(make, truth_of, perfect_of, judged):
    """A dog of 10 x 10 pixels, 6 rows of it found and the rest left empty: IoU 60/100. torchmetrics takes the empty pixels off the
    union, where the IoU would be 60/60. A meadow found on 4 of its 10 rows is missed: 40/100 is no match; torchmetrics, which forgives what
    is mostly left empty, would not count it at all (and its match would be 40/40).
    """
    panoptic = np.zeros((10, 20), np.int32)
    panoptic[:, :10], panoptic[:, 10:] = 70000, 3
    truth = truth_of("a", panoptic, [(70000, 1, False), (3, 2, False)], {1})
    found = perfect_of(truth, TWO)
    found.panoptic[6:, :10] = 0
    found.panoptic[4:, 10:] = 0
    each = judged(TWO, [(truth, found)]).values(make("pq", TWO), each=True, figure="pq")[0]
    panopticapi, torchmetrics = [60.0, 0.0], [100.0, 100.0]
    assert list(each) == pytest.approx(panopticapi)
    assert list(each) != pytest.approx(torchmetrics)


def test_true_void_is_not_in_the_union(make, truth_of, perfect_of, judged):
    """The dog's 100 pixels are found, and 50 more where nothing is annotated: IoU 1. Twenty on the grass do count: 100/120 and 80/100."""
    panoptic = np.zeros((10, 30), np.int32)
    panoptic[:, :10], panoptic[:, 10:20] = 7, 8
    truth = truth_of("a", panoptic, [(7, 1, False), (8, 2, False)], {1})
    found = perfect_of(truth, TWO)
    found.panoptic[:5, 20:] = 7
    metric = make("pq", TWO)
    assert list(judged(TWO, [(truth, found)]).values(metric, each=True, figure="pq")[0]) == [100, 100]
    found.panoptic[:, 10:12] = 7
    assert list(judged(TWO, [(truth, found)]).values(metric, each=True, figure="sq")[0]) == pytest.approx([100 / 1.2, 80])


def test_of_two_crowds_the_last_forgives(make, truth_of, perfect_of, judged):
    """Found dogs on the first and on the second crowd: panopticapi keeps one crowd a category, so that the first is wrong."""
    panoptic = np.zeros((10, 20), np.int32)
    panoptic[:, :10], panoptic[:, 10:] = 1, 2
    truth = truth_of("a", panoptic, [(1, 1, True), (2, 1, True)], {1})
    rows = make("pq", TWO).contribution(truth, perfect_of(truth, TWO))
    assert [rows[name].tolist() for name in ("tp", "fp", "fn")] == [[0], [1], [0]]


def test_half_on_void_is_wrong_and_more_is_forgiven(make, truth_of, perfect_of):
    panoptic = np.zeros((10, 20), np.int32)
    panoptic[:, :10] = 1
    truth = truth_of("a", panoptic, [(1, 2, False)], {1})
    found = perfect_of(truth, TWO)
    for first, wrong in ((9, 1), (10, 0)):  # one column of each, or void only
        found.panoptic[:] = 0
        found.panoptic[:, first:11] = 5
        rows = make("pq", TWO).contribution(truth, replace(found, segments=(Segment(5, 1),)))
        assert rows["fp"].sum() == wrong


@pytest.fixture
def scene(truth_of):
    """Two dogs of 100 pixels each on 200 of grass; nothing is left unannotated."""
    panoptic = np.full((20, 20), 3, np.int32)
    panoptic[:10, :10], panoptic[:10, 10:] = 1, 2
    return truth_of("scene", panoptic, [(1, 1, False), (2, 1, False), (3, 2, False)], {1})


def _found(scene, perfect_of, change):
    found = perfect_of(scene, TWO)
    if change == "shifted":  # two columns of the second dog go to the first: 100/120 and 80/100
        found.panoptic[:10, 10:12] = 1
    elif change == "dropped":
        found.panoptic[:10, 10:] = 0
        return replace(found, segments=tuple(one for one in found.segments if one.id != 2))
    elif change == "merged":  # one segment for both dogs: IoU 100/200 with each, which is not above a half
        found.panoptic[:10] = 1
        return replace(found, segments=tuple(one for one in found.segments if one.id != 2))
    elif change == "relabelled":  # the second dog is called grass
        return replace(found, segments=(Segment(1, 1), Segment(2, 2), Segment(3, 2)))
    return found


@pytest.mark.parametrize(
    ("change", "dog", "grass"),
    [
        # (iou, tp, fp, fn)
        ("nothing", (2, 2, 0, 0), (1, 1, 0, 0)),
        ("shifted", (1 / 1.2 + 0.8, 2, 0, 0), (1, 1, 0, 0)),
        ("dropped", (1, 1, 0, 1), (1, 1, 0, 0)),
        ("merged", (0, 0, 1, 2), (1, 1, 0, 0)),
        ("relabelled", (1, 1, 0, 1), (1, 1, 1, 0)),
    ],
)
def test_what_a_mistake_costs(change, dog, grass, scene, make, perfect_of, judged):
    data, metric = judged(TWO, [(scene, _found(scene, perfect_of, change))]), make("pq", TWO)
    expected = [100 * iou / (tp + fp / 2 + fn / 2) for iou, tp, fp, fn in (dog, grass)]
    assert list(data.values(metric, each=True, figure="pq")[0]) == pytest.approx(expected)
    assert data.values(metric, figure="pq") == pytest.approx(np.mean(expected))
    assert data.values(metric, figure="pq-things") == pytest.approx(expected[0])
    assert data.values(metric, figure="pq-stuff") == pytest.approx(expected[1])


@pytest.mark.parametrize("figure", FIGURES)
def test_perfect_predictions_give_100(generated, sample, make, perfect_of, judged, figure):
    for data in (generated, sample):
        truths = [truth for truth, _ in data.pairs]
        # A crowd is nothing to be found: without it in the prediction, or with it, nothing is lost, but of two of one category.
        pairs = [
            (truth, perfect_of(truth, data.categories)) for truth in truths if sum(one.crowd for one in truth.segments) < 2
        ]
        assert judged(data.categories, pairs).values(make("pq", data.categories), figure=figure) == pytest.approx(100)


def test_a_draw_without_segments_has_no_value(generated, make):
    empty = [not truth.segments and not found.segments for truth, found in generated.pairs]
    weights = np.array([empty, np.ones(len(empty))], np.int64)
    values = generated.values(make("pq", generated.categories), weights, figure="pq")
    assert np.isnan(values[0]) and np.isfinite(values[1])


SMALLER = "scene: the panoptic map is 19 x 20 (rows x columns), the annotations are 20 x 20"
UNKNOWN = "scene: found category 77, which the annotations do not know; allowed: 2 ids from 1 to 2"


@pytest.mark.parametrize(
    ("break_it", "line"),
    [
        (lambda f: replace(f, panoptic=f.panoptic[:-1], size=(19, 20)), SMALLER),
        (lambda f: replace(f, segments=(*f.segments[:2], Segment(3, 77))), UNKNOWN),
        (lambda f: replace(f, segments=f.segments[:2]), "scene: the panoptic map has the id 3, of which"),
        (lambda f: replace(f, segments=(*f.segments, Segment(9, 1))), "scene: segment 9 has no pixel"),
        (lambda f: replace(f, segments=(*f.segments, Segment(1, 2))), "scene: two segments have the id 1"),
        (lambda f: replace(f, segments=(*f.segments, Segment(0, 2))), "scene: a segment has the id 0"),
        (lambda f: replace(f, panoptic=None), "scene: the segmenter gave no panoptic map"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(break_it, line, scene, make, perfect_of):
    with pytest.raises(SemanticError) as caught:
        make("pq", TWO).contribution(scene, break_it(perfect_of(scene, TWO)))
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
