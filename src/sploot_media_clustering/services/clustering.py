"""Clustering an album: photos come and go, the album settles, and answers are read off its state."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from msgspec import structs

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
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

    def add_all(self, state: AlbumState, embeddings: Iterable[PhotoEmbedding]) -> AlbumState:
        """The album with some photos more, none of them twice; those with a known id are replaced.

        Raises:
            StateError: an embedding or the state is of another model package.
        """
        return arrivals.add_all(state, [self.project(embedding) for embedding in embeddings], self.model)

    def remove(self, state: AlbumState, image_id: str) -> AlbumState:
        """The album without one photo.

        Raises:
            StateError: there is no such photo, or the state is of another model package.
        """
        return arrivals.remove(state, image_id, self.model)

    def settle(self, state: AlbumState) -> AlbumState:
        """The album as its photos and decisions alone determine it; clusters keep their ids.

        Raises:
            StateError: the state is of another model package.
        """
        return tree.settle(state, self.model)

    def updated(
        self, state: AlbumState, embeddings: Iterable[PhotoEmbedding], keep: Collection[str] = ()
    ) -> AlbumState:
        """The album brought to exactly these photos, and settled; ids, names and decisions live on.

        Args:
            state: of this model package, or of another one whose vectors are then replaced.
            embeddings: of all photos of the album.
            keep: ids of photos that stay as they are known, since they can't be had for the moment.

        Raises:
            StateError: an embedding is of other networks.
        """
        photos = {embedding.image_id: self.project(embedding) for embedding in embeddings}
        if state.model_version == self.model.version:
            waiting = [p for p in state.photos if p.image_id in keep and p.image_id not in photos]
            photos |= {photo.image_id: photo for photo in waiting}
        return tree.brought_to(state, list(photos.values()), self.model)

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
        """The album's clusters with their heroes, and what stands aside and why.

        Raises:
            StateError: the state is of another model package.
        """
        tree.require(state, self.model)
        answer = AlbumReader(state, self.model, self._heads.pictures.hero, request).answer()
        if not request.questions:
            return answer
        asked = questions(state, {part.id: part for part in answer.clusters}, self.model, request.questions)
        return structs.replace(answer, questions=asked)

    def shown(self, state: AlbumState, answer: Answer) -> AlbumState:
        """The album, its heroes remembered: the next answer replaces one only where it is clearly beaten."""
        heroes = {part.id: tuple(hero.image_id for hero in part.heroes) for part in answer.clusters}
        return replace(state, heroes=heroes)
