"""Who is taken for whom: animals whose photos end in one subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64

from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.evaluation.albums import best_labels
from sploot_media_clustering.evaluation.judged_sets import JudgedSet
from sploot_media_clustering.evaluation.outcome import Matrix

MOST: Final = 24
"""Animals that a drawing has room for: those that are confused most."""


def confusion_of(one: JudgedSet, albums: Sequence[tuple[AlbumState, Mapping[str, int]]]) -> Matrix:
    """How often photos of two animals share a subject, of the households that hold both.

    Args:
        one: the data set.
        albums: settled, each with the animal of every photo's best sighting.
    """
    size = len(one.vectors.animal_names)
    shared, possible = np.zeros((size, size)), np.zeros((size, size))
    for state, animals in albums:
        inside, counts = _joined(state, animals, size)
        shared += inside
        possible += counts
    shares = np.divide(shared, possible, out=np.zeros_like(shared), where=possible > 0)
    shown = _shown(shares, possible)
    return Matrix(
        title=f"{one.name}: who is taken for whom",
        names=tuple(one.vectors.animal_names[i].split("/", 1)[-1] for i in shown),
        values=tuple(tuple(row) for row in np.round(shares[np.ix_(shown, shown)], 4).tolist()),
        caption="Share of pairs of photos of two animals of one household that ended in one subject; on the "
        "diagonal, of one animal's own pairs.",
    )


def _joined(
    state: AlbumState, animals: Mapping[str, int], size: int
) -> tuple[Float64[np.ndarray, "a a"], Float64[np.ndarray, "a a"]]:
    """Pairs of photos that share a subject, and all pairs, of every two animals."""
    table = np.zeros((size, len(state.subject_ids)))
    total = np.zeros(size)
    for image_id, label in best_labels(state).items():
        total[animals[image_id]] += 1
        if label != ASIDE:
            table[animals[image_id], label] += 1
    joined = table @ table.T - np.diag(table.sum(1))
    pairs = np.outer(total, total) - np.diag(total)
    return joined, pairs


def _shown(shares: Float64[np.ndarray, "a a"], possible: Float64[np.ndarray, "a a"]) -> list[int]:
    """The animals that were drawn, most confused first where there are too many, in the order of names."""
    drawn = np.flatnonzero(possible.diagonal() > 0)
    mistaken = shares.sum(1) - shares.diagonal()
    return sorted(drawn[np.argsort(-mistaken[drawn], kind="stable")][:MOST].tolist())
