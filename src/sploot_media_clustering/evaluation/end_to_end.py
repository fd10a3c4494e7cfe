"""Which animal, from the photos on: all detected sightings, extra subjects counted as errors.

Protocol ``households-e2e-1``: as ``households-1``, but every photo comes with all sightings that the
detector found, and the whole tree is run: moments, atoms, cannot-links, arrival and settling. The best
sighting of a photo stands for the labelled animal; every further sighting is a group of its own, so that
whatever it joins or founds is an error, but no animal to be found; a photo without a sighting is unassigned.
Scenes, identities, concentration and temperature are fitted without the set under test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.domain.tree import AlbumState, TreeModel
from sploot_media_clustering.evaluation.identity import DRAWS, HOUSEHOLD_SIZES
from sploot_media_clustering.evaluation.metrics import Interval, Scores, interval, mean_scores, score
from sploot_media_clustering.evaluation.set_left_out import sets_left_out
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.labelled import DataSet, LabelledVectors


@dataclass(frozen=True, slots=True)
class EndToEndResult:
    """One data set, judged from the photos on by what was fitted without it.

    Attributes:
        name: of the data set.
        households: mean over households of several animals.
        v_measure: its mean and 95 % bootstrap interval over households.
        alone: mean over albums of one animal.
    """

    name: str
    households: Scores
    v_measure: Interval
    alone: Scores


def evaluate_end_to_end(
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    heads: Heads,
    *,
    draws: int = DRAWS,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> list[EndToEndResult]:
    """Run the protocol on every set that has at least two animals of three photos.

    Args:
        data_sets: labelled photos.
        embeddings: by key.
        heads: whose look and hero heads are used; those decide nothing that is measured here.
        draws: households of each set.
        seed: of the households.
        progress: told the name of each set before its turn.
    """
    results = []
    for one in sets_left_out(data_sets, embeddings, heads, progress):
        rows = households(one.animals, HOUSEHOLD_SIZES, draws, seed)
        scored = partial(_scored, one.vectors, one.photos, one.heads.tree)
        together, alone = [scored(r) for r in rows], [scored(r) for r in one.animals]
        results.append(
            EndToEndResult(
                name=one.name,
                households=mean_scores(together),
                v_measure=interval([s.v_measure for s in together]),
                alone=mean_scores(alone),
            )
        )
    return results


def settled_album(photos: Sequence[Photo], model: TreeModel) -> AlbumState:
    """An album of some photos, arrived in their order and settled."""
    state = tree.empty(model)
    for photo in photos:
        state, _ = arrivals.add(state, photo, model)
    return tree.settle(state, model)


def _scored(
    vectors: LabelledVectors, photos: Mapping[int, Photo], model: TreeModel, rows: Int64[np.ndarray, " n"]
) -> Scores:
    state = settled_album([photos[row] for row in rows], model)
    animal = {photos[row].image_id: int(vectors.animals[row]) for row in rows}
    truth: list[int] = []
    found: list[int] = []
    extra = int(vectors.animals.max()) + 1
    labels = state.subject_labels()
    row = 0
    for photo in state.photos:
        for place in range(max(len(photo.sightings), 1)):
            truth.append(animal[photo.image_id] if place == 0 else extra)
            extra += place > 0
            found.append(int(labels[row]) if photo.sightings else ASIDE)
            row += bool(photo.sightings)
    groups = np.array(truth, np.int64)
    return score(groups, np.array(found, np.int64), photos=groups <= vectors.animals.max())
