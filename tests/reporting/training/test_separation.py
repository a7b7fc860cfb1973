"""Silhouette, purity and t-SNE against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

from semsr.reporting.training.separation import chance, purity, separation, standardised, tsne


@pytest.fixture
def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Four overlapping clouds of 15 in 20 dimensions, on different scales, one feature constant."""
    random = np.random.default_rng(3)
    labels = np.repeat(np.arange(4), 15)
    features = random.normal(size=(60, 20)) + random.normal(size=(4, 20))[labels]
    features *= np.geomspace(1e-3, 1e3, 20)
    features[:, 7] = 0.1
    return features, labels


def test_standardised(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    standard = standardised(clouds[0])
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.delete(standard.std(axis=0), 7), 1)
    assert not standard[:, 7].any()


def test_against_scikit_learn(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = clouds
    found = separation(features, labels)
    standard = standardised(features)
    assert found.silhouette == silhouette_score(standard, labels)
    _, nearest = NearestNeighbors(n_neighbors=6).fit(standard).kneighbors(standard)
    assert found.purity == pytest.approx((labels[nearest[:, 1:]] == labels[:, None]).mean())
    _, nearest = NearestNeighbors(n_neighbors=6, metric="cosine").fit(features).kneighbors(features)
    assert found.angular == pytest.approx((labels[nearest[:, 1:]] == labels[:, None]).mean())
    assert found.chance == pytest.approx(14 / 59)
    assert 0.3 < found.purity < 1


def test_purity_by_hand() -> None:
    line = np.array([[0.0], [1.0], [2.1], [10.0], [11.0], [5.0]])
    labels = np.array([0, 0, 1, 1, 1, 0])
    # Nearest one: 1, 0, 1, 4, 3, 2 (5 is 2.9 from 2.1).
    assert purity(line, labels, 1) == pytest.approx(4 / 6)
    # More neighbours than there are others: all others.
    assert purity(line, labels, 50) == pytest.approx(chance(labels)) == pytest.approx(0.4)


def test_no_class_is_no_separation() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 40)
    found = separation(random.normal(size=(200, 16)), labels)
    assert abs(found.silhouette) < 0.05
    assert found.purity == pytest.approx(found.chance, abs=0.05)


def test_tsne_is_the_same_each_time(clouds: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = clouds
    first, second = tsne(features), tsne(features)
    assert first is not None
    np.testing.assert_array_equal(first, second)
    assert first.shape == (60, 2)
    far = features + 30 * np.geomspace(1e-3, 1e3, 20) * labels[:, None]
    layout = tsne(far)
    assert layout is not None and silhouette_score(layout, labels) > 0.5


def test_too_few_or_all_alike() -> None:
    assert tsne(np.random.default_rng(0).normal(size=(9, 4))) is None
    assert tsne(np.ones((20, 4))) is None
    assert tsne(np.random.default_rng(0).normal(size=(20, 1))) is not None  # one feature alone
