"""Albums of labelled photos, settled, and how they agree with the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.tree import AlbumState, TreeModel
from sploot_media_clustering.evaluation.metrics import Scores, score


def settled_album(photos: Sequence[Photo], model: TreeModel) -> AlbumState:
    """An album of some photos, arrived in their order and settled."""
    return tree.settle(arrived_album(photos, model), model)


def arrived_album(photos: Sequence[Photo], model: TreeModel) -> AlbumState:
    """An album of some photos, arrived in their order; it settled where that was due."""
    state = tree.empty(model)
    for photo in photos:
        state, _ = arrivals.add(state, photo, model)
    return state


def state_scores(state: AlbumState, animals: Mapping[str, int]) -> Scores:
    """Agreement of an album's subjects with the labels; further sightings are strays.

    Args:
        state: of the album.
        animals: of the best sighting of each photo, by ``image_id``.
    """
    truth: list[int] = []
    found: list[int] = []
    strays = extra = max(animals.values()) + 1
    labels = state.subject_labels()
    row = 0
    for photo in state.photos:
        for place in range(max(len(photo.sightings), 1)):
            truth.append(animals[photo.image_id] if place == 0 else extra)
            extra += place > 0
            found.append(int(labels[row]) if photo.sightings else ASIDE)
            row += bool(photo.sightings)
    groups = np.array(truth, np.int64)
    return score(groups, np.array(found, np.int64), photos=groups < strays)


def best_labels(state: AlbumState) -> dict[str, int]:
    """Subject of the best sighting of each photo; :data:`~.level.ASIDE` where there is none."""
    labels = state.subject_labels()
    rows = np.cumsum([0, *(len(photo.sightings) for photo in state.photos)])
    return {
        photo.image_id: int(labels[row]) if photo.sightings else ASIDE
        for photo, row in zip(state.photos, rows[:-1], strict=True)
    }
