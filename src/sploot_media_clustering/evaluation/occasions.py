"""Moments beside the occasions that a person saw, with capture times and without.

Protocol ``moments-1``: rated albums, scenes fitted without the set. Times are rare in old photos, so they are
simulated: occasions in random order, from twenty minutes to a month apart, photos of one occasion seconds
apart; once more in whole minutes, as many files tell them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.moments import MomentModel, moments
from sploot_media_clustering.domain.projection import SceneHead
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.judged_sets import WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.metrics import Scores, score
from sploot_media_clustering.evaluation.outcome import Measure, Outcome, means_of_sets, scored
from sploot_media_clustering.training.ratings import RatedPhotos, Rating, numbered

LEAST_PHOTOS: Final = 2
_MINUTE_S: Final = 60.0
_BETWEEN_S: Final = (1200.0, 30 * 86400.0)
"""Least and most time between two occasions, log-uniform."""

_INSIDE_S: Final = 25.0
"""Mean time between two photos of one occasion."""

WITHOUT: Final = "without_times"
EXACT: Final = "simulated_times"
MINUTES: Final = "times_in_minutes"
_MEASURES: Final = ("bcubed_f", "pairwise_f", "adjusted_rand")

Found = dict[str, dict[str, list[Scores]]]


def evaluate_moments(
    sets: Iterable[JudgedSet], rated: RatedPhotos, embeddings: Mapping[str, PhotoEmbedding]
) -> Found:
    """Run the protocol; the scores of each set's albums, by how times were told.

    Args:
        sets: whose scenes and thresholds are used.
        rated: photos of known occasions.
        embeddings: by key.

    Raises:
        DatasetError: no rated album is of one of the sets.
    """
    found: Found = {}
    for one in sets:
        albums = _albums_of(one.name, rated)
        if albums:
            found[one.name] = _scores(albums, rated, embeddings, one.heads.scene, one.heads.tree.moments)
    if not found:
        raise DatasetError("expected rated albums of the sets that are judged, got none")
    return found


def raters_moments(ratings: Sequence[Rating]) -> list[Scores]:
    """How two raters agree on occasions, by album: what can be reached. Empty without a second rater."""
    raters = sorted({rating.rater for rating in ratings})[:2]
    scores = []
    for album in sorted({rating.album for rating in ratings}):
        said = [{r.key: r.moment for r in ratings if (r.album, r.rater) == (album, who)} for who in raters]
        keys = sorted(set.intersection(*map(set, said)))
        if len(said) > 1 and len(keys) >= LEAST_PHOTOS:
            first, second = (numbered([moment[key] for key in keys]) for moment in said)
            scores.append(score(first, second))
    return scores


def moments_outcome(found: Found, raters: Sequence[Scores], judged_by: str = WITHOUT_THE_SET) -> Outcome:
    """What the protocol found.

    Args:
        found: from :func:`evaluate_moments`.
        raters: from :func:`raters_moments`.
        judged_by: says which heads judged.
    """
    measures: list[Measure] = []
    for way in (WITHOUT, EXACT, MINUTES):
        rows = [
            m for name, ways in found.items() for m in scored(f"{name}, {_plain(way)}", ways[way], _MEASURES)
        ]
        mean = means_of_sets(rows)
        measures += [*rows, *(_renamed(m, f"mean of sets, {_plain(way)}") for m in mean)]
    measures += [
        Measure("raters with each other", m.name, m.value, m.low, m.high, m.count, "neither")
        for m in (scored("", raters, _MEASURES) if raters else ())
    ]
    return Outcome("moments-1", "Moments beside a person's occasions", judged_by, tuple(measures))


def simulated_times_s(
    occasions: Int64[np.ndarray, " n"], rng: np.random.Generator
) -> Float64[np.ndarray, " n"]:
    """Times at which photos of some occasions may have been taken, in seconds.

    Args:
        occasions: of each photo.
        rng: chance.
    """
    times_s = np.empty(len(occasions))
    now_s = 0.0
    for occasion in rng.permutation(np.unique(occasions)):
        now_s += float(np.exp(rng.uniform(*np.log(_BETWEEN_S))))
        for row in rng.permutation(np.flatnonzero(occasions == occasion)):
            times_s[row] = now_s
            now_s += float(rng.exponential(_INSIDE_S))
    return times_s


def _albums_of(name: str, rated: RatedPhotos) -> list[Int64[np.ndarray, " _m"]]:
    prefix = f"{name}/"
    own = [i for i, album in enumerate(rated.album_names) if album.startswith(prefix)]
    rows = [np.flatnonzero(rated.albums == i) for i in own]
    return [album for album in rows if len(album) >= LEAST_PHOTOS]


def _scores(
    albums: Sequence[Int64[np.ndarray, " _m"]],
    rated: RatedPhotos,
    embeddings: Mapping[str, PhotoEmbedding],
    scene: SceneHead,
    model: MomentModel,
) -> dict[str, list[Scores]]:
    rng = np.random.default_rng(0)
    ways: dict[str, list[Scores]] = {WITHOUT: [], EXACT: [], MINUTES: []}
    for rows in albums:
        scenes = np.stack([scene.project(embeddings[rated.keys[row]].embedding) for row in rows])
        truth = rated.moments[rows]
        exact_s = simulated_times_s(truth, rng)
        times_s = {
            WITHOUT: np.full(len(rows), np.nan),
            EXACT: exact_s,
            MINUTES: exact_s // _MINUTE_S * _MINUTE_S,
        }
        for way, told_s in times_s.items():
            ways[way].append(score(truth, moments(scenes, told_s, model)))
    return ways


def _plain(way: str) -> str:
    return way.replace("_", " ")


def _renamed(measure: Measure, group: str) -> Measure:
    return Measure(group, measure.name, measure.value, count=measure.count, better=measure.better)
