"""Photos that show the same picture, wherever they lie: for operators, over folders that they name.

The service itself never looks from one owner's album into another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sploot_media_clustering.domain.moments import SAME_PICTURE
from sploot_media_clustering.services.ports import NOBODY, VectorIndex

_BLOCK: Final = 1024
"""Photos whose neighbours are looked up together."""
_FEW: Final = 8
"""Neighbours that are looked at first: pictures that are kept more often are rare."""
_MANY: Final = 256
"""Neighbours of those that have as many. A group holds together by far fewer links than all."""

Watch = Callable[[Sequence[Int64[np.ndarray, " b"]]], Iterable[Int64[np.ndarray, " b"]]]


def lookalikes(
    scenes: Float32[np.ndarray, "n c"],
    index: VectorIndex,
    *,
    known: int = 0,
    least: float = SAME_PICTURE,
    watch: Watch = iter,
) -> list[Int64[np.ndarray, " m"]]:
    """Groups of photos each of which has another in its group that shows the same picture.

    The index proposes, the vectors decide: which index it is changes what may be missed, never what is told.

    Args:
        scenes: of all photos, from the first row on those that were looked at before.
        index: holds photos looked at before by row, one of those with equal scenes; takes in the others.
        known: how many were looked at before. Groups of these alone are not told again.
        least: cosine of two that show the same picture.
        watch: goes through blocks of photos, and may tell how far it is.

    Returns:
        Rows of two photos or more, ascending; groups by their first row.
    """
    unit = _of_length_1(scenes)
    _, first, number = np.unique(scenes, axis=0, return_index=True, return_inverse=True)
    twin = first[number.reshape(-1)]
    fresh = np.unique(twin[known:])
    missing = fresh[fresh >= known]
    index.add(missing, unit[missing])
    blocks = [fresh[start : start + _BLOCK] for start in range(0, len(fresh), _BLOCK)]
    pairs = [_alike(unit, rows, index, least) for rows in watch(blocks)]
    links = np.concatenate([np.column_stack([np.arange(len(twin)), twin]), *pairs])
    return [rows for rows in _connected(links, len(scenes)) if rows[-1] >= known]


def _of_length_1(scenes: Float32[np.ndarray, "n c"]) -> Float32[np.ndarray, "n c"]:
    """Scenes lie on a grid, which makes them a little longer or shorter."""
    return scenes / np.linalg.norm(scenes, axis=1, keepdims=True)


def _alike(
    unit: Float32[np.ndarray, "n c"], rows: Int64[np.ndarray, " b"], index: VectorIndex, least: float
) -> Int64[np.ndarray, "p 2"]:
    """Pairs of some photos and their neighbours; more neighbours of those whose first ones all are alike."""
    pairs, full = _near(unit, rows, index, _FEW, least)
    more, _ = _near(unit, rows[full], index, _MANY, least)
    return np.concatenate([pairs, more])


def _near(
    unit: Float32[np.ndarray, "n c"], rows: Int64[np.ndarray, " b"], index: VectorIndex, k: int, least: float
) -> tuple[Int64[np.ndarray, "p 2"], Int64[np.ndarray, " f"]]:
    """Pairs, and which of the photos have as many neighbours alike as were asked for."""
    found = index.search(unit[rows], k).ids
    place, column = np.nonzero(found != NOBODY)
    one, other = rows[place], found[place, column]
    cosine = np.einsum("pc,pc->p", _exact(unit[one]), _exact(unit[other]))
    same = (cosine >= least) & (one != other)
    counts = np.bincount(place[cosine >= least], minlength=len(rows))
    return np.column_stack([one[same], other[same]]), np.flatnonzero(counts >= k)


def _exact(vectors: Float32[np.ndarray, "p c"]) -> Float64[np.ndarray, "p c"]:
    return vectors.astype(np.float64)


def _connected(links: Int64[np.ndarray, "l 2"], size: int) -> list[Int64[np.ndarray, " m"]]:
    """Groups of two or more, by first row."""
    graph = coo_matrix((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(size, size))
    label = connected_components(graph, directed=False)[1]
    order = np.argsort(label, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    groups = [part for part in parts if len(part) > 1]
    return sorted(groups, key=lambda rows: int(rows[0]))
