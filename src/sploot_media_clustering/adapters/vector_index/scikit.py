"""Neighbours by scikit-learn's brute force, which uses all cores and single precision as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from sploot_media_clustering.adapters.vector_index.rows import (
    QUERIES,
    Rows,
    joined,
    ranked,
    require_count,
    require_fit,
)
from sploot_media_clustering.errors import MissingExtraError
from sploot_media_clustering.services.ports import Neighbours


class ScikitIndex:
    """Implements :class:`~sploot_media_clustering.services.ports.VectorIndex` with ``NearestNeighbors``.

    Its trees are slower than brute force beyond some twenty dimensions, so brute force it is. It misses
    nobody; of equally near ones at the end of a list it may tell others than the least.

    Args:
        dimension: of the vectors.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """

    def __init__(self, dimension: int) -> None:
        self._rows = Rows(dimension)
        self._kind = _nearest_neighbours()
        self._fitted: Any = None

    @classmethod
    def restored(cls, dimension: int, parts: Mapping[str, np.ndarray]) -> ScikitIndex:
        """The index that told these parts."""
        index = cls(dimension)
        index.add(parts["ids"], parts["vectors"])
        return index

    def add(self, ids: Int64[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"]) -> None:
        """Take in vectors."""
        self._rows.add(ids, vectors)
        self._fitted = None

    def remove(self, ids: Int64[np.ndarray, " n"]) -> None:
        """Forget vectors."""
        self._rows.remove(ids)
        self._fitted = None

    def search(self, vectors: Float32[np.ndarray, "q d"], k: int) -> Neighbours:
        """The k nearest to each vector."""
        require_count(k)
        require_fit(vectors, self._rows.dimension)
        starts = range(0, len(vectors), QUERIES)
        return joined([self._nearest(vectors[i : i + QUERIES], k) for i in starts], k)

    def parts(self) -> Mapping[str, Shaped[np.ndarray, "..."]]:
        """Ids and vectors."""
        return {"ids": self._rows.ids, "vectors": self._rows.vectors}

    def _nearest(self, queries: Float32[np.ndarray, "q d"], k: int) -> Neighbours:
        asked = min(k, len(self._rows))
        if asked and self._fitted is None:
            self._fitted = self._kind(algorithm="brute", metric="euclidean").fit(self._rows.vectors)
        found = (
            self._fitted.kneighbors(queries, asked, return_distance=False).astype(np.int64)
            if asked
            else np.zeros((len(queries), 0), np.int64)
        )
        near = np.einsum("qd,qkd->qk", queries, self._rows.vectors[found])
        row = np.repeat(np.arange(len(queries)), asked)
        return ranked(row, self._rows.ids[found.ravel()], near.ravel(), (len(queries), k))


def _nearest_neighbours() -> Any:  # noqa: ANN401 - of an extra
    try:
        return import_module("sklearn.neighbors").NearestNeighbors
    except ImportError as error:
        raise MissingExtraError(
            "the index of scikit-learn needs the extra: pip install 'sploot-media-clustering[index]'"
        ) from error
