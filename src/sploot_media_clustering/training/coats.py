"""Fitting the coat head: what coat an animal wears, from labels of animals and not of photos.

``coats.csv`` stands beside a data set's ``index.csv`` with the columns ``animal, coat``; the coats are those
of ``domain.attributes.COATS``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.special import softmax

from sploot_media_clustering.domain.attributes import COATS
from sploot_media_clustering.domain.coats import CoatHead
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.album_folds import album_folds, each_left_out
from sploot_media_clustering.training.csv_table import read_rows
from sploot_media_clustering.training.labelled import LabelledVectors
from sploot_media_clustering.training.logistic import logistic_regression, temperature_of
from sploot_media_clustering.training.principal_axes import principal_axes

COATS_FILE: Final = "coats.csv"

WEIGHT_DECAY: Final = 1e-4
"""L2 penalty on weights, the mean loss being 1: with twice as much half as many coats are sure, with half as
much more of the sure ones are wrong (animals left out)."""

COMPONENTS: Final = 384
FOLDS: Final = 10
_FOLD_SEED: Final = 0


@dataclass(frozen=True, slots=True, eq=False)
class CoatedPhotos:
    """Photos of animals whose coat is known, in columns.

    Attributes:
        x: feature vectors.
        coats: index of each photo's coat in ``COATS``.
        animals: index of each photo's animal.
        sets: index of each photo's data set.
    """

    x: Float32[np.ndarray, "n f"]
    coats: Int64[np.ndarray, " n"]
    animals: Int64[np.ndarray, " n"]
    sets: Int64[np.ndarray, " n"]


@dataclass(frozen=True, slots=True, eq=False)
class CoatFit:
    """A head, and what heads like it say of animals that they were not fitted on.

    Attributes:
        head: fitted on all animals.
        left_out: probabilities of every photo's coat by a head fitted without its fold.
    """

    head: CoatHead
    left_out: Float32[np.ndarray, "n k"]


def read_coats(folders: Sequence[Path]) -> dict[str, str]:
    """Coat of each animal, by ``set/animal``; of the data sets that hold a ``coats.csv``.

    Raises:
        DatasetError: a file lacks a column or names a coat that is none.
    """
    found: dict[str, str] = {}
    for folder in folders:
        path = folder / COATS_FILE
        if not path.is_file():
            continue
        for row in read_rows(path, ("animal", "coat")):
            animal, coat = row.values["animal"], row.values["coat"]
            if coat not in COATS:
                raise DatasetError(f"{row.place}, {animal}: expected a coat of {COATS}, got {coat!r}")
            found[f"{folder.name}/{animal}"] = coat
    return found


def coated_photos(vectors: LabelledVectors, coats: Mapping[str, str]) -> CoatedPhotos | None:
    """The photos of animals whose coat is known; None where there are fewer animals than folds."""
    known = np.array([name in coats for name in vectors.animal_names], bool)
    if known.sum() < FOLDS:
        return None
    rows = np.flatnonzero(known[vectors.animals])
    of_animal = np.array([COATS.index(coats.get(name, COATS[-1])) for name in vectors.animal_names], np.int64)
    animals = vectors.animals[rows]
    return CoatedPhotos(vectors.x[rows], of_animal[animals], animals, vectors.sets[rows])


def fit_coats(photos: CoatedPhotos, folds: Int64[np.ndarray, " n"] | None = None) -> CoatFit:
    """Fit the coat head, calibrated on animals left out.

    Args:
        photos: of animals whose coat is known.
        folds: of each photo; by default of whole animals, :data:`FOLDS` of them.
    """
    folds = album_folds(photos.animals, FOLDS, _FOLD_SEED) if folds is None else folds
    mean = photos.x.mean(0)
    axes = principal_axes(photos.x - mean, COMPONENTS)
    z = (photos.x - mean) @ axes.T
    target, weight = np.eye(len(COATS))[photos.coats], _importance(photos.animals)
    logits = np.empty_like(target)
    for held in each_left_out(folds):
        slope, lift = logistic_regression(z[~held], target[~held], WEIGHT_DECAY, weight[~held])
        logits[held] = z[held] @ slope.T + lift
    temperature = temperature_of(logits, target, weight)
    slope, lift = logistic_regression(z, target, WEIGHT_DECAY, weight)
    direct = slope @ axes / temperature
    head = CoatHead(COATS, direct.astype(np.float32), (lift / temperature - direct @ mean).astype(np.float32))
    return CoatFit(head, softmax(logits / temperature, axis=1).astype(np.float32))


def _importance(animals: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """An animal weighs as the root of its number of photos: they are far from independent."""
    return 1.0 / np.sqrt(np.bincount(animals)[animals])
