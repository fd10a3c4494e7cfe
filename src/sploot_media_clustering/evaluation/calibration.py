"""Do probabilities mean what they say: expected calibration error, and reliability diagrams.

Protocol ``membership-1``: households as in ``households-e2e-1``; each best sighting has a probability of
belonging to its subject, or to the one that it is guessed to be of. It is right where that subject holds the
sighting's animal more often than any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.evaluation.albums import settled_album
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES, WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.metrics import Interval
from sploot_media_clustering.evaluation.outcome import Outcome, Plot, Series, means_of_sets, over
from sploot_media_clustering.training.households import households

BINS: Final = 10
"""Of the calibration error: bins of equally many photos."""

DRAWS: Final = 40
_RESAMPLES: Final = 300


@dataclass(frozen=True, slots=True, eq=False)
class Claimed:
    """Probabilities given, and whether what they were given to was right.

    Attributes:
        sure: probability of each claim.
        right: whether it was right.
        albums: of each claim; intervals are over whole albums.
    """

    sure: Float64[np.ndarray, " n"]
    right: Bool[np.ndarray, " n"]
    albums: Int64[np.ndarray, " n"]


def calibration_error(sure: Float64[np.ndarray, " n"], right: Bool[np.ndarray, " n"]) -> float:
    """Mean distance of probability and share of right answers, over bins of equally many photos.

    Args:
        sure: probability given to the answer.
        right: whether it was right.
    """
    bins = _bins(sure)
    return float(sum(abs(float(sure[b].sum()) - float(right[b].sum())) for b in bins)) / len(sure)


def reliability(
    sure: Float64[np.ndarray, " n"], right: Bool[np.ndarray, " n"]
) -> tuple[tuple[float, float], ...]:
    """Mean probability and share of right answers of each bin of equally many photos."""
    return tuple((round(float(sure[b].mean()), 4), round(float(right[b].mean()), 4)) for b in _bins(sure))


def calibration_interval(runs: Sequence[Claimed]) -> Interval:
    """Mean calibration error of some runs over the same albums, its interval over whole albums.

    Args:
        runs: of equal albums, e.g. one a seed of the folds.
    """
    errors = [calibration_error(run.sure, run.right) for run in runs]
    albums = runs[0].albums
    rows_of = [np.flatnonzero(albums == album) for album in np.unique(albums)]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([rows_of[i] for i in rng.integers(len(rows_of), size=len(rows_of))])
        drawn.append(np.mean([calibration_error(run.sure[rows], run.right[rows]) for run in runs]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(float(np.mean(errors)), float(low), float(high))


def evaluate_membership(
    sets: Iterable[JudgedSet], *, draws: int = DRAWS, seed: int = 1
) -> dict[str, Claimed]:
    """Run the protocol; what was claimed in each set.

    Args:
        sets: to be judged.
        draws: households of each set.
        seed: of the households.
    """
    found = {}
    for one in sets:
        parts = []
        for album, rows in enumerate(households(one.animals, HOUSEHOLD_SIZES, draws, seed)):
            photos, animals = one.album(rows)
            parts.append(claimed_memberships(settled_album(photos, one.heads.tree), animals, album))
        found[one.name] = Claimed(
            np.concatenate([part.sure for part in parts]),
            np.concatenate([part.right for part in parts]),
            np.concatenate([part.albums for part in parts]),
        )
    return found


def claimed_memberships(state: AlbumState, animals: Mapping[str, int], album: int) -> Claimed:
    """What a settled album claims of its best sightings.

    Args:
        state: of the album.
        animals: of the best sighting of each photo, by ``image_id``.
        album: its number.
    """
    first = np.cumsum([0, *(len(photo.sightings) for photo in state.photos)])[:-1]
    seen = [
        (int(row), animals[p.image_id]) for p, row in zip(state.photos, first, strict=True) if p.sightings
    ]
    rows = np.array([row for row, _ in seen], np.int64)
    truth = np.array([animal for _, animal in seen], np.int64)
    subjects = state.subject_labels()[rows]
    guesses = np.append(state.animals, ASIDE)[state.subjects.guesses[rows]]
    guessed = guesses != ASIDE
    majority = _majorities(subjects, truth, len(state.subject_ids))
    right = majority[guesses[guessed], truth[guessed]]
    sure = state.subjects.probabilities[rows][guessed]
    return Claimed(sure, right, np.full(len(sure), album))


def membership_outcome(found: Mapping[str, Claimed], judged_by: str = WITHOUT_THE_SET) -> Outcome:
    """What the protocol found.

    Args:
        found: claims of each set.
        judged_by: says which heads judged them.
    """
    measures = [
        over(name, "calibration_error", calibration_interval([one]), len(one.sure), "lower")
        for name, one in found.items()
    ]
    return Outcome(
        protocol="membership-1",
        title="Probabilities that a photo is of its animal",
        judged_by=judged_by,
        measures=(*measures, *means_of_sets(measures)),
        plots=(
            Plot(
                title="Membership: said and right",
                x="probability given",
                y="share that was right",
                series=tuple(Series(name, reliability(one.sure, one.right)) for name, one in found.items()),
                kind="reliability",
                caption="On the diagonal, probabilities mean what they say; below it they promise too much. "
                "Each point is a tenth of the photos.",
            ),
        ),
    )


def _bins(sure: Float64[np.ndarray, " n"]) -> list[Int64[np.ndarray, " b"]]:
    order = np.argsort(sure, kind="stable")
    return np.array_split(order, min(BINS, len(order)))


def _majorities(
    subjects: Int64[np.ndarray, " n"], truth: Int64[np.ndarray, " n"], size: int
) -> Bool[np.ndarray, "k a"]:
    """Which animals each subject holds as often as any other."""
    table = np.zeros((size, int(truth.max(initial=0)) + 1), np.int64)
    placed = subjects != ASIDE
    np.add.at(table, (subjects[placed], truth[placed]), 1)
    return (table == table.max(1, keepdims=True)) & (table > 0)
