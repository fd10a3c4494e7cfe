"""Multinomial logistic regression, and the temperature that calibrates it.

Temperature scaling is Guo et al. 2017, "On calibration of modern neural networks".
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

_BIAS_DECAY: Final = 1e-6
"""Keeps the bias of a value that nobody ever ticked finite."""

_ITERATIONS: Final = 200
_TEMPERATURES: Final = (0.5, 3.0)


def logistic_regression(
    z: Float64[np.ndarray, "n p"],
    target: Float64[np.ndarray, "n v"],
    weight_decay: float,
    importance: Float64[np.ndarray, " n"] | None = None,
    *,
    ordered: bool = False,
) -> tuple[Float64[np.ndarray, "v p"], Float64[np.ndarray, " v"]]:
    """Weights and biases of the least penalised mean log loss.

    Args:
        z: what is read.
        target: probability of each value; rows sum to 1.
        weight_decay: L2 penalty on weights.
        importance: of each row; by default all alike.
        ordered: values go from little to much. Then the penalty is on the odds of neighbours
            (adjacent-category logits: Agresti 2010, "Analysis of ordinal categorical data", section 4.1).
    """
    size, values = target.shape
    width = z.shape[1]
    steps = np.tril(np.ones((values, values)), -1)[:, :-1] if ordered else np.eye(values)
    freedom = steps.shape[1]
    share = np.full(size, 1.0 / size) if importance is None else importance / importance.sum()

    def loss(flat: Float64[np.ndarray, " k"]) -> tuple[float, Float64[np.ndarray, " k"]]:
        weight, bias = flat[: freedom * width].reshape(freedom, width), flat[freedom * width :]
        log_p = log_softmax((z @ weight.T + bias) @ steps.T, axis=1)
        error = (np.exp(log_p) - target) * share[:, None] @ steps
        penalty = weight_decay * float((weight**2).sum()) + _BIAS_DECAY * float((bias**2).sum())
        slope = error.T @ z + weight_decay * weight
        lift = error.sum(0) + _BIAS_DECAY * bias
        return -float(share @ (target * log_p).sum(1)) + 0.5 * penalty, np.concatenate([slope.ravel(), lift])

    start = np.zeros(freedom * (width + 1))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}).x
    return steps @ best[: freedom * width].reshape(freedom, width), steps @ best[freedom * width :]


def temperature_of(
    logits: Float64[np.ndarray, "n v"],
    target: Float64[np.ndarray, "n v"],
    importance: Float64[np.ndarray, " n"] | None = None,
) -> float:
    """What logits of rows left out are divided by to be most likely."""
    share = np.ones(len(logits)) if importance is None else importance

    def loss(log_temperature: float) -> float:
        log_p = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(share @ (target * log_p).sum(1))

    low, high = np.log(_TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))
