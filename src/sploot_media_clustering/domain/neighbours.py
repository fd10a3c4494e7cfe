"""Who is most like whom among very many: every two are compared, some at a time, and the nearest are kept.

An index of vectors would answer sooner and miss some; which it misses depends on the index, its version and
the order in which it was built. A partition must not.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from sploot_media_clustering.domain.grid import on_grid
from sploot_media_clustering.domain.mixture import Mixture, Prior

_STEP: Final = 2.0**-4
"""Grid of the vectors that are compared, where photos of one animal scatter with variance 1 at most."""
_FARTHEST: Final = 32.0
"""They are cut there: products of up to 64 axes are exact in single precision, whatever adds them up, so that
neighbours are the same on every machine."""
_COMPARED: Final = 1 << 24
"""Pairs at once: 64 MB of similarities."""
_HEAPS: Final = 32
_NOWHERE: Final = 2.0**15
"""Handicap of what is no neighbour."""


def links(components: Mixture, prior: Prior, k: int) -> Int64[np.ndarray, "l 2"]:
    """Every component with those k that it would gain most with, if each were one photo at its mean.

    Args:
        components: of any number.
        prior: under which they would gain.
        k: neighbours of each.

    Returns:
        Pairs, each once and the lower number first, ascending.
    """
    return nearest_pairs(_comparable(components.sums / components.weights[:, None], prior), k)


def nearest_pairs(compared: Float32[np.ndarray, "n d1"], k: int) -> Int64[np.ndarray, "l 2"]:
    """Every row with its k nearest, of equals those that come first; equal rows with the first of them.

    Args:
        compared: vectors and, in the last column, a handicap: nearest is whose product less its handicap is
            largest.
        k: neighbours of each.

    Returns:
        Pairs, each once and the lower row first, ascending.
    """
    size = len(compared)
    _, first, number = np.unique(compared, axis=0, return_index=True, return_inverse=True)
    original = first[number.reshape(-1)]
    twins = np.flatnonzero(original != np.arange(size))
    alone = np.sort(first)
    found = [(original[twins], twins)]
    if len(alone) > 1:
        table = _heaped(compared[alone], k)
        rows = max(1, _COMPARED // (table.shape[0] * table.shape[1]))
        for start in range(0, len(alone), rows):
            block = np.arange(start, min(start + rows, len(alone)))
            row, other = _nearest(table, compared[alone[block]], block, min(k, len(alone) - 1))
            found.append((alone[row], alone[other]))
    one, other = (np.concatenate(part) for part in zip(*found, strict=True))
    codes = np.unique(np.minimum(one, other) * size + np.maximum(one, other))
    return np.column_stack(np.divmod(codes, size))


def _comparable(means: Float64[np.ndarray, "n d"], prior: Prior) -> Float32[np.ndarray, "n d1"]:
    """Vectors, and a handicap beside each: a product less the other's handicap ranks the gains of joining."""
    lam, w = prior.between, prior.within
    scale = np.sqrt(2.0 * lam / (w * (w + 2.0 * lam)))
    vectors = on_grid((means * scale).clip(-_FARTHEST, _FARTHEST).astype(np.float32), _STEP)
    share = lam**2 / (w * (w + lam) * (w + 2.0 * lam))
    handicap = ((means**2) @ share).clip(max=_FARTHEST**2).astype(np.float32)
    return np.column_stack([vectors, on_grid(handicap, _STEP**2)])


def _heaped(compared: Float32[np.ndarray, "n d1"], k: int) -> Float32[np.ndarray, "h p d1"]:
    """The rows in some heaps of as many; what fills up the last one is near to nobody."""
    heaps = max(1, min(_HEAPS, len(compared) // (4 * k)))
    parts = -(-len(compared) // heaps)
    table = np.zeros((heaps * parts, compared.shape[1]), np.float32)
    table[: len(compared)] = compared
    table[len(compared) :, -1] = _NOWHERE
    return table.reshape(heaps, parts, -1)


def _nearest(
    table: Float32[np.ndarray, "h p d1"],
    compared: Float32[np.ndarray, "b d1"],
    rows: Int64[np.ndarray, " b"],
    k: int,
) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " m"]]:
    """Rows and their k nearest, of equals those that come first.

    The best of each place in the heaps is taken first: the k-th best of these is a bound that k reach, and
    whoever reaches it is in a place whose best does.
    """
    heaps, places, width = table.shape
    asked = np.column_stack([compared[:, :-1], np.full(len(rows), -1.0, np.float32)])
    near = (asked @ table.reshape(-1, width).T).reshape(len(rows), heaps, places)
    near[np.arange(len(rows)), rows // places, rows % places] = -np.inf
    best = near.max(1)
    k_th = max(places - k, 0)
    bound = np.partition(best, k_th, axis=1)[:, k_th]
    row, place = np.nonzero(best >= bound[:, None])
    which, heap = np.nonzero(near[row, :, place] >= bound[row, None])
    row, other = row[which], heap * places + place[which]
    order = np.lexsort((other, -near.reshape(len(rows), -1)[row, other], row))
    row, other = row[order], other[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    return rows[row[rank < k]], other[rank < k]
