"""Fitting attribute heads: multinomial logistic regressions, calibrated on albums left out.

Temperature scaling is Guo et al. 2017, "On calibration of modern neural networks".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

from sploot_media_clustering.domain.attributes import ATTRIBUTES, VOCABULARY, AttributeHead
from sploot_media_clustering.training.cue_basis import CueBasis

WEIGHT_DECAY: Final = 2e-4
"""L2 penalty on weights, a photo's mean loss being 1: the least log loss of albums left out lies between
1e-4 and 3e-4 for most groups."""

_BIAS_DECAY: Final = 1e-6
"""Keeps the bias of a value that nobody ever ticked finite."""

_ITERATIONS: Final = 200
_TEMPERATURES: Final = (0.5, 3.0)


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
            weight, bias = _logistic_regression(z[train], target[train])
            logits[held] = z[held] @ weight.T + bias
        temperature = _temperature(logits, target)
        weight, bias = _logistic_regression(z, target)
        weights.append(weight / temperature)
        biases.append(bias / temperature)
        left_out.append(softmax(logits / temperature, axis=1))
    head = AttributeHead(ATTRIBUTES, *basis.unfolded(np.concatenate(weights), np.concatenate(biases)))
    return AttributeFit(head, np.concatenate(left_out, axis=1).astype(np.float32))


def _splits(
    folds: Int64[np.ndarray, " n"],
) -> Iterator[tuple[Int64[np.ndarray, " t"], Int64[np.ndarray, " h"]]]:
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def _logistic_regression(
    z: Float64[np.ndarray, "n p"], target: Float64[np.ndarray, "n v"]
) -> tuple[Float64[np.ndarray, "v p"], Float64[np.ndarray, " v"]]:
    size, values = target.shape
    width = z.shape[1]

    def loss(flat: Float64[np.ndarray, " k"]) -> tuple[float, Float64[np.ndarray, " k"]]:
        weight, bias = flat[: values * width].reshape(values, width), flat[values * width :]
        log_p = log_softmax(z @ weight.T + bias, axis=1)
        error = (np.exp(log_p) - target) / size
        penalty = WEIGHT_DECAY * float((weight**2).sum()) + _BIAS_DECAY * float((bias**2).sum())
        slope = error.T @ z + WEIGHT_DECAY * weight
        lift = error.sum(0) + _BIAS_DECAY * bias
        return -float((target * log_p).sum()) / size + 0.5 * penalty, np.concatenate([slope.ravel(), lift])

    start = np.zeros(values * (width + 1))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}).x
    return best[: values * width].reshape(values, width), best[values * width :]


def _temperature(logits: Float64[np.ndarray, "n v"], target: Float64[np.ndarray, "n v"]) -> float:
    def loss(log_temperature: float) -> float:
        return -float((target * log_softmax(logits / np.exp(log_temperature), axis=1)).sum())

    low, high = np.log(_TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))
