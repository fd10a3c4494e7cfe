"""Folds that leave whole albums out: photos of one album are too alike to stand on both sides."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64


def album_folds(albums: Int64[np.ndarray, " n"], folds: int, seed: int) -> Int64[np.ndarray, " n"]:
    """Fold of each photo; albums are dealt to the folds in random order.

    Args:
        albums: album of each photo.
        folds: how many.
        seed: of the order.
    """
    names, inverse = np.unique(albums, return_inverse=True)
    fold = np.empty(len(names), np.int64)
    fold[np.random.default_rng(seed).permutation(len(names))] = np.arange(len(names)) % folds
    return fold[inverse]
