"""Other ways to cluster the same vectors, each over a grid of its one parameter.

All work on vectors of unit length, where Euclidean distance orders pairs as cosine does. A label below 0 is a
photo left aside. scikit-learn, hdbscan and river (extra ``evaluation``) are imported when they are needed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from sploot_media_clustering.evaluation.stream_rivals import dbstream, denstream, hdbscan_arrivals
from sploot_media_clustering.training.extras import require_extra

Vectors = Float64[np.ndarray, "n d"]
Labels = Int64[np.ndarray, " n"]
Clustering: TypeAlias = Callable[[Any, tuple[float, ...]], list[Any]]
"""Vectors and a grid to labels, one array for each parameter."""

_DISTANCES: Final = tuple(np.round(np.linspace(0.35, 1.3, 14), 3).tolist())
"""Between unit vectors: from near-duplicates to right angles and beyond."""

_RADII: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7)
"""Of DenStream's micro-clusters, which are tighter than what they join to."""

_NEEDED: Final = ("hdbscan", "river", "sklearn")
"""Modules of the extra ``evaluation``."""

_CORE: Final = 3
"""Photos in range, itself among them, that found a cluster: the usual setting of photo managers."""

_LEAST_SIZES: Final = (2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5)
_MOST_CLUSTERS: Final = 8
_PASSES: Final = 20
_LEAST_SPREAD: Final = 1e-9
_MIXTURE_AXES: Final = 8


@dataclass(frozen=True, slots=True)
class Rival:
    """One way to cluster.

    Attributes:
        name: as tables show it.
        grid: values of its parameter that are tried.
        cluster: vectors and grid to labels.
    """

    name: str
    grid: tuple[float, ...]
    cluster: Clustering


def available() -> tuple[Rival, ...]:
    """All rivals that can run here.

    Raises:
        MissingExtraError: a module of the extra ``evaluation`` is not installed, and most could not run.
    """
    require_extra("evaluation", _NEEDED)
    return RIVALS


def unit(vectors: Vectors) -> Vectors:
    """Scaled to length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _LEAST_SPREAD)


def _linked(method: str) -> Clustering:
    """Bottom-up merging: one tree serves the whole grid of cuts."""

    def cluster(vectors: Vectors, grid: tuple[float, ...]) -> list[Labels]:
        if len(vectors) == 1:
            return [np.zeros(1, np.int64) for _ in grid]
        tree = linkage(vectors, method)
        return [fcluster(tree, cut, "distance").astype(np.int64) - 1 for cut in grid]

    return cluster


def _each(one: Callable[[Vectors, float], Labels]) -> Clustering:
    """A rival that starts anew for each parameter."""
    return lambda vectors, grid: [one(vectors, value) for value in grid]


def _dbscan(least: int) -> Clustering:
    def cluster(vectors: Vectors, reach: float) -> Labels:
        from sklearn.cluster import DBSCAN  # noqa: PLC0415 - of an extra

        return np.asarray(DBSCAN(eps=reach, min_samples=least).fit_predict(vectors), np.int64)

    return _each(cluster)


def _hdbscan(vectors: Vectors, least: float) -> Labels:
    """Clusters of as many photos or more; a half more says that the whole album is no cluster.

    A least distance of its own, ``cluster_selection_epsilon``, fails in scikit-learn 1.9 on some albums.
    """
    from sklearn.cluster import HDBSCAN  # noqa: PLC0415 - of an extra

    size = min(int(least), len(vectors))
    if size < 2:  # noqa: PLR2004 - one photo is no cluster
        return np.full(len(vectors), -1)
    model = HDBSCAN(min_cluster_size=size, min_samples=1, allow_single_cluster=least == int(least), copy=True)
    return np.asarray(model.fit_predict(vectors), np.int64)


def _k_means(vectors: Vectors, grid: tuple[float, ...]) -> list[Labels]:
    """As many clusters as have the best silhouette, one where the best is below the parameter."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - of an extra
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 - of an extra

    best, labels = -1.0, np.zeros(len(vectors), np.int64)
    for count in range(2, min(_MOST_CLUSTERS, len(vectors) - 1) + 1):
        found = KMeans(count, n_init=2, random_state=0).fit_predict(vectors)
        if len(np.unique(found)) > 1:
            silhouette = float(silhouette_score(vectors, found))
            if silhouette > best:
                best, labels = silhouette, np.asarray(found, np.int64)
    return [labels if best > least else np.zeros(len(vectors), np.int64) for least in grid]


def _nearest_centroid(vectors: Vectors, reach: float) -> Labels:
    """Photo by photo to the nearest centroid in reach, else a new one."""
    sums: list[Float64[np.ndarray, " d"]] = []
    labels = np.empty(len(vectors), np.int64)
    for row, vector in enumerate(vectors):
        distances = [float(np.linalg.norm(vector - s / np.linalg.norm(s))) for s in sums]
        nearest = int(np.argmin(distances)) if distances else -1
        if nearest < 0 or distances[nearest] > reach:
            nearest = len(sums)
            sums.append(np.zeros_like(vector))
        sums[nearest] = sums[nearest] + vector
        labels[row] = nearest
    return labels


def _dp_means(vectors: Vectors, reach: float) -> Labels:
    """DP-means (Kulis and Jordan 2012, "Revisiting k-means"), from one cluster, until nothing moves."""
    centres = vectors.mean(0, keepdims=True)
    labels = np.full(len(vectors), -1)
    for _ in range(_PASSES):
        before = labels.copy()
        for row, vector in enumerate(vectors):
            squared = ((centres - vector) ** 2).sum(1)
            if squared.min() > reach**2:
                centres = np.vstack([centres, vector])
                labels[row] = len(centres) - 1
            else:
                labels[row] = int(squared.argmin())
        names, labels = np.unique(labels, return_inverse=True)
        centres = np.stack([vectors[labels == k].mean(0) for k in range(len(names))])
        if np.array_equal(before, labels):
            break
    return labels.astype(np.int64)


def _chinese_whispers(vectors: Vectors, reach: float) -> Labels:
    """Chinese whispers (Biemann 2006) on the graph of photos in reach, weighed by nearness."""
    distance = squareform(pdist(vectors))
    weights = np.where(distance < reach, reach - distance, 0.0)
    np.fill_diagonal(weights, 0.0)
    labels = np.arange(len(vectors))
    rng = np.random.default_rng(0)
    for _ in range(_PASSES):
        before = labels.copy()
        for row in rng.permutation(len(vectors)):
            votes = np.bincount(labels, weights[row], len(vectors))
            if votes.max() > 0:
                labels[row] = int(votes.argmax())
        if np.array_equal(before, labels):
            break
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _birch(vectors: Vectors, reach: float) -> Labels:
    from sklearn.cluster import Birch  # noqa: PLC0415 - of an extra

    return np.asarray(Birch(threshold=reach / 2, n_clusters=None).fit_predict(vectors), np.int64)


def _bayesian_mixture(vectors: Vectors, concentration: float) -> Labels:
    """scikit-learn's Dirichlet-process mixture, on the album's own leading axes: it has no learned metric."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - of an extra
    from sklearn.mixture import BayesianGaussianMixture  # noqa: PLC0415 - of an extra

    if len(vectors) < _CORE:
        return np.zeros(len(vectors), np.int64)
    centred = vectors - vectors.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    reduced = centred @ axes[:_MIXTURE_AXES].T
    model = BayesianGaussianMixture(
        n_components=min(_MOST_CLUSTERS, len(vectors)),
        covariance_type="spherical",
        weight_concentration_prior=concentration,
        max_iter=100,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(model.fit_predict(reduced), np.int64)


RIVALS: Final = (
    Rival("DBSCAN", _DISTANCES, _dbscan(2)),
    Rival("three in range", _DISTANCES, _dbscan(_CORE)),
    Rival("HDBSCAN", _LEAST_SIZES, _each(_hdbscan)),
    Rival("HDBSCAN with arrivals", _LEAST_SIZES, _each(hdbscan_arrivals)),
    Rival("average link", _DISTANCES, _linked("average")),
    Rival("complete link", _DISTANCES, _linked("complete")),
    Rival("Ward", tuple(2 * d for d in _DISTANCES), _linked("ward")),
    Rival("nearest centroid", _DISTANCES, _each(_nearest_centroid)),
    Rival("DP-means", _DISTANCES, _each(_dp_means)),
    Rival("Chinese whispers", _DISTANCES, _each(_chinese_whispers)),
    Rival("DBSTREAM", _DISTANCES, _each(dbstream)),
    Rival("DenStream", _RADII, _each(denstream)),
    Rival("BIRCH", _DISTANCES, _each(_birch)),
    Rival("k-means by silhouette", (0.05, 0.1, 0.15, 0.2, 0.3), _k_means),
    Rival("Bayesian mixture", (1e-4, 1e-2, 1.0), _each(_bayesian_mixture)),
)
