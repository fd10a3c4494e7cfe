"""From what the networks saw to what the heads make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float16, Float32

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding, Sighting, SightingEmbedding
from sploot_media_clustering.domain.grid import ATTRIBUTE_STEP, SCENE_STEP, SHARE_STEP, on_grid, share
from sploot_media_clustering.domain.heads import TwoCovarianceHead, features, root
from sploot_media_clustering.domain.pictures import PictureHeads
from sploot_media_clustering.domain.tree import TreeModel


@dataclass(frozen=True, slots=True, eq=False)
class SceneHead:
    """Leading axes of whole photos, which tell scenes apart.

    Attributes:
        mean: taken from the rooted embeddings of whole photos, if not 0; shape [e].
        axes: shape [c, e].
    """

    mean: Float32[np.ndarray, " e"]
    axes: Float32[np.ndarray, "c e"]

    def project(self, whole: Float[np.ndarray, "*n e"]) -> Float32[np.ndarray, "*n c"]:
        """Scene vectors of length 1, up to the grain of their grid."""
        vectors = (root(whole) - self.mean) @ self.axes.T
        length = np.linalg.norm(vectors, axis=-1, keepdims=True)
        return on_grid(vectors / np.maximum(length, np.float32(1e-9)), SCENE_STEP)


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """All that was fitted on labelled photos: the part of a model package that is no network.

    Attributes:
        network_version: of the embeddings that these heads read.
        identity: which animal.
        pictures: what kind of picture, and how good.
        scene: which scene.
        tree: how the vectors are clustered; its version names networks and heads together.
    """

    network_version: str
    identity: TwoCovarianceHead
    pictures: PictureHeads
    scene: SceneHead
    tree: TreeModel

    def project(self, embedding: PhotoEmbedding) -> Photo:
        """A photo as the heads see it; its numbers are on grids: a stored one is the one used."""
        return Photo(
            image_id=embedding.image_id,
            captured_at=embedding.captured_at,
            width_px=embedding.width_px,
            height_px=embedding.height_px,
            scene=self.scene.project(embedding.embedding),
            sightings=tuple(self._sighting(embedding.embedding, seen) for seen in embedding.sightings),
        )

    def _sighting(self, whole: Float16[np.ndarray, " e"], seen: SightingEmbedding) -> Sighting:
        x = features(whole, seen.embedding)
        described = self.pictures.describe(x, seen)
        return Sighting(
            box=seen.box,
            species=on_grid(seen.species, SHARE_STEP),
            detector_score=share(seen.detector_score),
            identity=self.identity.project(x),
            look=described.look,
            attributes=on_grid(described.attributes, ATTRIBUTE_STEP),
            signals=on_grid(described.signals, SHARE_STEP),
        )
