"""Which indexes there are, and which is for how many vectors."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from sploot_media_clustering.adapters.vector_index.exact import ExactIndex
from sploot_media_clustering.adapters.vector_index.hnsw import HnswIndex
from sploot_media_clustering.adapters.vector_index.ivf_pq import IvfPqIndex
from sploot_media_clustering.adapters.vector_index.scikit import ScikitIndex
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.ports import VectorIndex

KINDS: Final[Mapping[str, type[Any]]] = {
    "exact": ExactIndex,
    "sklearn": ScikitIndex,
    "hnsw": HnswIndex,
    "ivf-pq": IvfPqIndex,
}
"""Indexes by name; each is made of a dimension, and restored of a dimension and its parts."""

EXACT_UP_TO: Final = 50_000
"""Vectors that are compared each with each: it takes about as long as building and asking a graph of them,
and misses nobody (``benchmarks/vector_index.py``)."""


def open_index(kind: str, dimension: int) -> VectorIndex:
    """An index without vectors.

    Args:
        kind: of :data:`KINDS`.
        dimension: of the vectors.

    Raises:
        InputError: there is no such kind.
        MissingExtraError: its library is not installed.
    """
    if kind not in KINDS:
        raise InputError(f"expected an index of {', '.join(KINDS)}, got {kind!r}")
    index: VectorIndex = KINDS[kind](dimension)
    return index


def fitting_kind(vectors: int) -> str:
    """Which index is for so many vectors, of those whose library is installed."""
    large = vectors > EXACT_UP_TO and find_spec("faiss") is not None
    return "hnsw" if large else "exact"
