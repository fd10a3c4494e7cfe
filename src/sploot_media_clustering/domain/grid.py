"""Numbers on a grid: multiples of a power of two, as far apart as what they measure allows.

They pack into a byte or two each without any loss, so that a stored vector is the one used; and sums of their
products are exact, so that statistics do not depend on the order in which photos came and went.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Array = TypeVar("Array", bound=NDArray[np.floating[Any]])

VECTOR_STEP: Final = 2.0**-3
"""Of vectors in a space where groups scatter with variance 1: rounding adds a thousandth to that."""

SCENE_STEP: Final = 2.0**-7
"""Of unit vectors: the cosine of two is off by some .003."""

ATTRIBUTE_STEP: Final = 2.0**-7
"""Of the probabilities of attributes, whose calibration is not known that well."""

SHARE_STEP: Final = 2.0**-10
"""Of what lies between 0 and 1 and is ranked or compared: signals, species, membership, detections."""

WEIGHT_STEP: Final = 2.0**-7
"""Of what the evidence of a photo is worth; none is worth less than this."""


def share(value: float) -> float:
    """A number between 0 and 1 on its grid."""
    return round(value / SHARE_STEP) * SHARE_STEP


def on_grid(values: Array, step: float) -> Array:
    """The nearest multiples of a step, which is a power of two.

    Args:
        values: of any shape, float32 or float64; the result has the same.
        step: between two neighbours on the grid.
    """
    grain = values.dtype.type(step)
    return cast("Array", np.rint(values / grain) * grain + grain.dtype.type(0))  # no zero has a sign
