"""A clustering service whose heads look photos up, so that an album of vectors needs no network."""

from __future__ import annotations

import numpy as np
from strategies_album import tree_model

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.hero import SCORED, HeroModel
from sploot_media_clustering.services.clustering import ClusteringService

MODEL = tree_model()
NETWORKS = "networks-1"


class Album:
    """Photos by name, in place of heads: an embedding stands for the photo of its name."""

    def __init__(self, photos: tuple[Photo, ...]) -> None:
        self.photos = {photo.image_id: photo for photo in photos}

    def embeddings(self, names: list[str]) -> list[PhotoEmbedding]:
        return [embedding_of(self.photos[name]) for name in names]


class FakeHeads:
    """Heads that look the photo up; only what the service asks of real ones."""

    network_version = NETWORKS
    tree = MODEL

    def __init__(self, album: Album) -> None:
        self._album = album

    @property
    def pictures(self) -> FakeHeads:
        return self

    @property
    def hero(self) -> HeroModel:
        even = np.full(len(SCORED), 1 / len(SCORED))
        return HeroModel(weights=even, usual=np.full(len(SCORED), 0.5), sharpness_of_choice=8.0)

    def project(self, embedding: PhotoEmbedding) -> Photo:
        return self._album.photos[embedding.image_id]


def embedding_of(photo: Photo, networks: str = NETWORKS) -> PhotoEmbedding:
    return PhotoEmbedding(
        image_id=photo.image_id,
        captured_at=photo.captured_at,
        width_px=photo.width_px,
        height_px=photo.height_px,
        embedding=np.zeros(4, np.float16),
        sightings=(),
        network_version=networks,
    )


def service_of(album: Album) -> ClusteringService:
    # Annotations are checked under test, so the stand-in for heads goes past the constructor's.
    service = ClusteringService.__new__(ClusteringService)
    service._heads = FakeHeads(album)  # type: ignore[assignment]
    return service
