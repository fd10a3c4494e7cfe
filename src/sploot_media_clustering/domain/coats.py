"""The coat of an animal, as far as one sighting tells it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from scipy.special import softmax

from sploot_media_clustering.domain.attributes import COATS, OTHER_COAT


@dataclass(frozen=True, slots=True, eq=False)
class CoatHead:
    """A multinomial logistic regression on the feature vector, already divided by its temperature.

    Attributes:
        coats: what each row predicts; as in ``COATS``.
        weight: shape [k, f], float32.
        bias: shape [k], float32.
    """

    coats: tuple[str, ...]
    weight: Float32[np.ndarray, "k f"]
    bias: Float32[np.ndarray, " k"]

    def __post_init__(self) -> None:
        if self.coats != COATS:
            raise ValueError(f"expected a head of the coats {COATS}, got one of {self.coats}; fit it again")

    def probabilities(self, x: Float32[np.ndarray, "*n f"]) -> Float32[np.ndarray, "*n k"]:
        """Probability of every coat; they sum to 1."""
        return softmax(x @ self.weight.T + self.bias, axis=-1)


def no_coat() -> Float32[np.ndarray, " k"]:
    """What is said of the coat where no head was fitted: nothing that a person could read."""
    return np.array([coat == OTHER_COAT for coat in COATS], np.float32)
