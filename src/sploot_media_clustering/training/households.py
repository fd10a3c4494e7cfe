"""Simulated households: a few animals of one data set, all their photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int64


def households(
    animals: Sequence[Int64[np.ndarray, " m"]], sizes: Sequence[int], draws: int, seed: int
) -> Iterator[Int64[np.ndarray, " n"]]:
    """Rows of all photos of a few random animals, in random order.

    Args:
        animals: rows of each animal's photos.
        sizes: numbers of animals to draw from; those above the number there is are passed over.
        draws: how many households.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    possible = [size for size in sizes if size <= len(animals)]
    for _ in range(draws if possible else 0):
        chosen = rng.choice(len(animals), rng.choice(possible), replace=False)
        yield rng.permutation(np.concatenate([animals[a] for a in chosen]))
