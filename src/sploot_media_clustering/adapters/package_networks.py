"""The embedder and the animal detector of a model package, wherever their networks run."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from sploot_media_clustering.adapters.placement import Ladder, Placement
from sploot_media_clustering.domain.album import SPECIES, Box
from sploot_media_clustering.services.manifest import DetectorEntry, EmbedderEntry
from sploot_media_clustering.services.ports import Detection, EmbeddedViews

LEAST_SCORE: Final = 0.05
"""Candidates below it are never believed, so they are not handed on."""


class PairedNetwork:
    """A network that gives embeddings alone, and another one that tells species.

    Args:
        embedder: its only output are embeddings.
        species: its second output are species probabilities.
        species_px: side of the second one's input.
    """

    def __init__(self, embedder: Ladder, species: Ladder, *, species_px: int) -> None:
        self._embedder = embedder
        self._species = species
        self._species_px = species_px

    @property
    def placement(self) -> Placement:
        """Where the embedder runs."""
        return self._embedder.placement

    def run(self, views: UInt8[np.ndarray, "n s s 3"]) -> list[np.ndarray]:
        """Embeddings and species probabilities of one view or more."""
        sides = (self._species_px, self._species_px)
        scaled = [np.asarray(Image.fromarray(view).resize(sides, Image.Resampling.BICUBIC)) for view in views]
        return [*self._embedder.run(views), self._species.run(np.stack(scaled))[1]]


class NetworkEmbedder:
    """Implements :class:`~sploot_media_clustering.services.ports.Embedder`; safe to share between threads.

    Args:
        network: gives embeddings and species probabilities of views.
        entry: its description in the manifest.
        version: of the networks of the package.
    """

    def __init__(self, network: Ladder | PairedNetwork, *, entry: EmbedderEntry, version: str) -> None:
        self._network = network
        self._entry = entry
        self._version = version

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self._entry.input_px

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._entry.dimension

    @property
    def version(self) -> str:
        """Name and checksum of the networks; vectors of two versions never meet."""
        return self._version

    @property
    def placement(self) -> Placement:
        """Where the network runs."""
        return self._network.placement

    def embed(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        """Embed n views; a view's result does not depend on the views beside it."""
        if len(views) == 0:
            return EmbeddedViews(
                *(np.zeros((0, size), np.float32) for size in (self.dimension, len(SPECIES)))
            )
        embeddings, species = self._network.run(views)
        return EmbeddedViews(embeddings, species)


class NetworkDetector:
    """Implements :class:`~sploot_media_clustering.services.ports.AnimalDetector`; safe to share.

    Args:
        network: gives boxes and scores of pictures.
        entry: its description in the manifest.
    """

    def __init__(self, network: Ladder, *, entry: DetectorEntry) -> None:
        self._network = network
        self._entry = entry

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self._entry.input_px

    @property
    def placement(self) -> Placement:
        """Where the network runs."""
        return self._network.placement

    def detect(self, images: UInt8[np.ndarray, "n s s 3"]) -> list[tuple[Detection, ...]]:
        """Candidate boxes of each image, best first; suppression is the caller's."""
        if len(images) == 0:
            return []
        boxes, scores = self._network.run(images)
        return [_detections(*one) for one in zip(boxes, scores, strict=True)]


def _detections(
    boxes: Float32[np.ndarray, "c 4"], scores: Float32[np.ndarray, "c 3"]
) -> tuple[Detection, ...]:
    likely = scores.max(axis=1) >= LEAST_SCORE
    return tuple(
        Detection(Box(*box), (cat, dog, animal))
        for box, (cat, dog, animal) in zip(boxes[likely].tolist(), scores[likely].tolist(), strict=True)
    )
