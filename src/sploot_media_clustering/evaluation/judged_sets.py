"""Every data set under heads that were fitted without it: what protocols from the photos on begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.evaluation.identity import HOUSEHOLD_SIZES
from sploot_media_clustering.training.heads import assembled, training_data
from sploot_media_clustering.training.identity import LEAST_PHOTOS, fit_identity, head_without
from sploot_media_clustering.training.labelled import DataSet, LabelledVectors, labelled_vectors


@dataclass(frozen=True, slots=True, eq=False)
class SetLeftOut:
    """One data set, and heads that know the others only.

    Attributes:
        name: of the data set.
        vectors: of all labelled photos of all sets.
        animals: rows of each animal of the set that has enough photos.
        photos: of those rows, as the heads see them.
        heads: scenes, identities, concentration and temperature fitted without the set.
    """

    name: str
    vectors: LabelledVectors
    animals: list[Int64[np.ndarray, " _n"]]
    photos: Mapping[int, Photo]
    heads: Heads

    def album(self, rows: Int64[np.ndarray, " n"]) -> tuple[list[Photo], dict[str, int]]:
        """The photos of some rows, in their order, and the animal of each by ``image_id``."""
        photos = [self.photos[row] for row in rows]
        animals = self.vectors.animals[rows].tolist()
        return photos, {photo.image_id: animal for photo, animal in zip(photos, animals, strict=True)}


def sets_left_out(
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    heads: Heads,
    progress: Callable[[str], None],
) -> Iterator[SetLeftOut]:
    """Every set that has at least two animals of three photos.

    Args:
        data_sets: labelled photos.
        embeddings: by key.
        heads: whose look and hero heads are used; those decide nothing about who is who.
        progress: told the name of each set before its turn.
    """
    vectors = labelled_vectors(data_sets, embeddings)
    fit = head_without(vectors)
    for held, name in enumerate(vectors.set_names):
        animals = vectors.rows_of(held, least=LEAST_PHOTOS)
        if len(animals) < min(HOUSEHOLD_SIZES):
            continue
        progress(name)
        identity = fit_identity(vectors, fit, left_out=frozenset({held}))
        data = training_data(data_sets, embeddings, left_out={name})
        judged = assembled(data, identity, heads.pictures, version=heads.tree.version)
        photos = {row: judged.project(embeddings[vectors.keys[row]]) for row in np.concatenate(animals)}
        yield SetLeftOut(name, vectors, animals, photos, judged)
