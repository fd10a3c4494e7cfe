"""Clustering an album: photos come and go, the album settles, and answers are read off its state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from msgspec import structs

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Photo, PhotoEmbedding, Sighting
from sploot_media_clustering.domain.arrivals import Added
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.domain.tree import AlbumState, TreeModel
from sploot_media_clustering.errors import StateError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.answering import AlbumReader, Request
from sploot_media_clustering.services.asking import questions


class ClusteringService:
    """Album states in, album states and answers out. It keeps nothing itself.

    Args:
        heads: of the model package.
    """

    def __init__(self, heads: Heads) -> None:
        self._heads = heads

    @property
    def model(self) -> TreeModel:
        """How albums are clustered."""
        return self._heads.tree

    def empty(self, expected_animals: tuple[int, int] | None = None) -> AlbumState:
        """An album without photos; the owner's word on how many animals there are sharpens the clustering."""
        return tree.empty(self.model, expected_animals)

    def add(self, state: AlbumState, embedding: PhotoEmbedding) -> tuple[AlbumState, Added]:
        """The album with one more photo; one with the same id is replaced.

        Raises:
            StateError: embedding or state are of another model package.
        """
        return arrivals.add(state, self.project(embedding), self.model)

    def remove(self, state: AlbumState, image_id: str) -> AlbumState:
        """The album without one photo.

        Raises:
            StateError: there is no such photo.
        """
        return arrivals.remove(state, image_id, self.model)

    def settle(self, state: AlbumState) -> AlbumState:
        """The album as its photos alone determine it; clusters keep their ids."""
        return tree.settle(state, self.model)

    def updated(self, state: AlbumState, embeddings: Iterable[PhotoEmbedding]) -> AlbumState:
        """The album brought to exactly these photos, and settled; photos that it holds stay untouched."""
        photos = {embedding.image_id: self.project(embedding) for embedding in embeddings}
        known = {photo.image_id: photo for photo in state.photos}
        for image_id, photo in known.items():
            if image_id not in photos or not _same(photo, photos[image_id]):
                state = self.remove(state, image_id)
        held = {photo.image_id for photo in state.photos}
        for image_id, photo in photos.items():
            if image_id not in held:
                state, _ = arrivals.arrive(state, photo, self.model)
        return self.settle(state)

    def project(self, embedding: PhotoEmbedding) -> Photo:
        """The photo as the heads see it.

        Raises:
            StateError: the embedding was made by other networks than the heads were fitted on.
        """
        if embedding.network_version != self._heads.network_version:
            raise StateError(
                f"the embedding of {embedding.image_id} is of networks {embedding.network_version!r}, "
                f"expected {self._heads.network_version!r}; embed the photo again"
            )
        return self._heads.project(embedding)

    def answer(self, state: AlbumState, request: Request) -> Answer:
        """The album's clusters with their heroes, and what stands aside and why."""
        answer = AlbumReader(state, self._heads.pictures.hero, request).answer()
        if not request.questions:
            return answer
        asked = questions(state, {part.id: part for part in answer.clusters}, self.model, request.questions)
        return structs.replace(answer, questions=asked)

    def shown(self, state: AlbumState, answer: Answer) -> AlbumState:
        """The album, its heroes remembered: the next answer replaces one only where it is clearly beaten."""
        heroes = {part.id: tuple(hero.image_id for hero in part.heroes) for part in answer.clusters}
        return replace(state, heroes=heroes)


def _same(one: Photo, other: Photo) -> bool:
    """Whether two projections of a photo are of the same pixels under the same heads."""
    return (
        (one.captured_at, one.width_px, one.height_px) == (other.captured_at, other.width_px, other.height_px)
        and len(one.sightings) == len(other.sightings)
        and np.array_equal(one.scene, other.scene)
        and all(map(_same_sighting, one.sightings, other.sightings))
    )


def _same_sighting(one: Sighting, other: Sighting) -> bool:
    return (one.box, one.detector_score) == (other.box, other.detector_score) and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("species", "identity", "look", "attributes", "signals")
    )
