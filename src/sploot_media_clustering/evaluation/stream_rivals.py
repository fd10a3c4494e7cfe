"""Ways to cluster that take photos as they come, of river and hdbscan, both of the extra ``evaluation``.

river computes number by number in Python, so its rivals see the album's own leading axes only; that these are
known before the photos came flatters them. Nothing is forgotten: an album is no stream of news.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Int64

Vectors = Float64[np.ndarray, "n d"]
Labels = Int64[np.ndarray, " n"]

_AXES: Final = 16
_NEVER: Final = 10**6
"""Photos, after which a stream would tidy up."""

_HARDLY: Final = 1e-6
"""Fading of a photo; river divides by it."""

_CORE_WEIGHT, _OUTLIER_SHARE = 2.0, 0.75
"""DenStream's mu and beta: two photos found a cluster. Their product has to exceed 1."""

_LEAST_FITTED: Final = 3


def dbstream(vectors: Vectors, reach: float) -> Labels:
    """DBSTREAM (Hahsler and Bolaños 2016): micro-clusters of a radius, joined where they share photos."""
    from river.cluster import DBSTREAM  # noqa: PLC0415 - of an extra

    model = DBSTREAM(clustering_threshold=reach, fading_factor=_HARDLY, cleanup_interval=_NEVER)
    return _streamed(model, vectors)


def denstream(vectors: Vectors, reach: float) -> Labels:
    """DenStream (Cao et al. 2006): potential and outlying micro-clusters, joined by density."""
    from river.cluster import DenStream  # noqa: PLC0415 - of an extra

    # It starts from one photo: from more, it would leave a small album aside as a whole.
    model = DenStream(
        decaying_factor=_HARDLY, beta=_OUTLIER_SHARE, mu=_CORE_WEIGHT, epsilon=reach, n_samples_init=1
    )
    return _streamed(model, vectors)


def hdbscan_arrivals(vectors: Vectors, least: float) -> Labels:
    """HDBSCAN of the first half; the other half goes where ``approximate_predict`` puts it, photo by photo.

    Clusters of as many photos or more; a half more says that the whole album is no cluster.
    """
    import hdbscan  # noqa: PLC0415 - of an extra

    half = (len(vectors) + 1) // 2
    labels = np.full(len(vectors), -1)
    if half < _LEAST_FITTED:
        return labels
    model = hdbscan.HDBSCAN(
        min_cluster_size=min(int(least), half),
        min_samples=1,
        allow_single_cluster=least == int(least),
        prediction_data=True,
        core_dist_n_jobs=1,
    ).fit(vectors[:half])
    labels[:half] = model.labels_
    # It predicts by the tree's clusters, which the whole album is none of, even where it was found as one.
    if len(model.prediction_data_.cluster_tree):
        labels[half:] = hdbscan.approximate_predict(model, vectors[half:])[0]
    return labels


def _streamed(model: Any, vectors: Vectors) -> Labels:  # noqa: ANN401 - river is untyped here
    """Where each photo is once all have come."""
    _, _, axes = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    points = [dict(enumerate(row)) for row in (vectors @ axes[:_AXES].T).tolist()]
    for point in points:
        model.learn_one(point)
    return np.array([model.predict_one(point) for point in points], np.int64)
