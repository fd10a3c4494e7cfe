"""Principal axes of few long vectors."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Float64

_LEAST_VARIANCE: Final = 1e-9
"""Share of the largest variance below which an axis is rounding."""


def principal_axes(centred: Float[np.ndarray, "n f"], components: int) -> Float64[np.ndarray, "p f"]:
    """Leading axes of variation, unit vectors, as many as there are and no more than asked for.

    Taken from the Gram matrix of the vectors, which is the smaller one where they are longer than many.

    Args:
        centred: vectors less their mean.
        components: how many at most.
    """
    exact = centred.astype(np.float64)
    values, vectors = np.linalg.eigh(exact @ exact.T)
    order = np.argsort(values)[::-1][: min(components, exact.shape[1])]
    kept = order[values[order] > _LEAST_VARIANCE * max(float(values.max(initial=0.0)), _LEAST_VARIANCE)]
    return (vectors[:, kept] / np.sqrt(values[kept])).T @ exact
