"""What all indexes do alike: check what comes in, keep vectors in rows, and put neighbours in order."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Int64

from sploot_media_clustering.domain.grid import on_grid
from sploot_media_clustering.errors import InputError, UnknownError
from sploot_media_clustering.services.ports import NOBODY, Neighbours

QUERIES: Final = 256
"""Vectors searched for together."""

SIMILARITY_STEP: Final = 2.0**-20
"""Grain of similarities: coarser than what the order of a sum does, so that equal vectors are as near."""

_OFF_LENGTH: Final = 1e-3
"""That a unit vector may be longer or shorter than 1."""
_SPARE_SHARE: Final = 8
"""Room is made for an eighth more than there is, so that adding one by one does not copy all each time."""


def require_fit(vectors: Float32[np.ndarray, "n _"], dimension: int) -> None:
    """Refuse what is no unit vector of the dimension.

    Raises:
        InputError: with the first that is none.
    """
    if vectors.shape[1] != dimension:
        raise InputError(f"expected vectors of {dimension} numbers, got {vectors.shape[1]}")
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    wrong = np.flatnonzero(~(np.abs(lengths - 1.0) <= _OFF_LENGTH))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"expected finite vectors of length 1, got one of length {lengths[row]:.3g} in row {row}; "
            "divide vectors by their lengths"
        )


class Rows:
    """Vectors by id, a row each, in the order in which they came.

    Args:
        dimension: of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._ids = np.zeros(0, np.int64)
        self._vectors = np.zeros((0, dimension), np.float32)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def ids(self) -> Int64[np.ndarray, " n"]:
        """Of each row."""
        return self._ids[: self._size]

    @property
    def vectors(self) -> Float32[np.ndarray, "n d"]:
        """One a row."""
        return self._vectors[: self._size]

    def add(self, ids: Int64[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"]) -> None:
        """Rows at the end.

        Raises:
            InputError: see :class:`~sploot_media_clustering.services.ports.VectorIndex`.
        """
        require_fit(vectors, self.dimension)
        require_new(ids, self.ids)
        size = self._size + len(ids)
        if size > len(self._ids):
            room = size + self._size // _SPARE_SHARE
            self._ids, self._vectors = _roomier(self.ids, room), _roomier(self.vectors, room)
        self._ids[self._size : size], self._vectors[self._size : size] = ids, vectors
        self._size = size

    def remove(self, ids: Int64[np.ndarray, " n"]) -> None:
        """Rows less; the others stay in order.

        Raises:
            UnknownError: there is no such id.
        """
        kept = ~members(ids, self.ids)
        self._ids, self._vectors = self.ids[kept], self.vectors[kept]
        self._size = len(self._ids)


def require_new(ids: Int64[np.ndarray, " n"], known: Int64[np.ndarray, " m"]) -> None:
    """Refuse ids that are no ids, or stand for something already.

    Raises:
        InputError: with the first of them.
    """
    if len(ids) and ids.min() < 0:
        raise InputError(f"expected ids of 0 or more, got {ids.min()}")
    different, counts = np.unique(ids, return_counts=True)
    again = different[(counts > 1) | np.isin(different, known)]
    if len(again):
        raise InputError(f"expected ids that are new, got {again[0]} again; remove it first")


def members(ids: Int64[np.ndarray, " n"], known: Int64[np.ndarray, " m"]) -> Bool[np.ndarray, " m"]:
    """Which of the known ids are named.

    Raises:
        UnknownError: one that is named is not known.
    """
    foreign = ids[~np.isin(ids, known)]
    if len(foreign):
        raise UnknownError(f"there is no vector of id {foreign[0]}")
    return np.isin(known, ids)


def ranked(
    rows: Int64[np.ndarray, " m"],
    ids: Int64[np.ndarray, " m"],
    similarities: Float32[np.ndarray, " m"],
    shape: tuple[int, int],
) -> Neighbours:
    """Candidates in order, as many of each query as were asked for.

    Args:
        rows: of the query that each is a candidate of.
        ids: of the candidates.
        similarities: to the query.
        shape: queries, and k.
    """
    near = on_grid(similarities, SIMILARITY_STEP)
    order = np.lexsort((ids, -near, rows))
    rows, ids, near = rows[order], ids[order], near[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = place < shape[1]
    found = Neighbours(np.full(shape, NOBODY, np.int64), np.full(shape, -np.inf, np.float32))
    found.ids[rows[kept], place[kept]] = ids[kept]
    found.similarities[rows[kept], place[kept]] = near[kept]
    return found


def joined(found: list[Neighbours], k: int) -> Neighbours:
    """Neighbours of more queries, in order."""
    none = Neighbours(np.zeros((0, k), np.int64), np.zeros((0, k), np.float32))
    parts = [none, *found]
    return Neighbours(
        np.concatenate([part.ids for part in parts]), np.concatenate([part.similarities for part in parts])
    )


def require_count(k: int) -> None:
    """Refuse to look for nobody.

    Raises:
        InputError: k is below 1.
    """
    if k < 1:
        raise InputError(f"expected to look for 1 neighbour or more, got {k}")


def _roomier(array: np.ndarray, room: int) -> np.ndarray:
    larger = np.empty((room, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
