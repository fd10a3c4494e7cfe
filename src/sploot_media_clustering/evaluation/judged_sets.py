"""Every data set under heads that were fitted without it: what protocols about animals begin with.

A person with one or two folders has nothing to fit heads on. Theirs are judged by the heads of the package as
they are, and the result says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.heads import assembled, training_data
from sploot_media_clustering.training.identity import (
    LEAST_PHOTOS,
    IdentityFit,
    fit_identity,
    head_without,
)
from sploot_media_clustering.training.labelled import DataSet, LabelledVectors, labelled_vectors

HOUSEHOLD_SIZES: Final = (2, 3, 4)

LEAST_SETS: Final = 3
"""One is judged, and what is fitted on another is tried on a third."""

WITHOUT_THE_SET: Final = "heads fitted without the set"
AS_THEY_ARE: Final = "the package's heads as they are"


@dataclass(frozen=True, slots=True, eq=False)
class JudgedSet:
    """One data set, and the heads that it is judged by.

    Attributes:
        name: of the data set.
        vectors: of all labelled photos of all sets.
        animals: rows of each animal of the set that has enough photos.
        photos: of those rows, as the heads see them.
        heads: scenes, identities, concentration and temperature fitted without the set, where there are
            enough sets.
        judged_by: says which heads these are.
    """

    name: str
    vectors: LabelledVectors
    animals: list[Int64[np.ndarray, " _n"]]
    photos: Mapping[int, Photo]
    heads: Heads
    judged_by: str = WITHOUT_THE_SET

    def album(self, rows: Int64[np.ndarray, " n"]) -> tuple[list[Photo], dict[str, int]]:
        """The photos of some rows, in their order, and the animal of each by ``image_id``."""
        photos = [self.photos[row] for row in rows]
        animals = self.vectors.animals[rows].tolist()
        return photos, {photo.image_id: animal for photo, animal in zip(photos, animals, strict=True)}

    @property
    def identity(self) -> IdentityFit:
        """The head of identities and the level that clusters its vectors."""
        return IdentityFit(self.heads.identity, self.heads.tree.subjects)


def judged_sets(
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    heads: Heads,
    progress: Callable[[str], None] = lambda _: None,
    *,
    as_is: bool = False,
) -> Iterator[JudgedSet]:
    """Every set that has at least two animals of three photos.

    Args:
        data_sets: labelled photos; of fewer than :data:`LEAST_SETS` sets, all are judged by ``heads``.
        embeddings: by key.
        heads: whose look and hero heads are used; those decide nothing about who is who.
        progress: told the name of each set before its turn.
        as_is: whether ``heads`` judge all sets, however many there are.

    Raises:
        DatasetError: no set has two animals of three photos.
    """
    vectors = labelled_vectors(data_sets, embeddings)
    held = judged(vectors)
    if not held:
        raise DatasetError(
            f"expected two animals of at least {LEAST_PHOTOS} readable photos in one data set, got none; "
            "put each animal's photos into a folder of its own, side by side"
        )
    enough = len(vectors.set_names) >= LEAST_SETS and not as_is
    without = heads_without(data_sets, embeddings, vectors, heads)
    for one in held:
        name = vectors.set_names[one]
        progress(name)
        own, judged_by = (without(frozenset({one})), WITHOUT_THE_SET) if enough else (heads, AS_THEY_ARE)
        animals = vectors.rows_of(one, least=LEAST_PHOTOS)
        photos = {row: own.project(embeddings[vectors.keys[row]]) for row in np.concatenate(animals).tolist()}
        yield JudgedSet(name, vectors, animals, photos, own, judged_by)


def heads_without(
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    vectors: LabelledVectors,
    heads: Heads,
) -> Callable[[frozenset[int]], Heads]:
    """Heads fitted without some sets, told by their indices; what two of them share is fitted once.

    Args:
        data_sets: labelled photos.
        embeddings: by key.
        vectors: of the same photos.
        heads: whose look and hero heads are used.
    """
    fit = head_without(vectors)

    def without(left_out: frozenset[int]) -> Heads:
        names = {vectors.set_names[one] for one in left_out}
        identity = fit_identity(vectors, fit, left_out=left_out)
        data = training_data(data_sets, embeddings, left_out=names)
        return assembled(data, identity, heads.pictures, version=heads.tree.version)

    return without


def judged(vectors: LabelledVectors) -> list[int]:
    """Sets that make households: those with at least two animals of three photos."""
    return [
        held
        for held in range(len(vectors.set_names))
        if len(vectors.rows_of(held, least=LEAST_PHOTOS)) >= min(HOUSEHOLD_SIZES)
    ]
