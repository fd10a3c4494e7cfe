"""Hero weights moved by what people chose: pairs of photos of which one is to be shown before the other.

``preferences.jsonl`` stands beside a data set's index, with ``better`` and ``worse`` on each line, files as
the index names them. It says nothing of what the pictures show, so that only the weights of the signals move,
and these from where ratings, or the package that one starts from, have put them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.optimize import minimize

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.heads import features
from sploot_media_clustering.domain.hero import SCORED, HeroModel, scored_signals
from sploot_media_clustering.domain.pictures import PictureHeads
from sploot_media_clustering.domain.signals import CLUSTER_SIGNALS, UNKNOWN
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.services.labels import PREFERENCES_FILE
from sploot_media_clustering.training.json_lines import read_lines
from sploot_media_clustering.training.labelled import DataSet

PRIOR_PRECISION: Final = 1.0
"""Of the log odds of each signal around what they were. Heads fitted without a set, then moved by three pairs
of each of half its albums: on its other albums the log loss of a pair goes from .352 to .347 (campus cats),
.481 to .478 (home cats), .385 to .384 (mixed homes); at a tenth of this it rises in two of them."""

_NAMES: Final = ("better", "worse")


@dataclass(frozen=True, slots=True, eq=False)
class Preferred:
    """A choice between two photos.

    Attributes:
        better: the one that was chosen.
        worse: the other one.
        group: who is on the better one; choices of one animal are far from independent.
    """

    better: PhotoEmbedding
    worse: PhotoEmbedding
    group: tuple[str, ...]


def read_preferences(
    data_sets: Sequence[DataSet], embeddings: Mapping[str, PhotoEmbedding]
) -> tuple[Preferred, ...]:
    """All choices of some data sets between photos in which an animal was found.

    Args:
        data_sets: that may have a file of preferences; parts of one set have the same.
        embeddings: of their photos, by key.

    Raises:
        DatasetError: a file does not read, or names a photo that its index does not.
    """
    folders = dict.fromkeys(data_set.folder for data_set in data_sets)
    animals = {photo.key: photo.animals for data_set in data_sets for photo in data_set.photos}
    found = []
    for path in (folder / PREFERENCES_FILE for folder in folders):
        for row in read_lines(path, _NAMES) if path.is_file() else ():
            better, worse = (f"{path.parent.name}/{row.values[name]}" for name in _NAMES)
            if unknown := {better, worse} - animals.keys():
                raise DatasetError(f"{row.place}: expected photos of the index, got {min(unknown)}")
            one, other = embeddings.get(better), embeddings.get(worse)
            if one is not None and other is not None and one.sightings and other.sightings:
                found.append(Preferred(one, other, animals[better]))
    return tuple(found)


def with_preferences(pictures: PictureHeads, chosen: Sequence[Preferred]) -> PictureHeads:
    """Heads whose hero weights are most likely after some choices (maximum a posteriori).

    Args:
        pictures: heads as they were: the mean of a normal prior, and what tells the signals of a photo.
        chosen: pairs; those of an animal weigh as the root of their number.
    """
    hero = pictures.hero
    pairs = np.stack([_signals(pair.better, pictures) - _signals(pair.worse, pictures) for pair in chosen])
    count = Counter(pair.group for pair in chosen)
    importance = np.array([1.0 / np.sqrt(count[pair.group]) for pair in chosen])
    log_odds = _most_likely(pairs, importance, hero.weights * hero.sharpness_of_choice)
    total = float(log_odds.sum())
    return replace(pictures, hero=HeroModel(log_odds / total, hero.usual, total))


def _signals(photo: PhotoEmbedding, pictures: PictureHeads) -> Float64[np.ndarray, " s"]:
    """Of the best sighting, what it is among the others of its cluster left open."""
    seen = photo.sightings[0]
    told = pictures.describe(features(photo.embedding, seen.embedding), seen).signals
    open_one = np.full(1, UNKNOWN)
    return scored_signals(np.asarray(told, np.float64)[None], open_one, open_one)[0]


def _most_likely(
    pairs: Float64[np.ndarray, "p s"],
    importance: Float64[np.ndarray, " p"],
    prior: Float64[np.ndarray, " s"],
) -> Float64[np.ndarray, " s"]:
    """Non-negative log odds for each unit of a signal; those of signals that are left open stay."""

    def loss(weights: Float64[np.ndarray, " s"]) -> tuple[float, Float64[np.ndarray, " s"]]:
        ahead, moved = pairs @ weights, weights - prior
        wrong = importance / (1.0 + np.exp(ahead))
        value = float(importance @ np.logaddexp(0.0, -ahead)) + 0.5 * PRIOR_PRECISION * float(moved @ moved)
        return value, PRIOR_PRECISION * moved - wrong @ pairs

    bounds = [
        (value, value) if name in CLUSTER_SIGNALS else (0.0, None)
        for name, value in zip(SCORED, prior.tolist(), strict=True)
    ]
    return np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=bounds).x)
