"""Folds that leave whole albums out: photos of one album are too alike to stand on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Int64


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


def each_left_out(folds: Int64[np.ndarray, " n"]) -> Iterator[Bool[np.ndarray, " n"]]:
    """Photos of each fold in turn; the others are what a head is fitted on that is judged by them."""
    for fold in np.unique(folds):
        yield folds == fold
