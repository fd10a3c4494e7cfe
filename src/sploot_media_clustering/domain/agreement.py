"""How far two partitions of the same things agree, from the table of how many are in both of two parts."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64


def contingency(
    first: Int64[np.ndarray, " n"], second: Int64[np.ndarray, " n"]
) -> Float64[np.ndarray, "g k"]:
    """How many things are in each part of one partition and in each of the other.

    Args:
        first: part of each thing, at least one; any numbers.
        second: of the same things.
    """
    rows, columns = np.unique(first, return_inverse=True)[1], np.unique(second, return_inverse=True)[1]
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1.0)
    return table


def pairs_in(counts: Float64[np.ndarray, "..."]) -> float:
    """Pairs of things that are in one part."""
    return float((counts * (counts - 1) / 2).sum())


def adjusted_rand(table: Float64[np.ndarray, "g k"]) -> float:
    """Agreement of pairs, adjusted for chance (Hubert and Arabie 1985, "Comparing partitions"), in [-1, 1].

    1 where both partitions are the same, around 0 where they have nothing in common.
    """
    both, groups, clusters = pairs_in(table), pairs_in(table.sum(1)), pairs_in(table.sum(0))
    everything = pairs_in(np.array([table.sum()]))
    expected = groups * clusters / everything if everything else 0.0
    most = (groups + clusters) / 2
    return (both - expected) / (most - expected) if most != expected else 1.0
