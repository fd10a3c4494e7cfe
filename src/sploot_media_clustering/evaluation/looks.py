"""What kind of picture: settled looks beside the shelves of a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.evaluation.left_out import Figure, Judged
from sploot_media_clustering.evaluation.metrics import Scores, interval, score
from sploot_media_clustering.training.ratings import RatedPhotos, Rating, numbered

LEAST_PHOTOS: Final = 8
"""Of an album: shelves of fewer photos are a matter of taste."""

MEASURES: Final = ("purity", "unassigned", "v_measure", "bcubed_f", "clusters_per_group")


def evaluate_looks(judged: Sequence[Judged]) -> tuple[Figure, ...]:
    """Agreement of settled looks with the first rater's, over albums of :data:`LEAST_PHOTOS` or more.

    Args:
        judged: one a seed of the folds.
    """
    return _figures([_album_scores(one.rated, one.looks) for one in judged])


def evaluate_one_look(rated: RatedPhotos) -> tuple[Figure, ...]:
    """The same figures for putting every album on one shelf."""
    return _figures([_album_scores(rated, np.zeros(len(rated), np.int64))])


def evaluate_raters_looks(ratings: Sequence[Rating]) -> tuple[Figure, ...]:
    """The same figures for a second rater beside the first: what can be reached. Empty without a second."""
    raters = sorted({rating.rater for rating in ratings})
    scores = []
    for album in sorted({rating.album for rating in ratings}):
        said = {rater: _looks_of(ratings, album, rater) for rater in raters[:2]}
        keys = sorted(set.intersection(*(set(looks) for looks in said.values()))) if len(said) > 1 else []
        if len(keys) >= LEAST_PHOTOS:
            first, second = (numbered([looks[key] for key in keys]) for looks in said.values())
            scores.append(score(first, second))
    return _figures([scores]) if scores else ()


def _looks_of(ratings: Sequence[Rating], album: str, rater: str) -> dict[str, tuple[str | None, str]]:
    """Look of each photo of an album; one of no look has a look of its own."""
    return {
        rating.key: (rating.look, "" if rating.look else rating.key)
        for rating in ratings
        if rating.album == album and rating.rater == rater
    }


def _album_scores(rated: RatedPhotos, labels: Int64[np.ndarray, " n"]) -> list[Scores]:
    albums = (np.flatnonzero(rated.albums == album) for album in np.unique(rated.albums))
    return [score(rated.looks[rows], labels[rows]) for rows in albums if len(rows) >= LEAST_PHOTOS]


def _figures(runs: Sequence[Sequence[Scores]]) -> tuple[Figure, ...]:
    """Means over albums; an album's own value is its mean over the seeds."""
    figures = []
    for measure in MEASURES:
        table = np.array([[getattr(scores, measure) for scores in run] for run in runs])
        spread = float(table.mean(1).std())
        figures.append(Figure(measure, interval(table.mean(0).tolist()), spread, table.shape[1]))
    return tuple(figures)
