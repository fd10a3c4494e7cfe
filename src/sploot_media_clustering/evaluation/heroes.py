"""Which picture to show: the best of an album beside what people said of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.evaluation.left_out import Figure, Judged
from sploot_media_clustering.evaluation.metrics import Interval
from sploot_media_clustering.training.pictures import ordered_pairs
from sploot_media_clustering.training.ratings import ACCEPTED, RatedPhotos, Rating

LEAST_PHOTOS: Final = 6
"""Of an album for its best and its top three to be judged: among fewer there is little to choose."""

LEAST_IN_GROUP: Final = 3
"""Of a look or a moment for its best to be judged; photos rated alike leave nothing to judge."""

TOP: Final = 3
SUB_ALBUMS: Final = 500


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something was right, of how many, in one album."""

    right: float
    of: int


Run = dict[str, list[Tally]]


def evaluate_heroes(judged: Sequence[Judged]) -> tuple[Figure, ...]:
    """Figures by the first rater's word, each share over all cases of all albums.

    ``best accepted`` and ``top 3 accepted``: rated :data:`ACCEPTED` or better, albums of
    :data:`LEAST_PHOTOS` or more; ``best of look``, ``best of moment``: nothing in it is rated higher;
    ``pairs``: of one album, ordered as the ratings do.

    Args:
        judged: one a seed of the folds.
    """
    runs = [_run(one) for one in judged]
    return tuple(tallied(name, [run[name] for run in runs]) for name in runs[0])


def evaluate_sub_albums(judged: Sequence[Judged], *, albums: int = SUB_ALBUMS) -> tuple[Figure, ...]:
    """The same of random parts of albums, of :data:`LEAST_PHOTOS` or more: there is less to choose from.

    Args:
        judged: one a seed of the folds; all of the same photos. Scores are those of the whole album.
        albums: parts that are drawn.
    """
    rated = judged[0].rated
    whole = [
        rows
        for album in np.unique(rated.albums)
        if len(rows := np.flatnonzero(rated.albums == album)) >= LEAST_PHOTOS
    ]
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(albums if whole else 0):
        rows = whole[rng.integers(len(whole))]
        parts.append(rng.choice(rows, rng.integers(LEAST_PHOTOS, len(rows) + 1), replace=False))
    runs: list[list[tuple[Tally, Tally]]] = [
        [_accepted(rated.first_hero[rows], one.scores[rows]) for rows in parts] for one in judged
    ]
    names = ("sub-album best accepted", "sub-album top 3 accepted")
    return tuple(
        tallied(name, [[part[place] for part in run] for run in runs]) for place, name in enumerate(names)
    )


def _accepted(hero: Float64[np.ndarray, " m"], scores: Float64[np.ndarray, " m"]) -> tuple[Tally, Tally]:
    """Whether the best is accepted, and the share of the top ones that are."""
    accepted = (hero >= ACCEPTED)[np.argsort(-scores, kind="stable")]
    return Tally(float(accepted[0]), 1), Tally(float(accepted[:TOP].mean()), 1)


def evaluate_raters_heroes(ratings: Sequence[Rating]) -> tuple[Figure, ...]:
    """Share of pairs that both raters order, and order alike: what can be reached. Empty without a second."""
    raters = sorted({rating.rater for rating in ratings})[:2]
    tallies = []
    for album in sorted({rating.album for rating in ratings}):
        said = [{r.key: r.hero for r in ratings if r.album == album and r.rater == rater} for rater in raters]
        keys = sorted(set.intersection(*map(set, said)))
        if len(said) > 1 and keys:
            first, second = (np.array([hero[key] for key in keys], np.float64) for hero in said)
            tallies.append(_agreement(first, second))
    return (tallied("pairs", [tallies]),) if tallies else ()


def _run(judged: Judged) -> Run:
    rated = judged.rated
    run: Run = {
        name: []
        for name in (
            "best accepted",
            "top 3 accepted",
            "best of look",
            "best of moment",
            "pairs",
        )
    }
    for album in np.unique(rated.albums):
        rows = np.flatnonzero(rated.albums == album)
        hero, scores = rated.first_hero[rows], judged.scores[rows]
        if len(rows) >= LEAST_PHOTOS:
            best, top = _accepted(hero, scores)
            run["best accepted"].append(best)
            run["top 3 accepted"].append(top)
        run["best of look"].append(_best_of(rated.looks[rows], hero, scores))
        run["best of moment"].append(_best_of(rated.moments[rows], hero, scores))
        run["pairs"].append(_pairs(rated, rows, scores))
    return run


def _best_of(
    groups: Int64[np.ndarray, " m"], hero: Float64[np.ndarray, " m"], scores: Float64[np.ndarray, " m"]
) -> Tally:
    judged = list(_judged_groups(groups, hero))
    right = sum(hero[rows[scores[rows].argmax()]] == hero[rows].max() for rows in judged)
    return Tally(float(right), len(judged))


def _judged_groups(
    groups: Int64[np.ndarray, " m"], hero: Float64[np.ndarray, " m"]
) -> Iterator[Int64[np.ndarray, " k"]]:
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        if len(rows) >= LEAST_IN_GROUP and hero[rows].max() > hero[rows].min():
            yield rows


def _pairs(rated: RatedPhotos, rows: Int64[np.ndarray, " m"], scores: Float64[np.ndarray, " m"]) -> Tally:
    better, worse = ordered_pairs(rated.first_hero[rows], rated.albums[rows])
    return Tally(float((scores[better] > scores[worse]).sum()), len(better))


def _agreement(first: Float64[np.ndarray, " m"], second: Float64[np.ndarray, " m"]) -> Tally:
    better, worse = ordered_pairs(first, np.zeros(len(first), np.int64))
    told = second[better] != second[worse]
    return Tally(float((second[better] > second[worse])[told].sum()), int(told.sum()))


def tallied(name: str, runs: Sequence[Sequence[Tally]]) -> Figure:
    """A share of all cases; its interval is over albums, which are drawn whole.

    Args:
        name: of the figure.
        runs: one a seed of the folds, each with a tally of every album.
    """
    right = np.mean([[tally.right for tally in run] for run in runs], axis=0)
    of = np.mean([[tally.of for tally in run] for run in runs], axis=0)
    shares = [sum(tally.right for tally in run) / max(sum(tally.of for tally in run), 1) for run in runs]
    return Figure(name, _share(right, of), float(np.std(shares)), round(float(of.sum())))


def _share(
    right: Float64[np.ndarray, " a"], of: Float64[np.ndarray, " a"], *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Right of all, with its 95 % percentile interval over resampled albums."""
    drawn = np.random.default_rng(seed).integers(len(of), size=(resamples, len(of)))
    total = of[drawn].sum(1)
    shares = right[drawn].sum(1)[total > 0] / total[total > 0]
    if not len(shares):
        return Interval(math.nan, math.nan, math.nan)
    low, high = np.quantile(shares, (0.025, 0.975))
    return Interval(float(right.sum() / of.sum()), float(low), float(high))
