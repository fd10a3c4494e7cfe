"""How much a person has to say until an album is right, and what their words break.

Protocol ``corrections-1``: households as in ``households-e2e-1``, settled under heads fitted without their
set. A simulated person looks at the labelled animal of every photo and makes the correction that puts most
photos right: says that two animals are one, puts photos of one animal where its others are, or splits them
off. One decision may be about several photos, as selecting them is one act. It ends when every animal has
one subject, and that subject's photos are all its own; a photo that stands aside alone is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64

from sploot_media_clustering.domain import tree
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.decisions import Kind, SightingRef, decide
from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.tree import AlbumState, TreeModel
from sploot_media_clustering.evaluation.albums import settled_album
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES, WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.metrics import Interval, interval
from sploot_media_clustering.evaluation.outcome import Measure, Outcome, means_of_sets, over
from sploot_media_clustering.training.households import households

DRAWS: Final = 40
_PHOTOS: Final = 20
"""Corrections are told for so many photos."""

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
UNKNOWN: Final = -1
"""The animal of a sighting that nobody labelled."""


@dataclass(frozen=True, slots=True)
class CorrectionsResult:
    """One data set.

    Attributes:
        name: of the data set.
        albums: households.
        per_20_photos: decisions until right.
        made_wrong: share of right photos, that it was not about, which a decision turned wrong.
        unfinished: households that were not right after as many decisions as they have photos.
    """

    name: str
    albums: int
    per_20_photos: Interval
    made_wrong: float
    unfinished: int


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What a person would say next: a decision about rows of the album, and the photos it puts right."""

    kind: Kind
    rows: Int64[np.ndarray, " m"]
    others: Int64[np.ndarray, " o"]
    mended: int


def evaluate_corrections(
    sets: Iterable[JudgedSet], *, draws: int = DRAWS, seed: int = 1
) -> list[CorrectionsResult]:
    """Run the protocol.

    Args:
        sets: to be judged.
        draws: households of each set.
        seed: of the households.
    """
    results = []
    for one in sets:
        drawn = households(one.animals, HOUSEHOLD_SIZES, draws, seed)
        runs = [corrected_album(*one.album(rows), one.heads.tree) for rows in drawn]
        results.append(_result(one.name, runs))
    return results


def corrections_outcome(results: Sequence[CorrectionsResult], judged_by: str = WITHOUT_THE_SET) -> Outcome:
    """What the protocol found.

    Args:
        results: one a set.
        judged_by: says which heads judged them.
    """
    measures = [
        measure
        for one in results
        for measure in (
            over(one.name, "decisions_for_20_photos", one.per_20_photos, one.albums, "lower"),
            Measure(one.name, "right_made_wrong", one.made_wrong, count=one.albums, better="lower"),
            Measure(one.name, "unfinished", float(one.unfinished), count=one.albums, better="lower"),
        )
    ]
    return Outcome(
        protocol="corrections-1",
        title="How much a person has to say until an album is right",
        judged_by=judged_by,
        measures=(*measures, *means_of_sets(measures)),
    )


@dataclass(frozen=True, slots=True)
class CorrectedAlbum:
    """How one album was put right.

    Attributes:
        photos: of the album.
        decisions: made.
        right_before: photos that were right before a decision that was not about them, summed over decisions.
        made_wrong: of those, wrong after it.
        finished: whether everything was right in the end.
    """

    photos: int
    decisions: int
    right_before: int
    made_wrong: int
    finished: bool


def corrected_album(photos: Sequence[Photo], animal: Mapping[str, int], model: TreeModel) -> CorrectedAlbum:
    """Let the simulated person put one album right.

    Args:
        photos: of the album.
        animal: of the best sighting of each photo, by ``image_id``.
        model: of the album.
    """
    state = settled_album(photos, model)
    truth = _truth(state, animal)
    before_in_all = wrong_in_all = 0
    for turn in range(len(photos)):
        correction = next_correction(state.subject_labels(), truth)
        if correction is None:
            return CorrectedAlbum(len(photos), turn, before_in_all, wrong_in_all, finished=True)
        before = right(state.subject_labels(), truth)
        before[correction.rows] = False
        state = _said(state, correction, turn, model)
        after = right(state.subject_labels(), truth)
        before_in_all += int(before.sum())
        wrong_in_all += int((before & ~after).sum())
    return CorrectedAlbum(len(photos), len(photos), before_in_all, wrong_in_all, finished=False)


def _truth(state: AlbumState, animal: Mapping[str, int]) -> Int64[np.ndarray, " s"]:
    return np.array(
        [
            animal[photo.image_id] if place == 0 else UNKNOWN
            for photo in state.photos
            for place in range(len(photo.sightings))
        ],
        np.int64,
    )


def _said(state: AlbumState, correction: Correction, turn: int, model: TreeModel) -> AlbumState:
    refs = [SightingRef(p.image_id, s.box) for p in state.photos for s in p.sightings]
    decision = decide(
        correction.kind,
        _START + timedelta(seconds=turn),
        [refs[row] for row in correction.rows],
        [refs[row] for row in correction.others],
    )
    return tree.settle(replace(state, decisions=(*state.decisions, decision)), model)


def homes(labels: Int64[np.ndarray, " s"], truth: Int64[np.ndarray, " s"]) -> dict[int, int]:
    """The subject of each animal that has one: where it has most photos, of those where no other has more."""
    known = (truth != UNKNOWN) & (labels != ASIDE)
    table = np.zeros((int(truth.max(initial=0)) + 1, int(labels.max(initial=0)) + 1), np.int64)
    np.add.at(table, (truth[known], labels[known]), 1)
    owner = table.argmax(0)
    found = {}
    for animal in np.unique(truth[known]).tolist():
        own = np.where(owner == animal, table[animal], 0)
        if own.any():
            found[animal] = int(own.argmax())
    return found


def right(labels: Int64[np.ndarray, " s"], truth: Int64[np.ndarray, " s"]) -> Bool[np.ndarray, " s"]:
    """Sightings that are where their animal is."""
    home = homes(labels, truth)
    where = np.array([home.get(animal, ASIDE - 1) for animal in truth.tolist()], np.int64)
    return labels == where


def next_correction(labels: Int64[np.ndarray, " s"], truth: Int64[np.ndarray, " s"]) -> Correction | None:
    """The correction that puts most photos right; None where everything is."""
    home = homes(labels, truth)
    options = []
    for animal in np.unique(truth[truth != UNKNOWN]).tolist():
        own = truth == animal
        places = np.unique(labels[own]).tolist()
        for place in places:
            stray = np.flatnonzero(own & (labels == place))
            if animal in home and place != home[animal]:
                options.append(_brought_home(labels, truth, stray, place, home[animal]))
            elif animal not in home and place != ASIDE:
                rest = np.setdiff1d(np.flatnonzero(labels == place), stray)
                options.append(Correction("split", stray, rest, len(stray)))
            elif animal not in home and len(stray) > 1:
                options.append(Correction("same", stray[:1], stray[1:], len(stray)))
    return max(options, key=lambda option: option.mended, default=None)


def _brought_home(
    labels: Int64[np.ndarray, " s"],
    truth: Int64[np.ndarray, " s"],
    stray: Int64[np.ndarray, " m"],
    place: int,
    home: int,
) -> Correction:
    """Photos of an animal elsewhere: a whole subject is its, or some photos of another's, or some aside."""
    there = np.flatnonzero(labels == home)
    known = np.flatnonzero((labels == place) & (truth != UNKNOWN))
    if place != ASIDE and np.bincount(truth[known]).argmax() == truth[stray[0]]:
        return Correction("same", np.flatnonzero(labels == place), there, len(stray))
    return Correction("confirm", stray, there, len(stray))


def _result(name: str, runs: Sequence[CorrectedAlbum]) -> CorrectionsResult:
    right_before = sum(run.right_before for run in runs)
    return CorrectionsResult(
        name=name,
        albums=len(runs),
        per_20_photos=interval([_PHOTOS * run.decisions / run.photos for run in runs]),
        made_wrong=sum(run.made_wrong for run in runs) / max(right_before, 1),
        unfinished=sum(not run.finished for run in runs),
    )
