"""Groups of things by number: who is in each, and which become one as pairs come in."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64


def members(labels: Int64[np.ndarray, " n"]) -> list[Int64[np.ndarray, " m"]]:
    """Rows of each label, ascending; labels ascending."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []


def end(joined: Int64[np.ndarray, " n"], one: int) -> int:
    """The first of a group, of which each member points to an earlier one; the way gets shorter."""
    while joined[one] != one:
        joined[one] = joined[joined[one]]
        one = int(joined[one])
    return one


def ends(joined: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """The first of each one's group."""
    while not np.array_equal(joined, further := joined[joined]):
        joined = further
    return joined


def canonical(labels: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """The same partition, its components numbered from 0 by first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
