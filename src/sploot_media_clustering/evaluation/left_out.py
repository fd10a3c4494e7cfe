"""Looks and heroes of albums that no head was fitted on.

Protocol ``albums-out-1``: rated albums are dealt to five folds; for each fold every head is fitted on the
albums of the others and applied to this one's, by the best sighting of each photo. A photo in which no animal
was found counts: it has no look, and is never chosen. Repeated with several seeds of the folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from sploot_media_clustering.domain.conflicts import none
from sploot_media_clustering.domain.hero import scored_signals
from sploot_media_clustering.domain.level import LevelModel, place
from sploot_media_clustering.domain.partition import Items
from sploot_media_clustering.domain.pictures import PictureHeads
from sploot_media_clustering.domain.signals import UNKNOWN, typicality
from sploot_media_clustering.evaluation.metrics import Interval
from sploot_media_clustering.evaluation.outcome import KNOWN_BETTER, Better, Measure, over
from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.pictures import fit_pictures, look_level
from sploot_media_clustering.training.ratings import RatedPhotos

FOLDS: Final = 5
SEEDS: Final = (1, 2, 3)

NO_LOOK: Final = -1


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure over albums.

    Attributes:
        name: what is measured.
        interval: mean and 95 % bootstrap interval over albums.
        spread: standard deviation of the mean over the seeds of the folds.
        count: of what is averaged over, for one seed.
    """

    name: str
    interval: Interval
    spread: float
    count: int


def figure_measures(group: str, figures: Sequence[Figure], better: Better = "higher") -> tuple[Measure, ...]:
    """Figures as measures of one group; those of agreement know by their names where they should go.

    Args:
        group: of all.
        figures: over albums.
        better: where the others should go.
    """
    return tuple(
        over(group, figure.name, figure.interval, figure.count, KNOWN_BETTER.get(figure.name, better))
        for figure in figures
    )


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What heads say of rated albums.

    Attributes:
        rated: the photos.
        looks: settled look of each photo, numbered inside its album; :data:`NO_LOOK` where it has none.
        scores: hero score of each photo among its album; minus infinity where no animal was found.
        attributes: probabilities of each photo, in the order of ``ATTRIBUTES``.
    """

    rated: RatedPhotos
    looks: Int64[np.ndarray, " n"]
    scores: Float64[np.ndarray, " n"]
    attributes: Float32[np.ndarray, "n a"]


def leave_albums_out(
    rated: RatedPhotos,
    *,
    folds: int = FOLDS,
    seeds: Sequence[int] = SEEDS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Judged]:
    """Judge every album by heads that were fitted without it, once a seed.

    Args:
        rated: photos of at least as many albums as there are folds.
        folds: how many.
        seeds: of the folds.
        progress: told each fold before its turn.
    """
    judged = []
    for seed in seeds:
        fold = album_folds(rated.albums, folds, seed)
        parts = []
        for held in range(folds):
            progress(f"seed {seed}, fold {held + 1} of {folds}")
            heads = fit_pictures(rated.taken(np.flatnonzero(fold != held)))
            parts.append(judge(rated.taken(np.flatnonzero(fold == held)), heads))
        judged.append(_joined(rated, fold, parts))
    return judged


def judge(rated: RatedPhotos, heads: PictureHeads) -> Judged:
    """Apply heads to rated albums, each by itself."""
    described = [heads.describe(x, sighting) for x, sighting in zip(rated.x, rated.sightings, strict=True)]
    vectors = np.stack([one.look for one in described]).astype(np.float64)
    signals = np.stack([one.signals for one in described])
    level = look_level(heads.look)
    looks = np.full(len(rated), NO_LOOK)
    scores = np.full(len(rated), -np.inf)
    for album in np.unique(rated.albums):
        rows = np.flatnonzero((rated.albums == album) & rated.seen)
        looks[rows] = _settled(vectors[rows], level)
        typical = typicality(vectors[rows])
        scored = scored_signals(signals[rows], typical, np.full(len(rows), UNKNOWN))
        scores[rows] = heads.hero.score(scored)
    return Judged(rated, looks, scores, np.stack([one.attributes for one in described]))


def _settled(vectors: Float64[np.ndarray, "n l"], level: LevelModel) -> Int64[np.ndarray, " n"]:
    """Looks of one animal's photos, each on its own: no moments, no atoms."""
    size = len(vectors)
    if size == 0:
        return np.zeros(0, np.int64)
    items = Items(vectors - vectors.mean(0), np.ones(size), np.arange(size), none(size))
    return place(items, level).labels


def _joined(rated: RatedPhotos, fold: Int64[np.ndarray, " n"], parts: Sequence[Judged]) -> Judged:
    """Folds put together again, in the order of the photos."""
    back = np.argsort(np.concatenate([np.flatnonzero(fold == held) for held in range(len(parts))]))
    return Judged(
        rated,
        np.concatenate([part.looks for part in parts])[back],
        np.concatenate([part.scores for part in parts])[back],
        np.concatenate([part.attributes for part in parts])[back],
    )
