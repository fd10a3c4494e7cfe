"""A graph of neighbours that a search climbs, by FAISS.

Malkov and Yashunin 2020, "Efficient and robust approximate nearest neighbor search using hierarchical
navigable small world graphs". Copies of a vector fill each other's links and hide what is beyond it: add one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from sploot_media_clustering.adapters.vector_index.faiss_library import (
    faiss_library,
    one_thread,
    packed,
    told,
    unpacked,
)
from sploot_media_clustering.adapters.vector_index.rows import (
    members,
    require_count,
    require_fit,
    require_new,
)
from sploot_media_clustering.services.ports import NOBODY, Neighbours

_LINKS: Final = 16
"""Of a vector on each level, twice as many on the lowest: 128 bytes of each."""
_BUILT_WITH: Final = 80
"""Candidates for a link."""
_SEARCHED_WITH: Final = 96
"""Candidates for a neighbour, of as many as are asked for or more."""
_REBUILT_AT: Final = 0.25
"""Share of removed vectors, which stay in the graph and slow its searches, at which it is built anew."""


class HnswIndex:
    """Implements :class:`~sploot_media_clustering.services.ports.VectorIndex` with ``IndexHNSWFlat``.

    A graph lets nobody go: what is removed is passed through and not told, until the graph is built anew.

    Args:
        dimension: of the vectors.

    Raises:
        MissingExtraError: FAISS is not installed.
    """

    def __init__(self, dimension: int) -> None:
        self._faiss = faiss_library()
        self._dimension = dimension
        self._ids = np.zeros(0, np.int64)
        self._graph = self._empty()

    @classmethod
    def restored(cls, dimension: int, parts: Mapping[str, np.ndarray]) -> HnswIndex:
        """The index that told these parts.

        Raises:
            DamagedDataError: they do not fit together.
        """
        index = cls(dimension)
        index._ids = parts["ids"].copy()
        shape = len(index._ids), dimension
        index._graph = unpacked(index._faiss, parts["graph"], "IndexHNSWFlat", shape)
        return index

    def add(self, ids: Int64[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"]) -> None:
        """Take in vectors, one by one in the order given."""
        require_fit(vectors, self._dimension)
        require_new(ids, self._ids)
        self._grow(ids, vectors)

    def remove(self, ids: Int64[np.ndarray, " n"]) -> None:
        """Forget vectors."""
        self._ids[members(ids, self._ids)] = NOBODY
        gone = self._ids == NOBODY
        if gone.any() and gone.mean() >= _REBUILT_AT:
            kept = np.flatnonzero(~gone)
            vectors = self._graph.reconstruct_batch(kept)
            known = self._ids[kept]
            self._ids, self._graph = np.zeros(0, np.int64), self._empty()
            self._grow(known, vectors)

    def search(self, vectors: Float32[np.ndarray, "q d"], k: int) -> Neighbours:
        """The k nearest to each vector, as far as the graph leads there."""
        require_count(k)
        require_fit(vectors, self._dimension)
        gone = np.flatnonzero(self._ids == NOBODY)
        taken_out = self._faiss.IDSelectorBatch(gone)
        terms = self._faiss.SearchParametersHNSW(
            efSearch=max(_SEARCHED_WITH, k),
            sel=self._faiss.IDSelectorNot(taken_out) if len(gone) else None,
        )
        return told(self._graph.search(vectors, k, params=terms), self._ids)

    def parts(self) -> Mapping[str, Shaped[np.ndarray, "..."]]:
        """Ids by place in the graph, and the graph with its vectors."""
        return {"ids": self._ids, "graph": packed(self._faiss, self._graph)}

    def _empty(self) -> Any:  # noqa: ANN401
        graph = self._faiss.IndexHNSWFlat(self._dimension, _LINKS, self._faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = _BUILT_WITH
        return graph

    def _grow(self, ids: Int64[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"]) -> None:
        with one_thread(self._faiss):
            self._graph.add(np.ascontiguousarray(vectors))
        self._ids = np.append(self._ids, ids)
