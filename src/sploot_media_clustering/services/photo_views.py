"""What the networks look at in one photo, and how what they say of it becomes an embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from sploot_media_clustering.domain.album import WHOLE, Box, PhotoEmbedding, SightingEmbedding
from sploot_media_clustering.domain.detection import (
    DetectionThresholds,
    Found,
    find_animals,
    in_photo,
    species_of,
    square_crop,
    windows,
)
from sploot_media_clustering.domain.quality import CROP_PX, LEAST_PX, measure
from sploot_media_clustering.services.ports import Detection, EmbeddedViews, Picture


@dataclass(frozen=True, slots=True, eq=False)
class PhotoViews:
    """What is cut out of one decoded photo.

    Attributes:
        picture: the photo.
        look_px: side of the detector's input.
        view_px: side of the embedder's input.
    """

    picture: Picture
    look_px: int
    view_px: int

    @property
    def windows(self) -> tuple[Box, ...]:
        """Where the detector looks."""
        return windows(_aspect(self.picture))

    def looks(self) -> UInt8[np.ndarray, "w d d 3"]:
        """The windows, at the detector's input size."""
        return np.stack([self.picture.view(place, self.look_px, self.look_px) for place in self.windows])

    def whole(self) -> UInt8[np.ndarray, "1 e e 3"]:
        """The whole photo, at the embedder's input size."""
        return self.picture.view(WHOLE, self.view_px, self.view_px)[None]

    def find(
        self,
        detections: Sequence[Sequence[Detection]],
        classifier: Callable[[], Float32[np.ndarray, " 3"]],
        thresholds: DetectionThresholds,
    ) -> tuple[Found, ...]:
        """The animals among the detector's boxes.

        Args:
            detections: of each window.
            classifier: species probabilities of the whole photo; asked only where they matter.
            thresholds: when a box is believed.
        """
        candidates = [
            Found(box, detection.scores)
            for place, inside in zip(self.windows, detections, strict=True)
            for detection in inside
            if (box := in_photo(detection.box, place)) is not None
        ]
        return find_animals(candidates, classifier, thresholds)

    def crops(self, found: Sequence[Found]) -> UInt8[np.ndarray, "n e e 3"]:
        """A square crop around each animal, at the embedder's input size."""
        side_px, aspect = self.view_px, _aspect(self.picture)
        crops = [self.picture.view(square_crop(animal.box, aspect), side_px, side_px) for animal in found]
        return np.stack(crops) if crops else np.zeros((0, side_px, side_px, 3), np.uint8)

    def pixels(self, found: Sequence[Found]) -> list[Float32[np.ndarray, " q"]]:
        """Pixel measures of each animal's box, at the fixed scale of :mod:`..domain.quality`."""
        return [self._measured(animal.box) for animal in found]

    def embedding(
        self,
        image_id: str,
        whole: Float32[np.ndarray, " e"],
        sightings: tuple[SightingEmbedding, ...],
        network_version: str,
    ) -> PhotoEmbedding:
        """All that is known of the photo, as it is kept."""
        width_px, height_px = self.picture.size_px
        return PhotoEmbedding(
            image_id=image_id,
            captured_at=self.picture.captured_at,
            width_px=width_px,
            height_px=height_px,
            embedding=whole.astype(np.float16),
            sightings=sightings,
            network_version=network_version,
        )

    def _measured(self, box: Box) -> Float32[np.ndarray, " q"]:
        photo_px = self.picture.size_px
        width_px, height_px = photo_px[0] * box.width, photo_px[1] * box.height
        longest_px = max(width_px, height_px)
        sides = (max(round(side * CROP_PX / longest_px), LEAST_PX) for side in (width_px, height_px))
        return measure(self.picture.view(box, *sides), longest_px)


def sightings_of(
    found: Sequence[Found], pixels: Sequence[Float32[np.ndarray, " q"]], seen: EmbeddedViews
) -> tuple[SightingEmbedding, ...]:
    """The animals of one photo: their places, their pixel measures, what their crops give."""
    rows = zip(found, seen.embeddings, seen.species, pixels, strict=True)
    return tuple(
        SightingEmbedding(
            box=animal.box,
            species=species_of(animal.scores, species),
            detector_score=animal.score,
            embedding=embedding.astype(np.float16),
            pixels=measures,
        )
        for animal, embedding, species, measures in rows
    )


def _aspect(picture: Picture) -> float:
    width_px, height_px = picture.size_px
    return width_px / height_px
