"""Photos and sightings: what the networks saw (embeddings), and what the heads made of it (vectors).

A :class:`PhotoEmbedding` is tied to the networks of a model package and is what the embedding cache keeps.
Heads project it to a :class:`Photo`, the value that mixtures, moments and heroes work on; so a new head
re-projects stored embeddings and touches no image.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from jaxtyping import Float16, Float32

SPECIES: Final = ("cat", "dog", "animal")
"""The columns of every species vector: cat, dog, another animal."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle in fractions of the upright photo's width and height, each side in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Share of the photo's width."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Share of the photo's height."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Share of the photo's area, 0 for an inverted box."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def intersection(self, other: Box) -> float:
        """Share of the photo's area that both boxes cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def overlap(self, other: Box) -> float:
        """Intersection over union, in [0, 1]."""
        shared = self.intersection(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def containment(self, other: Box) -> float:
        """Intersection over the smaller of the two areas, in [0, 1]: 1 when one box lies inside the other."""
        smaller = min(self.area, other.area)
        return self.intersection(other) / smaller if smaller > 0 else 0.0


WHOLE: Final = Box(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class SightingEmbedding:
    """One animal in one photo, as the networks saw it.

    Attributes:
        box: where the animal is.
        species: probabilities of :data:`SPECIES`, float32, sums to 1.
        detector_score: the detector's confidence in [0, 1].
        embedding: of the square crop around the box, before any head.
        pixels: the raw measures of :mod:`.quality`, in the order of ``quality.PIXEL_MEASURES``.
    """

    box: Box
    species: Float32[np.ndarray, " 3"]
    detector_score: float
    embedding: Float16[np.ndarray, " e"]
    pixels: Float32[np.ndarray, " q"]


@dataclass(frozen=True, slots=True, eq=False)
class PhotoEmbedding:
    """One photo, as the networks of one model package saw it.

    Attributes:
        image_id: unique inside an album.
        captured_at: capture time, naive (the camera's own clock) where its offset is unknown.
        width_px: of the upright original.
        height_px: of the upright original.
        embedding: of the whole photo, before any head.
        sightings: every animal found, best first; empty when there is none.
        network_version: of the networks that made the embeddings; vectors of two versions never meet.
    """

    image_id: str
    captured_at: datetime | None
    width_px: int
    height_px: int
    embedding: Float16[np.ndarray, " e"]
    sightings: tuple[SightingEmbedding, ...]
    network_version: str


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One animal in one photo, as the heads see it.

    Attributes:
        box: where the animal is.
        species: probabilities of :data:`SPECIES`.
        detector_score: the detector's confidence in [0, 1].
        identity: which animal: vector of the identity head.
        look: what kind of picture: vector of the look head, not yet centred on the subject.
        attributes: probabilities of every attribute value, groups in the order of the attribute head.
        signals: hero signals in [0, 1], in the order of ``hero.SIGNALS``.
    """

    box: Box
    species: Float32[np.ndarray, " 3"]
    detector_score: float
    identity: Float32[np.ndarray, " d"]
    look: Float32[np.ndarray, " l"]
    attributes: Float32[np.ndarray, " a"]
    signals: Float32[np.ndarray, " s"]


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One photo, as the heads see it.

    Attributes:
        image_id: unique inside an album.
        captured_at: capture time or None.
        width_px: of the upright original.
        height_px: of the upright original.
        scene: unit vector that tells scenes apart; near-duplicates have a cosine near 1.
        sightings: every animal found, best first.
    """

    image_id: str
    captured_at: datetime | None
    width_px: int
    height_px: int
    scene: Float32[np.ndarray, " c"]
    sightings: tuple[Sighting, ...]
