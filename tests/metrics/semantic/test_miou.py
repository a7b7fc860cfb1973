"""mIoU against counting pixel by pixel, both denominators, and hand calculations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from semsr.errors import SemanticError
from semsr.segmentation.found import Category

DENOMINATORS = ["truth", "union"]


def brute_force(pairs, categories, weights, denominator):
    """A count of pixels, one by one, by true and found class; void and "no class" have a row and a column of their own."""
    size = len(categories)
    places = {category.id: at for at, category in enumerate(categories)}
    count = np.zeros((size + 1, size + 1))
    for (truth, found), times in zip(pairs, weights, strict=True):
        classes = {0: size} | {one.id: places[one.category] for one in truth.segments}
        for true, other in zip(truth.panoptic.ravel().tolist(), found.classes.ravel().tolist(), strict=True):
            count[classes[true], other] += times  # -1 is the last column
    values = []
    for at in range(size):
        true, other = count[at].sum(), count[:size, at].sum()
        if true:
            values.append(100 * count[at, at] / (true + other - count[at, at]))
        elif other and denominator == "union":
            values.append(0.0)
        else:
            values.append(np.nan)
    return values, np.nanmean(values)


@pytest.mark.parametrize("denominator", DENOMINATORS)
@pytest.mark.parametrize("data", ["generated", "sample"])
def test_equals_a_count_pixel_by_pixel(data, denominator, make, request):
    data = request.getfixturevalue(data)
    each, mean = brute_force(data.pairs, data.categories, [1] * len(data.pairs), denominator)
    metric = make("miou", data.categories)
    np.testing.assert_allclose(data.values(metric, each=True, denominator=denominator)[0], each, rtol=0, atol=1e-11)
    assert data.values(metric, denominator=denominator)[0] == pytest.approx(mean, abs=1e-11)


@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_a_draw_equals_a_count_of_repeated_pictures(denominator, without_ties, make):
    weights = np.random.default_rng(0).integers(0, 3, (4, len(without_ties.pairs)))
    weights[3] = 0
    weights[3, :2] = 1  # few enough that classes are found which are not there
    values = without_ties.values(make("miou", without_ties.categories), weights, denominator=denominator)
    expected = [brute_force(without_ties.pairs, without_ties.categories, row, denominator)[1] for row in weights]
    assert list(values) == pytest.approx(expected, abs=1e-11)


THREE = (Category(1, "dog", True), Category(2, "grass", False), Category(3, "sky", False))


@pytest.fixture
def scene(truth_of):
    """Two dogs, one of them a crowd, and grass, 100 pixels each, and 100 that are not annotated."""
    panoptic = np.zeros((10, 40), np.int32)
    panoptic[:, :10], panoptic[:, 10:20], panoptic[:, 20:30] = 1 << 20, 2, 3
    return truth_of("scene", panoptic, [(1 << 20, 1, False), (2, 1, True), (3, 2, False)], {1})


@pytest.mark.parametrize(
    ("columns", "found", "dog", "grass", "sky"),
    [
        (slice(0, 0), 0, 1, 1, np.nan),
        (slice(18, 20), 1, 180 / 200, 100 / 120, np.nan),  # shifted
        (slice(10, 20), -1, 100 / 200, 1, np.nan),  # dropped: the crowd's pixels are missed ones
        (slice(20, 30), 0, 200 / 300, 0, np.nan),  # merged into the dogs
        (slice(20, 30), 2, 1, 0, 0),  # relabelled as what is nowhere
        (slice(30, 40), 2, 1, 1, np.nan),  # found where nothing is annotated: that is no mistake
        (slice(25, 40), -1, 1, 50 / 100, np.nan),
    ],
)
def test_what_a_mistake_costs(columns, found, dog, grass, sky, scene, make, perfect_of, judged):
    said = perfect_of(scene, THREE)
    said.classes[:, columns] = found
    data, metric = judged(THREE, [(scene, said)]), make("miou", THREE)
    assert list(data.values(metric, each=True, denominator="union")[0]) == pytest.approx(
        [100 * dog, 100 * grass, 100 * sky], nan_ok=True
    )
    assert data.values(metric, denominator="truth") == pytest.approx(100 * (dog + grass) / 2)
    assert data.values(metric, denominator="union") == pytest.approx(100 * np.nanmean([dog, grass, sky]))


@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_perfect_predictions_give_100(denominator, generated, sample, make, perfect_of, judged):
    for data in (generated, sample):
        pairs = [(truth, perfect_of(truth, data.categories)) for truth, _ in data.pairs]
        assert judged(data.categories, pairs).values(make("miou", data.categories), denominator=denominator) == pytest.approx(
            100
        )


def test_a_draw_without_annotated_pixels_has_no_value(generated, make):
    empty = np.array([not truth.segments for truth, _ in generated.pairs], np.int64)
    assert empty.any()
    for denominator in DENOMINATORS:
        values = generated.values(make("miou", generated.categories), [empty, 1 - empty], denominator=denominator)
        assert np.isnan(values[0]) and np.isfinite(values[1])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"classes": np.full((10, 40), 3, np.int16)}, "scene: found class 3 in the map of classes; allowed: 0 to 2"),
        ({"classes": np.full((10, 40), -2, np.int16)}, "scene: found class -2 in the map of classes; allowed: 0 to 2"),
        (
            {"classes": np.zeros((40, 10), np.int16)},
            "scene: the map of classes is 40 x 10 (rows x columns), the annotations are 10 x 40",
        ),
        ({"classes": None}, "scene: the segmenter gave no class of every pixel"),
    ],
)
def test_what_does_not_fit_is_one_line(change, line, scene, make, perfect_of):
    with pytest.raises(SemanticError) as caught:
        make("miou", THREE).contribution(scene, replace(perfect_of(scene, THREE), **change))
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)
