"""Fitting all heads of a model package on labelled photos."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float32

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.heads import root
from sploot_media_clustering.domain.pictures import PictureHeads
from sploot_media_clustering.domain.projection import Heads, SceneHead
from sploot_media_clustering.domain.tree import TreeModel
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.coats import CoatedPhotos, coated_photos, fit_coats, read_coats
from sploot_media_clustering.training.identity import IdentityFit, fit_identity, head_without
from sploot_media_clustering.training.labelled import DataSet, LabelledVectors, labelled_vectors
from sploot_media_clustering.training.moments import MOMENTS, fit_moments
from sploot_media_clustering.training.pictures import fit_pictures, look_level
from sploot_media_clustering.training.preferences import Preferred, read_preferences, with_preferences
from sploot_media_clustering.training.ratings import RatedPhotos, rated_photos, read_ratings

SCENE_AXES: Final = 128

ATOM_DISTANCE: Final = 0.3
HINT_STRENGTH: Final = 8.0
"""An owner's word is worth as much as the concentration of an album of 40 photos."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Labelled photos with their embeddings.

    Attributes:
        vectors: those of one animal each.
        rated: None where nobody rated any.
        whole: rooted embeddings of whole photos.
        network_version: of the networks.
        coated: where coats were told of enough animals.
        preferred: choices between pictures, where there are any.
    """

    vectors: LabelledVectors
    rated: RatedPhotos | None
    whole: Float32[np.ndarray, "n e"]
    network_version: str
    coated: CoatedPhotos | None = None
    preferred: tuple[Preferred, ...] = ()


def training_data(
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    *,
    left_out: Collection[str] = (),
) -> TrainingData:
    """What heads are fitted on.

    Args:
        data_sets: labelled photos.
        embeddings: by key.
        left_out: names of data sets of which nothing may be used.
    """
    used = [data_set for data_set in data_sets if data_set.name not in left_out]
    keys = [photo.key for data_set in used for photo in data_set.photos if photo.key in embeddings]
    versions = {embeddings[key].network_version for key in keys}
    vectors = labelled_vectors(used, embeddings)
    folders = list(dict.fromkeys(data_set.folder for data_set in used))
    ratings = read_ratings(folders)
    return TrainingData(
        vectors=vectors,
        rated=rated_photos(ratings, embeddings) if ratings else None,
        whole=root(np.stack([embeddings[key].embedding for key in keys])),
        network_version=versions.pop(),
        coated=coated_photos(vectors, read_coats(folders)),
        preferred=read_preferences(used, embeddings),
    )


def fit_heads(data: TrainingData, *, version: str, known: Heads | None = None) -> Heads:
    """Fit every head that there are labels for.

    Args:
        data: labelled photos.
        version: of the package that the heads go into.
        known: heads of the same networks, of which those stay that nothing was told of: all but identity
            where no photo is rated, coats where they are told of too few animals.

    Raises:
        DatasetError: no photo is rated, and no heads are known.
    """
    identity = fit_identity(data.vectors, head_without(data.vectors))
    coat = known.pictures.coat if known is not None else None
    if data.coated is not None:
        coat = fit_coats(data.coated).head
    if data.rated is not None:
        pictures = fit_pictures(data.rated, coat)
    elif known is not None:
        pictures = replace(known.pictures, coat=coat)
    else:
        raise DatasetError("expected rated photos, since there are no heads to go on from, got none")
    if data.preferred:
        pictures = with_preferences(pictures, data.preferred)
    return assembled(data, identity, pictures, version=version, known=known)


def assembled(
    data: TrainingData,
    identity: IdentityFit,
    pictures: PictureHeads,
    *,
    version: str,
    known: Heads | None = None,
) -> Heads:
    """Heads that were fitted one by one, as one value, with scenes and what a moment is.

    Both are those of known heads where no photo is rated.
    """
    if data.rated is None and known is not None:
        scene, moments = known.scene, known.tree.moments
    else:
        scene = fit_scene(data.whole)
        moments = fit_moments(data.rated, scene) if data.rated is not None else MOMENTS
    return Heads(
        network_version=data.network_version,
        identity=identity.head,
        pictures=pictures,
        scene=scene,
        tree=TreeModel(
            version=version,
            subjects=identity.level,
            looks=look_level(pictures.look),
            moments=moments,
            atom_distance=ATOM_DISTANCE,
            hint_strength=HINT_STRENGTH,
            scene_dimension=SCENE_AXES,
        ),
    )


QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def reference_statistics(embeddings: Sequence[PhotoEmbedding]) -> dict[str, tuple[float, ...]]:
    """Quantiles, at :data:`QUANTILES`, of what photos of pets look like to the networks."""
    best = [photo.sightings[0] for photo in embeddings if photo.sightings]
    measured = {
        "whole_norm": [float(np.linalg.norm(photo.embedding.astype(np.float32))) for photo in embeddings],
        "crop_norm": [float(np.linalg.norm(one.embedding.astype(np.float32))) for one in best],
        "detector_score": [one.detector_score for one in best],
        "sightings": [float(len(photo.sightings)) for photo in embeddings],
        "box_area": [one.box.area for one in best],
    }
    return {
        name: tuple(round(value, 5) for value in np.quantile(values, QUANTILES).tolist())
        for name, values in measured.items()
    }


def fit_scene(whole: Float32[np.ndarray, "n e"]) -> SceneHead:
    """Leading axes of whole photos about zero, not about their mean.

    What all photos have in common stays in: a photo with little besides has a direction of chance without it.
    By moments of sets left out this is worth .04 of BCubed F.
    """
    exact = whole.astype(np.float64)
    _, axes = np.linalg.eigh(exact.T @ exact)
    nothing = np.zeros(whole.shape[1], np.float32)
    return SceneHead(nothing, axes[:, ::-1][:, :SCENE_AXES].T.astype(np.float32))
