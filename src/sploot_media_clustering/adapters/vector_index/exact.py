"""Every vector compared with every other: the answer that others are measured by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from sploot_media_clustering.adapters.vector_index.rows import (
    QUERIES,
    SIMILARITY_STEP,
    Rows,
    joined,
    ranked,
    require_count,
    require_fit,
)
from sploot_media_clustering.services.ports import Neighbours

_COMPARED: Final = 1 << 15
"""Vectors that a block of queries is compared with at once: 32 MB of similarities."""


class ExactIndex:
    """Implements :class:`~sploot_media_clustering.services.ports.VectorIndex` with NumPy; misses nobody.

    Args:
        dimension: of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._rows = Rows(dimension)

    @classmethod
    def restored(cls, dimension: int, parts: Mapping[str, np.ndarray]) -> ExactIndex:
        """The index that told these parts."""
        index = cls(dimension)
        index.add(parts["ids"], parts["vectors"])
        return index

    def add(self, ids: Int64[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"]) -> None:
        """Take in vectors."""
        self._rows.add(ids, vectors)

    def remove(self, ids: Int64[np.ndarray, " n"]) -> None:
        """Forget vectors."""
        self._rows.remove(ids)

    def search(self, vectors: Float32[np.ndarray, "q d"], k: int) -> Neighbours:
        """The k nearest to each vector."""
        require_count(k)
        require_fit(vectors, self._rows.dimension)
        starts = range(0, len(vectors), QUERIES)
        return joined([nearest(self._rows, vectors[i : i + QUERIES], k) for i in starts], k)

    def parts(self) -> Mapping[str, Shaped[np.ndarray, "..."]]:
        """Ids and vectors."""
        return {"ids": self._rows.ids, "vectors": self._rows.vectors}


def nearest(rows: Rows, queries: Float32[np.ndarray, "q d"], k: int) -> Neighbours:
    """The k nearest of some rows to a block of queries.

    Of the first block of rows the k best are candidates, of the others what is as near as the last of these.
    """
    found = ranked(*_none(), (len(queries), k))
    for start in range(0, len(rows), _COMPARED):
        near = queries @ rows.vectors[start : start + _COMPARED].T
        worst = found.similarities[:, -1]
        if near.shape[1] > k and np.isneginf(worst).any():
            worst = np.maximum(worst, np.partition(near, -k, axis=1)[:, -k])
        row, column = np.nonzero(near >= worst[:, None] - np.float32(SIMILARITY_STEP))
        before, place = np.nonzero(np.isfinite(found.similarities))
        found = ranked(
            np.concatenate([before, row]),
            np.concatenate([found.ids[before, place], rows.ids[start + column]]),
            np.concatenate([found.similarities[before, place], near[row, column]]),
            (len(queries), k),
        )
    return found


def _none() -> tuple[Any, Any, Any]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
