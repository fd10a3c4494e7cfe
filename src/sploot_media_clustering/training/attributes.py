"""Fitting attribute heads: multinomial logistic regressions, calibrated on albums left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64
from scipy.special import softmax

from sploot_media_clustering.domain.attributes import TICKED, VOCABULARY, AttributeHead
from sploot_media_clustering.training.cue_basis import CueBasis
from sploot_media_clustering.training.logistic import logistic_regression, temperature_of

WEIGHT_DECAY: Final = 2e-4
"""L2 penalty on weights, a photo's mean loss being 1: the least log loss of albums left out lies between
1e-4 and 3e-4 for most groups."""


@dataclass(frozen=True, slots=True, eq=False)
class AttributeFit:
    """A head, and what heads like it say of albums that they were not fitted on.

    Attributes:
        head: fitted on all albums.
        left_out: probabilities of every photo's attributes by a head fitted without its fold.
    """

    head: AttributeHead
    left_out: Float32[np.ndarray, "n a"]


def fit_attributes(
    cues: Float32[np.ndarray, "n c"],
    truth: Int64[np.ndarray, "n g"],
    folds: Int64[np.ndarray, " n"],
    basis: CueBasis,
) -> AttributeFit:
    """Fit the head of all attributes.

    Args:
        cues: of each photo.
        truth: index of each photo's value, a column a group of ``VOCABULARY``.
        folds: of each photo; photos of one album share one.
        basis: in which the head is fitted.
    """
    z = basis.components(cues)
    weights, biases, left_out = [], [], []
    for group, (_, values) in enumerate(VOCABULARY.items()):
        target = np.eye(len(values))[truth[:, group]]
        logits = np.empty_like(target)
        for train, held in _splits(folds):
            weight, bias = logistic_regression(z[train], target[train], WEIGHT_DECAY)
            logits[held] = z[held] @ weight.T + bias
        temperature = temperature_of(logits, target)
        weight, bias = logistic_regression(z, target, WEIGHT_DECAY)
        weights.append(weight / temperature)
        biases.append(bias / temperature)
        left_out.append(softmax(logits / temperature, axis=1))
    head = AttributeHead(TICKED, *basis.unfolded(np.concatenate(weights), np.concatenate(biases)))
    return AttributeFit(head, np.concatenate(left_out, axis=1).astype(np.float32))


def _splits(
    folds: Int64[np.ndarray, " n"],
) -> Iterator[tuple[Int64[np.ndarray, " t"], Int64[np.ndarray, " h"]]]:
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
