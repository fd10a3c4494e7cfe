"""A made-up data set and what judges it: animals that are easily told apart, heads that look photos up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
from strategies_album import DIMENSION, album, tree_model

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.heads import TwoCovarianceHead
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.evaluation.judged_sets import JudgedSet
from sploot_media_clustering.training.labelled import LabelledPhoto, LabelledVectors


def judged_home(animals: int = 3, photos: int = 6, name: str = "home") -> JudgedSet:
    """A set of animals far apart, one sighting a photo, and no times."""
    shots: list[Photo] = []
    owner: list[int] = []
    for animal in range(animals):
        seen = [photo for photo in album(animal, 4 * photos, 1, timed=False) if len(photo.sightings) == 1]
        for photo in seen[:photos]:
            shots.append(replace(photo, image_id=f"{name}/{animal}/{photo.image_id}"))
            owner.append(animal)
    rows = np.array(owner, np.int64)
    vectors = LabelledVectors(
        keys=tuple(photo.image_id for photo in shots),
        x=np.stack([photo.sightings[0].identity for photo in shots]),
        clearness=np.ones(len(rows)),
        animals=rows,
        sets=np.zeros(len(rows), np.int64),
        animal_names=tuple(f"{name}/{animal}" for animal in range(animals)),
        set_names=(name,),
    )
    known = dict(enumerate(shots))
    heads = Mock(spec=Heads, tree=tree_model())
    heads.identity = TwoCovarianceHead(
        np.eye(DIMENSION, dtype=np.float32),
        np.zeros(DIMENSION, np.float32),
        tree_model().subjects.between,
    )
    return JudgedSet(name, vectors, [np.flatnonzero(rows == a) for a in range(animals)], known, heads)


def labelled(one: JudgedSet) -> dict[str, LabelledPhoto]:
    """The set's photos as their labels tell them."""
    return {
        key: LabelledPhoto(key, Path(key), (one.vectors.animal_names[animal],), None)
        for key, animal in zip(one.vectors.keys, one.vectors.animals.tolist(), strict=True)
    }


def embedding_of(photo: Photo) -> PhotoEmbedding:
    """What the networks may have seen of a photo whose vectors are known."""
    return PhotoEmbedding(photo.image_id, None, 800, 600, np.zeros(4, np.float16), (), "made-up")
