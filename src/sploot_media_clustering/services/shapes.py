"""Numbers and boxes as everything that leaves the product carries them."""

from __future__ import annotations

import math
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np
from jaxtyping import Float64

from sploot_media_clustering.domain.album import Box

FRACTION_DECIMALS: Final = 4
"""Places kept of a fraction: a tenth of a pixel in a photo 1 000 pixels wide."""

_FRACTION_STEPS: Final = 10.0**FRACTION_DECIMALS

Fraction: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
BoxFractions: TypeAlias = tuple[Fraction, Fraction, Fraction, Fraction]
"""Left, top, right, bottom, in fractions of the upright photo."""


def as_fraction(value: float) -> float:
    """A share, score or probability as answers carry it: in [0, 1], with :data:`FRACTION_DECIMALS` places.

    Raises:
        ValueError: it is not a number.
    """
    if math.isnan(value):
        raise ValueError("expected a number, got NaN: a score or a share was divided by zero")
    # As NumPy rounds many of them: built-in rounding to places tells ties apart that NumPy does not.
    return round(min(max(float(value), 0.0), 1.0) * _FRACTION_STEPS) / _FRACTION_STEPS


def as_fractions(values: Float64[np.ndarray, " n"]) -> list[float]:
    """Many of them at once.

    Raises:
        ValueError: one is not a number.
    """
    if np.isnan(values).any():
        raise ValueError("expected numbers, got NaN: a score or a share was divided by zero")
    fractions: list[float] = values.clip(0.0, 1.0).round(FRACTION_DECIMALS).tolist()
    return fractions


def as_box(box: Box) -> BoxFractions:
    """A box as answers carry it."""
    return as_fraction(box.left), as_fraction(box.top), as_fraction(box.right), as_fraction(box.bottom)
