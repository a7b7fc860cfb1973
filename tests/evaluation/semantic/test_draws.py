"""Bootstrap draws: what they must sum to, and that they vary as sampling theory says."""

from __future__ import annotations

import numpy as np
import pytest

from semsr.evaluation.semantic.draws import draws


def test_the_first_is_the_data_set_and_every_draw_has_as_many_pictures():
    weights = draws(7, 200)
    assert weights.shape == (201, 7) and weights.dtype == np.int64
    assert (weights[0] == 1).all() and (weights.sum(axis=1) == 7).all() and (weights >= 0).all()


def test_a_seed_is_a_draw():
    assert (draws(50, 20, seed=3) == draws(50, 20, seed=3)).all()
    assert (draws(50, 20, seed=3) != draws(50, 20, seed=4)).any()


def test_means_vary_as_the_standard_error_says():
    values = np.random.default_rng(0).normal(size=400)
    means = draws(400, 4000)[1:] @ values / 400
    assert means.std() == pytest.approx(values.std() / np.sqrt(400), rel=0.05)
    assert means.mean() == pytest.approx(values.mean(), abs=4 * values.std() / np.sqrt(400 * 4000))


def test_one_picture_and_no_draws():
    assert draws(1, 2).tolist() == [[1], [1], [1]]
    assert draws(3, 0).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize(("pictures", "resamples"), [(0, 10), (5, -1)])
def test_nothing_can_not_be_drawn_from(pictures, resamples):
    with pytest.raises(ValueError, match="at least 1 and 0"):
        draws(pictures, resamples)
