"""A picture made by arithmetic, of which a model package states what its networks see: do they see it here?

It is a cat drawn out of ellipses, because a picture that the detector finds nothing in would say little.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Int64, UInt8

_UNITS: Final = 1024
"""Coordinates run from 0 to this, whatever the size in pixels."""
_OPAQUE: Final = 256
_EDGE: Final = 4
"""Steepness of a shape's soft edge."""

_Colour = tuple[int, int, int]
_Ellipse = tuple[int, int, int, int, _Colour]

_FUR: Final = (104, 99, 80)
_PALE: Final = (164, 159, 140)
_EAR: Final = (180, 120, 120)
_EYE: Final = (150, 190, 60)
_NOSE: Final = (150, 90, 90)
_PUPIL: Final = (10, 10, 10)
_TOP, _BOTTOM = (90, 120, 70), (150, 170, 200)
"""Of the background, which fades from one to the other."""

_SHAPES: Final[tuple[_Ellipse, ...]] = (
    (424, 875, 344, 433, _FUR),  # centre x, centre y, half width, half height, colour: the body
    (246, 200, 84, 153, _FUR),  # ears
    (246, 212, 45, 102, _EAR),
    (602, 200, 84, 153, _FUR),
    (602, 212, 45, 102, _EAR),
    (424, 416, 280, 255, _FUR),  # head
    (317, 391, 51, 43, _EYE),
    (317, 391, 17, 40, _PUPIL),
    (531, 391, 51, 43, _EYE),
    (531, 391, 17, 40, _PUPIL),
    (373, 543, 76, 56, _PALE),  # cheeks
    (475, 543, 76, 56, _PALE),
    (424, 505, 33, 22, _NOSE),
)


def canary_picture(side_px: int) -> UInt8[np.ndarray, "s s 3"]:
    """The same bytes on every machine: only whole numbers are added, multiplied and compared.

    Args:
        side_px: of the square picture.
    """
    y, x = np.mgrid[:side_px, :side_px].astype(np.int64) * _UNITS // side_px
    layers = [(top * (_UNITS - y) + bottom * y) // _UNITS for top, bottom in zip(_TOP, _BOTTOM, strict=True)]
    weave = _weave(x, y)
    for centre_x, centre_y, width, height, colour in _SHAPES:
        distance = ((x - centre_x) * height) ** 2 + ((y - centre_y) * width) ** 2
        depth = np.clip(_EDGE * (_OPAQUE - _OPAQUE * distance // (width * height) ** 2), 0, _OPAQUE)
        grain = weave if colour in {_FUR, _PALE} else 0
        layers = [
            (layer * (_OPAQUE - depth) + (level + grain) * depth) // _OPAQUE
            for layer, level in zip(layers, colour, strict=True)
        ]
    return np.clip(np.stack(layers, axis=-1), 0, 255).astype(np.uint8)


def _weave(x: Int64[np.ndarray, "s s"], y: Int64[np.ndarray, "s s"]) -> Int64[np.ndarray, "s s"]:
    """Fine slanted stripes under a coarser pattern: fur, to a convolution."""
    stripes: Int64[np.ndarray, "s s"] = ((x * 7 // 11 + y * 3 // 5) // 6 % 3 - 1) * 10
    return stripes + (x // 3 + y // 9) % 2 * 5
