"""Heads: what turns an embedding into something with a meaning.

All heads read one feature vector: the embeddings of the whole photo and of the animal's crop, square-rooted
(Hellinger map: Arandjelovic and Zisserman 2012, "Three things everyone should know to improve object
retrieval") and scaled to unit length, side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64

from sploot_media_clustering.domain.grid import VECTOR_STEP, on_grid

WHOLE_SHARE: Final = 0.6
"""Length of the whole photo's part in the feature vector; the crop's is 1."""

_LEAST_LENGTH = 1e-9


def root(embeddings: Float[np.ndarray, "*n e"]) -> Float32[np.ndarray, "*n e"]:
    """Square root of the positive part, scaled to unit length."""
    rooted = np.sqrt(np.maximum(embeddings.astype(np.float32), 0.0))
    length = np.linalg.norm(rooted, axis=-1, keepdims=True)
    return rooted / np.maximum(length, _LEAST_LENGTH)


def features(
    whole: Float[np.ndarray, "*n e"], crop: Float[np.ndarray, "*n e"]
) -> Float32[np.ndarray, "*n f"]:
    """The vector that heads read, of length f = 2 e."""
    return np.concatenate([np.float32(WHOLE_SHARE) * root(whole), root(crop)], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class TwoCovarianceHead:
    """Projection to a space where groups scatter as N(m, I) and their centres m as N(0, diag(between)).

    Attributes:
        weight: shape [d, f], float32.
        bias: shape [d], float32: minus the projected mean.
        between: lam, variance of the group centres along each axis; shape [d], descending.
    """

    weight: Float32[np.ndarray, "d f"]
    bias: Float32[np.ndarray, " d"]
    between: Float64[np.ndarray, " d"]

    def project(self, x: Float32[np.ndarray, "*n f"]) -> Float32[np.ndarray, "*n d"]:
        """Feature vectors to group space, on a grid: a stored vector is the one used."""
        return on_grid(x @ self.weight.T + self.bias, VECTOR_STEP)
