"""Signals: what speaks for showing a picture, each in [0, 1], higher is better.

Every signal is a fixed, increasing map of something measured, of a probability, or of both, so that a reason
given to people ("sharp", "facing the camera") means what it says. Pixels and the flaws that people would tick
know different things: a picture may be soft on purpose, or sharp in the wrong place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.domain.attributes import column
from sploot_media_clustering.domain.cues import bounded_source_px, edge_gaps
from sploot_media_clustering.domain.quality import PIXEL_MEASURES

SIGNALS: Final = (
    "sharpness",
    "exposure",
    "resolution",
    "size",
    "framing",
    "facing",
    "eyes",
    "unobstructed",
    "unmarked",
    "alone",
    "distinct",
    "plainness",
    "appeal",
)
"""Of one sighting, whatever cluster it is in: the animal is sharp; well lit; has enough pixels; fills the
picture; lies inside it; looks at the camera; has open eyes; nothing is in front of it; no text and no filter;
nobody else is in the picture; the detector is sure; nothing distracts (the embedding's norm is small: things
around and odd poses add to it); people would pick it."""

CLUSTER_SIGNALS: Final = ("typicality", "recency")
"""Of a photo in its cluster: typical of it; taken lately."""

SCALED: Final = ("detail", "acuity", "contrast", "size", "log_norm", "appeal")
"""Measures without a natural range: :class:`SignalScale` gives them one."""

THREE_QUARTERS_FACING: Final = 0.6
"""A head turned halfway counts as facing the camera so far; ratings put it between 0.4 and 0.8."""

_BEST_BRIGHTNESS: Final = 0.5
_BRIGHTNESS_RANGE: Final = 0.35
"""Mid-grey is best; 0.15 and 0.85 are as bad as it gets."""

_BURNT_OUT: Final = 0.4
"""Share of nearly white pixels at which nothing can be said for a picture's light."""

_RESOLUTION_PX: Final = (100.0, 400.0)
"""An animal of 100 pixels fills a thumbnail, one of 400 a phone's screen at arm's length."""

_LEAST_NORM: Final = 1e-6

HALF_LIFE_S: Final = 365 * 86400.0
"""A picture is half as recent as the cluster's newest when a year older."""

UNKNOWN: Final = 0.5
"""Of a cluster signal that can't be told: neither for nor against."""


@dataclass(frozen=True, slots=True, eq=False)
class SignalScale:
    """Where the measures of :data:`SCALED` begin and end to matter.

    Attributes:
        low: at or below it the signal is 0; shape [6].
        high: at or above it the signal is 1; shape [6].
    """

    low: Float64[np.ndarray, " m"]
    high: Float64[np.ndarray, " m"]

    def fraction(self, name: str, value: float) -> float:
        """Where a measure lies between its ends, in [0, 1]."""
        m = SCALED.index(name)
        return _between(value, float(self.low[m]), float(self.high[m]))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is known of one sighting when its signals are worked out.

    Attributes:
        box: of the animal.
        detector_score: in [0, 1].
        pixels: raw measures, in the order of ``PIXEL_MEASURES``.
        norm: length of the crop's embedding.
        attributes: probabilities, in the order of ``ATTRIBUTES``.
        appeal: output of the appeal head.
    """

    box: Box
    detector_score: float
    pixels: Float32[np.ndarray, " q"]
    norm: float
    attributes: Float32[np.ndarray, " a"]
    appeal: float


def scaled_measures(seen: Seen) -> dict[str, float]:
    """The measures of :data:`SCALED`."""
    pixels = dict(zip(PIXEL_MEASURES, seen.pixels.tolist(), strict=True))
    return {
        "detail": pixels["detail"],
        "acuity": pixels["acuity"],
        "contrast": pixels["contrast"],
        "size": math.sqrt(seen.box.area),
        "log_norm": math.log(max(seen.norm, _LEAST_NORM)),
        "appeal": seen.appeal,
    }


def signals(seen: Seen, scale: SignalScale) -> Float32[np.ndarray, " s"]:
    """Signals of one sighting, in the order of :data:`SIGNALS`."""
    part = {name: scale.fraction(name, value) for name, value in scaled_measures(seen).items()}
    pixels = dict(zip(PIXEL_MEASURES, seen.pixels.tolist(), strict=True))
    found = {
        "sharpness": (part["detail"] + part["acuity"] + _without(seen, "blur")) / 3,
        "exposure": _exposure(seen, pixels["brightness"], pixels["highlights"], part["contrast"]),
        "resolution": (_resolution(pixels["source_px"]) + _without(seen, "lowres")) / 2,
        "size": part["size"],
        "framing": _framing(seen),
        "facing": _probability(seen, "view", "front")
        + THREE_QUARTERS_FACING * _probability(seen, "view", "three_quarter"),
        "eyes": _probability(seen, "eyes", "open"),
        "unobstructed": _without(seen, "occluded"),
        "unmarked": _without(seen, "text", "edited"),
        "alone": _without(seen, "person", "animal"),
        "distinct": seen.detector_score,
        "plainness": 1.0 - part["log_norm"],
        "appeal": part["appeal"],
    }
    return np.clip(np.array([found[name] for name in SIGNALS], np.float32), 0.0, 1.0)


def typicality(vectors: Float[np.ndarray, "n l"]) -> Float64[np.ndarray, " n"]:
    """How typical each member is of its cluster: 0.5 for one at the usual distance from the others' mean.

    Args:
        vectors: look vectors of the members of one cluster.
    """
    size = len(vectors)
    if size < 2:  # noqa: PLR2004  # one picture alone is neither typical nor odd
        return np.full(size, UNKNOWN)
    exact = vectors.astype(np.float64)
    others = (exact.sum(0) - exact) / (size - 1)
    squared = ((exact - others) ** 2).sum(1)
    usual = squared.mean()
    return usual / (usual + squared) if usual > 0 else np.full(size, UNKNOWN)


def recency(times_s: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """1 for the newest of a cluster, halved by every :data:`HALF_LIFE_S` before it; NaN is unknown."""
    known = ~np.isnan(times_s)
    if not known.any():
        return np.full(len(times_s), UNKNOWN)
    age_s = times_s[known].max() - np.where(known, times_s, 0.0)
    return np.where(known, 0.5 ** (age_s / HALF_LIFE_S), UNKNOWN)


def _exposure(seen: Seen, brightness: float, highlights: float, contrast: float) -> float:
    middling = 1.0 - abs(brightness - _BEST_BRIGHTNESS) / _BRIGHTNESS_RANGE
    kept = 1.0 - highlights / _BURNT_OUT
    measured = (max(middling, 0.0) + contrast) / 2
    return max(kept, 0.0) * (measured + _without(seen, "dark", "bright")) / 2


def _resolution(source_px: float) -> float:
    low, high = _RESOLUTION_PX
    return _between(math.log(bounded_source_px(source_px)), math.log(low), math.log(high))


def _framing(seen: Seen) -> float:
    gaps = edge_gaps(seen.box)
    free = sum(gap > 0 for gap in gaps) / len(gaps)
    return ((free + gaps[1]) / 2 + _without(seen, "cut")) / 2


def _between(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else UNKNOWN


def _probability(seen: Seen, group: str, value: str) -> float:
    return float(seen.attributes[column(group, value)])


def _without(seen: Seen, *flaws: str) -> float:
    """Probability that none of some flaws is there, were they independent."""
    return math.prod(1.0 - float(seen.attributes[column(flaw)]) for flaw in flaws)
