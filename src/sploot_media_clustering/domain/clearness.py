"""How clearly a sighting shows its animal, by how sure the networks are of what they see.

Photos that classifier and detector are less sure of (odd poses, hidden heads, clutter) lie further from their
animal's centre: along their log odds the variance falls in every labelled set. A photo of twice the variance
is worth half the evidence.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float32, Float64

from sploot_media_clustering.domain.grid import SHARE_STEP, on_grid

_EXPONENT: Final = 0.1
"""By which evidence grows with the odds of the species and of the box. A tenth for each standard deviation of
the log odds suits what the variance of labelled photos does; between .08 and .15 little changes."""

_USUAL: Final = 0.62
"""Makes the mean over labelled photos 1."""

_LEAST_SURE: Final = 0.3
_SUREST: Final = 0.95
"""Beyond these a probability says no more: where it did, an album of clear photos alone was overconfident."""

_STEP: Final = 2.0**-3
"""Few distinct values keep settling fast: evidence of all pairs is computed for each anew."""


def clearness(
    species: Float32[np.ndarray, "n 3"], detector_score: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """What the evidence of sightings is worth, 1 for a usual one, from .5 to 1.125.

    Args:
        species: probabilities of :data:`.album.SPECIES`.
        detector_score: the detector's confidence; 0 where the whole frame stands in for a box.
    """
    odds = _odds(species.max(1).astype(np.float64)) * _odds(detector_score)
    return on_grid(_USUAL * odds**_EXPONENT, _STEP)


def _odds(probability: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    known = on_grid(probability, SHARE_STEP).clip(_LEAST_SURE, _SUREST)
    return known / (1.0 - known)
