"""Cues: what the heads of attributes and appeal read of one animal in one photo.

The feature vector of :mod:`.heads`, then where the animal is in the picture, then what its pixels say. Each
cue is bounded, so that a photo unlike those that heads were fitted on can't push a head out of all measure.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from jaxtyping import Float32

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.domain.quality import PIXEL_MEASURES

GEOMETRY: Final = (
    "width",
    "height",
    "size",
    "off_centre",
    "middle",
    "nearer_side_gap",
    "farther_side_gap",
    "top_gap",
    "bottom_gap",
    "log_aspect",
    "detector_score",
)
"""Of the box, in fractions of the photo; a picture and its mirror image have the same."""

CONTEXT_CUES: Final = len(GEOMETRY) + len(PIXEL_MEASURES)
"""Number of cues that follow the feature vector."""

EDGE_GAP: Final = 0.1
"""A gap of a tenth of the photo between animal and edge is as good as any larger one."""

_LEAST_SIDE: Final = 0.01
_SOURCE_PX: Final = (64.0, 512.0)
"""An animal of fewer pixels is as bad, one of more as good, as one with these."""

_LEAST_SHARE: Final = 1e-3
"""Added to shares of pixels before the logarithm: a few pixels of 64 thousand say nothing."""

_SHARES: Final = frozenset({"highlights", "shadows"})


def cues(
    x: Float32[np.ndarray, " f"], box: Box, detector_score: float, pixels: Float32[np.ndarray, " q"]
) -> Float32[np.ndarray, " c"]:
    """The vector that attribute and appeal heads read, of length c = f + :data:`CONTEXT_CUES`.

    Args:
        x: feature vector.
        box: of the animal.
        detector_score: in [0, 1].
        pixels: raw measures in the order of ``PIXEL_MEASURES``.
    """
    context = (*_geometry(box, detector_score), *map(_bounded, PIXEL_MEASURES, pixels.tolist()))
    return np.concatenate([x, np.array(context, np.float32)])


def edge_gaps(box: Box) -> tuple[float, float, float, float]:
    """Left, top, right and bottom gap between animal and edge, 1 from :data:`EDGE_GAP` on."""
    gaps = (box.left, box.top, 1.0 - box.right, 1.0 - box.bottom)
    left, top, right, bottom = (min(max(gap, 0.0), EDGE_GAP) / EDGE_GAP for gap in gaps)
    return left, top, right, bottom


def bounded_source_px(source_px: float) -> float:
    """Longest side of the animal in the original, cut to the range in which it matters."""
    low, high = _SOURCE_PX
    return min(max(source_px, low), high)


def _geometry(box: Box, detector_score: float) -> tuple[float, ...]:
    left, top, right, bottom = edge_gaps(box)
    aspect = max(box.width, _LEAST_SIDE) / max(box.height, _LEAST_SIDE)
    return (
        box.width,
        box.height,
        math.sqrt(box.area),
        abs((box.left + box.right) / 2 - 0.5),
        (box.top + box.bottom) / 2,
        min(left, right),
        max(left, right),
        top,
        bottom,
        math.log(aspect),
        detector_score,
    )


def _bounded(name: str, value: float) -> float:
    if name == "source_px":
        return math.log(bounded_source_px(value))
    return math.log(value + _LEAST_SHARE) if name in _SHARES else value
