"""Words by which people name kinds of picture: on the sofa, close, lying, in the grass.

What people tick for a photo is a short list; the names that they give to the looks of an album say what else
made them put photos apart. Only looks are told by these words, and nobody is shown them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from scipy.special import expit


@dataclass(frozen=True, slots=True, eq=False)
class WordHead:
    """Logistic regressions on the cues of :mod:`.cues`, one a word.

    Attributes:
        words: what each row predicts.
        weight: shape [w, c], float32.
        bias: shape [w], float32.
    """

    words: tuple[str, ...]
    weight: Float32[np.ndarray, "w c"]
    bias: Float32[np.ndarray, " w"]

    def probabilities(self, cues: Float32[np.ndarray, "*n c"]) -> Float32[np.ndarray, "*n w"]:
        """Probability of every word; several may hold."""
        return np.asarray(expit(cues @ self.weight.T + self.bias), np.float32)
