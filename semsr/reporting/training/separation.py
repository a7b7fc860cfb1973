"""How far features of pictures fall into classes: two numbers in feature space, and t-SNE for the eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEED = 0
NEIGHBOURS = 5
LEAST = 10
"""Fewer pictures are not laid out by t-SNE."""

Features = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Separation:
    """Numbers of one set of features, all in feature space, never in t-SNE's plane.

    Attributes:
        silhouette: mean silhouette by the classes, -1 to 1; 0: classes overlap.
        purity: mean share of a picture's nearest others that are of its class, 0 to 1.
        angular: the same by the angle between features as they are, without scaling: where many channels are noise, scaling hides the rest.
        chance: the purity to be expected of features that know nothing of the classes.
    """

    silhouette: float
    purity: float
    angular: float
    chance: float


def separation(features: Features, labels: Labels) -> Separation:
    """The numbers of features: silhouette and purity of standardised ones, and the purity by angle.

    Args:
        features: (N, C).
        labels: (N,).
    """
    from sklearn.metrics import silhouette_score

    standard = standardised(features)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    directions = features / np.where(lengths > 0, lengths, 1)
    silhouette = float(silhouette_score(standard, labels))
    return Separation(silhouette, purity(standard, labels), purity(directions, labels), chance(labels))


def standardised(features: Features) -> Features:
    """Every feature with mean 0 and deviation 1 over the pictures, so that no channel counts more for its scale; constant ones become 0."""
    deviation = features.std(axis=0)
    # What rounding leaves of a constant is no feature.
    varies = deviation > 1e-12 * np.maximum(1.0, np.abs(features).max(axis=0))
    standard: Features = (features - features.mean(axis=0)) / np.where(varies, deviation, np.inf)
    return standard


def purity(features: Features, labels: Labels, neighbours: int = NEIGHBOURS) -> float:
    """The mean share of each row's `neighbours` nearest other rows (Euclidean) with its own label; ties go to the earlier row."""
    squares = (features**2).sum(axis=1)
    distances = squares[:, None] + squares[None] - 2 * features @ features.T
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argsort(axis=1, kind="stable")[:, : min(neighbours, len(labels) - 1)]
    return float((labels[nearest] == labels[:, None]).mean())


def chance(labels: Labels) -> float:
    """The mean share of a row's others that have its label."""
    counts = np.bincount(labels)
    return float((counts * (counts - 1)).sum() / (len(labels) * (len(labels) - 1)))


def tsne(features: Features, seed: int = SEED) -> Features | None:
    """Lay rows out in a plane: scikit-learn's t-SNE of standardised features from their first two principal components.

    Perplexity is 30, or a third of the pictures where there are few. The same rows always give the same plane.

    Returns:
        (N, 2); None for fewer than 10 rows, or where all rows are alike.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    standard = standardised(features)
    if len(standard) < LEAST or not standard.any():
        return None
    # Distances hardly change, time does: features may have hundreds of channels.
    most = min(50, *standard.shape)
    reduced = PCA(most, svd_solver="full").fit_transform(standard)
    first = np.zeros((len(reduced), 2))
    first[:, : min(2, most)] = reduced[:, :2]
    first *= 1e-4 / max(1e-12, float(first[:, 0].std()))
    perplexity = min(30.0, (len(standard) - 1) / 3)
    layout = TSNE(2, perplexity=perplexity, init=first, random_state=seed, method="exact", n_jobs=1).fit_transform(reduced)
    return np.asarray(layout, dtype=np.float64)
