"""What an album is not sure of, and what a person's answer would be worth.

A doubt is worth the photos whose place an answer is expected to change: the probability that it changes
them, times how many they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.special import expit

from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain.conflicts import none
from sploot_media_clustering.domain.corrected import MORE_LIKELY_THAN_NOT
from sploot_media_clustering.domain.corrections import vouched
from sploot_media_clustering.domain.expectations import ScaleSearch
from sploot_media_clustering.domain.groups import members
from sploot_media_clustering.domain.level import ASIDE, UNSURE
from sploot_media_clustering.domain.merge_path import merge_paths
from sploot_media_clustering.domain.mixture import log_evidence
from sploot_media_clustering.domain.partition import Items
from sploot_media_clustering.domain.statements import (
    VOUCHING,
    Assignment,
    Statement,
    barred,
    names,
    same_name,
    standing,
    statements,
)
from sploot_media_clustering.domain.tree import AlbumState, TreeModel, sighting_weights

_LEAST_WORTH: Final = 0.2
"""Photos: what is worth less is not asked."""

_AT_ONCE: Final = 1 << 18
"""Pairs of components that are weighed at once, in ordinary albums all: some 300 MB."""

_LEAST_TO_HALVE: Final = 4
_MOST_TO_HALVE: Final = 600
"""Sightings of an animal that is looked at for two; the search grows with their square."""


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """One thing that an album is not sure of.

    Attributes:
        kind: ``confirm``: is this sighting of that animal; ``same``: are two animals one; ``check``: is one
            animal two.
        subjects: in question; two for ``same``.
        rows: the sighting, the first animal's sightings, or those of the smaller half.
        others: the animal's, the second animal's, or those of the larger half.
        probability: of a yes; for ``check``, that there are two.
        worth: photos whose place an answer is expected to change.
    """

    kind: Literal["confirm", "same", "check"]
    subjects: tuple[int, ...]
    rows: Int64[np.ndarray, " m"]
    others: Int64[np.ndarray, " o"]
    probability: float
    worth: float


def doubts(state: AlbumState, model: TreeModel, most: int) -> list[Doubt]:
    """What is worth asking about an album as last settled, the most worth first.

    Args:
        state: of the album.
        model: that it settled under.
        most: doubts.
    """
    said = standing(statements(state.decisions, state.photos), state.superseded)
    assigned = Assignment(state.subjects.labels, state.animals)
    found = [
        *_unsure(state, said, assigned),
        *_pairs(state, said, assigned, model),
        *_halves(state, said, model),
    ]
    worthwhile = [doubt for doubt in found if doubt.worth >= _LEAST_WORTH]
    return sorted(worthwhile, key=lambda doubt: (-doubt.worth, doubt.kind, doubt.subjects))[:most]


def _unsure(state: AlbumState, said: list[Statement], assigned: Assignment) -> Iterator[Doubt]:
    level, rows_of = state.subjects, _rows_of_subjects(state)
    known = vouched(said, assigned)
    waiting = np.flatnonzero((level.reasons == UNSURE) & (level.guesses != ASIDE))
    target = np.append(state.animals, ASIDE)[level.guesses]
    likely = level.probabilities >= MORE_LIKELY_THAN_NOT
    follow_all = np.bincount(target[waiting[likely[waiting]]], minlength=len(rows_of))
    for row in waiting.tolist():
        guess, chance = int(target[row]), float(level.probabilities[row])
        follow = 0 if guess in known else int(follow_all[guess]) - int(likely[row])
        yield Doubt("confirm", (guess,), np.array([row]), rows_of[guess], chance, chance * (1 + follow))


def _rows_of_subjects(state: AlbumState) -> list[Int64[np.ndarray, " m"]]:
    """Sightings of each subject."""
    subject = state.subject_labels()
    found = dict(zip(np.unique(subject).tolist(), members(subject), strict=True))
    return [found.get(k, np.zeros(0, np.int64)) for k in range(len(state.subject_ids))]


def _pairs(
    state: AlbumState, said: list[Statement], assigned: Assignment, model: TreeModel
) -> Iterator[Doubt]:
    rows = _rows_of_subjects(state)
    sizes = np.array([len(part) for part in rows], np.int64)
    chances = expit(_merge_gains(state) / model.subjects.temperature)
    worth = chances * np.minimum(sizes[:, None], sizes)
    asked = np.triu(~_apart(state, said, assigned) & (worth >= _LEAST_WORTH), 1)
    for first, second in np.argwhere(asked).tolist():
        chance = float(chances[first, second])
        pair = (first, second)
        yield Doubt("same", pair, rows[first], rows[second], chance, float(worth[pair]))


def _merge_gains(state: AlbumState) -> Float64[np.ndarray, "a a"]:
    """Gain in log evidence if two animals were one: the most that any two of their components have."""
    mixture, prior = state.subjects.mixture, state.subjects.prior
    alone = log_evidence(mixture.weights, mixture.sums, mixture.counts, prior)
    size = len(state.subject_ids)
    gain = np.full((size, size), -np.inf)
    places = np.arange(len(mixture))
    at_once = max(1, _AT_ONCE // max(len(mixture), 1))
    for start in range(0, len(mixture), at_once):
        i, j = np.nonzero(places[start : start + at_once, None] < places)
        i += start
        joint = log_evidence(
            mixture.weights[i] + mixture.weights[j],
            mixture.sums[i] + mixture.sums[j],
            mixture.counts[i] + mixture.counts[j],
            prior,
        )
        np.maximum.at(gain, (state.animals[i], state.animals[j]), joint - alone[i] - alone[j])
    return np.maximum(gain, gain.T)


def _apart(state: AlbumState, said: list[Statement], assigned: Assignment) -> Bool[np.ndarray, "a a"]:
    """Animals that are two: seen in one photo, of two species, of two names, or as a person said."""
    size = len(state.subject_ids)
    subject = state.subject_labels()
    apart = tables.conflicts(state.columns).of_components(subject, size)
    rows, others = barred(said, assigned, size).nonzero()
    placed = subject[rows] != ASIDE
    apart[subject[rows[placed]], others[placed]] = True
    named = names(said, assigned)
    for one, two in combinations(named, 2):
        apart[one, two] |= not same_name(named[one], named[two])
    return apart | apart.T


def _halves(state: AlbumState, said: list[Statement], model: TreeModel) -> Iterator[Doubt]:
    prior = state.subjects.prior
    weights = sighting_weights(state.moments, state.columns, model)
    for component in range(len(state.subjects.mixture)):
        rows = np.flatnonzero(state.subjects.labels == component)
        if not _LEAST_TO_HALVE <= len(rows) <= _MOST_TO_HALVE:
            continue
        items = Items(
            state.columns.identity[rows],
            weights[rows],
            np.arange(len(rows)),
            none(len(rows)),
        )
        (path,) = merge_paths(items, prior, ScaleSearch((prior.within,), 1.0))
        smaller = path.labels(len(path.pairs) - 1) == 1
        smaller ^= smaller.sum() * 2 > len(rows)
        if _said_to_be_one(said, rows[smaller], rows[~smaller]):
            continue
        gain = float(path.gains[-1]) - prior.log_concentration
        chance = float(expit(-gain / model.subjects.temperature))
        animal = (int(state.animals[component]),)
        yield Doubt("check", animal, rows[smaller], rows[~smaller], chance, chance * int(smaller.sum()))


def _said_to_be_one(
    said: list[Statement], rows: Int64[np.ndarray, " m"], others: Int64[np.ndarray, " o"]
) -> bool:
    """Whether a person said of sightings of both halves that they are of one animal."""
    return any(
        np.isin(rows, told).any() and np.isin(others, told).any()
        for s in said
        if s.decision.kind in VOUCHING - {"name", "split"}
        for told in [np.concatenate([s.rows, s.others])]
    )
