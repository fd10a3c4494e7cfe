"""One level of the tree: a mixture, who is in it, and who was left aside and why."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int8, Int64

from sploot_media_clustering.domain import mixture as mix
from sploot_media_clustering.domain.conflicts import Conflicts, Occupied, none
from sploot_media_clustering.domain.expectations import CountHint, ScaleSearch
from sploot_media_clustering.domain.grid import SHARE_STEP, on_grid, share
from sploot_media_clustering.domain.joining import gain_blocks
from sploot_media_clustering.domain.mixture import Mixture, Prior
from sploot_media_clustering.domain.partition import REACH, Items, Reach
from sploot_media_clustering.domain.settling import Settlement, settle

PLACED: Final = 0
UNSURE: Final = 1
ALONE: Final = 2

ASIDE: Final = -1
"""The label of an item that has no place."""


SURE_OF_FURTHER: Final = 0.9
"""Least membership probability of a sighting that is not the first of its photo and no credible one: it is a
stranger, or nothing, far more often. End to end, purity rises from .892 to .903 (rescue_collies) and from
.903 to .917 (shelter_dogs) and falls nowhere; of animals found beside another one .89 instead of .90 are put
right."""


@dataclass(frozen=True, slots=True)
class Concentration:
    """Log alpha as a function of the number of items: the evidence of large albums is more overconfident.

    Attributes:
        base: log alpha of an empty album.
        per_item: added for each item, at most 0.
        least: log alpha never falls below it.
    """

    base: float
    per_item: float
    least: float

    def at(self, items: int) -> float:
        """Log alpha of an album of so many items."""
        return max(self.base + self.per_item * items, self.least)


@dataclass(frozen=True, slots=True, eq=False)
class LevelModel:
    """How one level of the tree clusters.

    Attributes:
        between: lam of the level's head; shape [d].
        power: exponent on the Gaussian evidence.
        size_power: see :class:`.mixture.Prior`.
        concentration: log alpha by size.
        search: within-scales tried at settling.
        temperature: divides gains before they become membership probabilities.
        sure: least membership probability of a sure member.
        min_size: fewest items of a cluster that is served.
        log_stranger: log prior odds of an item's belonging to no cluster that there is, where they are above
        the concentration: somebody passes by more often than an animal of its own is founded.
        reach: how far settling looks in albums that are large.
    """

    between: Float64[np.ndarray, " d"]
    power: float
    size_power: float
    concentration: Concentration
    search: ScaleSearch
    temperature: float
    sure: float
    min_size: int
    log_stranger: float = -math.inf
    reach: Reach = REACH

    def prior(self, items: int) -> Prior:
        """What is known of an album of so many items before it is seen."""
        return Prior(self.between, self.power, self.concentration.at(items), self.size_power)

    def memberships(self, gain: Float64[np.ndarray, "*n k1"], prior: Prior) -> Float64[np.ndarray, "*n k"]:
        """Probabilities of the clusters from gains, of which the last is that of founding one.

        Args:
            gain: see :func:`.mixture.gains`; ``-inf`` marks what is impossible.
            prior: under which they were gained.
        """
        strange = gain.copy()
        strange[..., -1] += max(self.log_stranger - prior.log_concentration, 0.0)
        return mix.posterior(strange, self.temperature)[..., :-1]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A mixture and its members.

    Attributes:
        mixture: statistics of the sure members.
        prior: frozen at the last settling.
        labels: component of each item, :data:`ASIDE` where it has none.
        guesses: the best component of each item, :data:`ASIDE` where there is no component.
        probabilities: that the item belongs to its guess.
        reasons: :data:`PLACED`, :data:`UNSURE` or :data:`ALONE`.
    """

    mixture: Mixture
    prior: Prior
    labels: Int64[np.ndarray, " n"]
    guesses: Int64[np.ndarray, " n"]
    probabilities: Float64[np.ndarray, " n"]
    reasons: Int8[np.ndarray, " n"]


def of_further(model: LevelModel) -> LevelModel:
    """The level as it is for sightings that are not the first of their photo."""
    return replace(model, sure=max(model.sure, SURE_OF_FURTHER))


def empty(model: LevelModel) -> Level:
    """A level without items."""
    none = np.zeros(0, np.int64)
    return Level(
        mixture=mix.empty(len(model.between)),
        prior=model.prior(0),
        labels=none,
        guesses=none,
        probabilities=np.zeros(0),
        reasons=none.astype(np.int8),
    )


def place(
    items: Items, model: LevelModel, hint: CountHint | None = None, *, different: int | None = None
) -> Level:
    """Settle a level: the partition, then once, from leave-one-out posteriors, who is sure of a place.

    Args:
        items: in canonical order.
        model: of the level.
        hint: an owner's word on how many clusters there are.
        different: how many of the items are no copies of others; by default all.
    """
    size = len(items.weights)
    if size == 0:
        return empty(model)
    settlement = settle(items, model.prior(different or size), model.search, hint, model.reach)
    served = np.bincount(settlement.labels) >= min(model.min_size, size)
    labels = np.where(served, np.cumsum(served) - 1, ASIDE)[settlement.labels]
    chances = _chances(settlement, labels, served, model)
    reasons = _reasons(chances.own, labels, int(served.sum()), model)
    sure = reasons == PLACED
    placed = np.where(sure, labels, ASIDE)
    probabilities = np.where(sure, chances.own, chances.best)
    return Level(
        mixture=mix.collect(items.vectors, items.weights, np.ones(size, np.int64), placed, int(served.sum())),
        prior=settlement.prior,
        labels=placed,
        guesses=np.where(sure, labels, chances.guesses),
        probabilities=on_grid(probabilities, SHARE_STEP),
        reasons=reasons,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Chances:
    """How sure items are of the clusters that are served.

    Attributes:
        own: probability of each item's label, 0 where it has none.
        guesses: the most probable cluster, :data:`ASIDE` where none is served.
        best: its probability.
    """

    own: Float64[np.ndarray, " n"]
    guesses: Int64[np.ndarray, " n"]
    best: Float64[np.ndarray, " n"]


def _chances(
    settlement: Settlement, labels: Int64[np.ndarray, " n"], served: Bool[np.ndarray, " k"], model: LevelModel
) -> _Chances:
    size = len(labels)
    found = _Chances(np.zeros(size), np.full(size, ASIDE), np.zeros(size))
    for rows, gains in settlement.gains:
        among = model.memberships(gains, settlement.prior)[:, served]
        found.own[rows] = _probability(among, labels[rows])
        found.guesses[rows] = guesses = _best(among)
        found.best[rows] = _probability(among, guesses)
    return found


def _reasons(
    own: Float64[np.ndarray, " n"], labels: Int64[np.ndarray, " n"], clusters: int, model: LevelModel
) -> Int8[np.ndarray, " n"]:
    """Unsure members leave a component only while it keeps enough sure ones to be served."""
    member = labels != ASIDE
    sure = member & (own >= model.sure)
    enough = np.bincount(labels[sure], minlength=clusters) >= model.min_size
    keeps = member & np.append(enough, False)[labels]
    return np.where(member, np.where(keeps & ~sure, UNSURE, PLACED), ALONE).astype(np.int8)


def _probability(
    among: Float64[np.ndarray, "n k"], labels: Int64[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """Probability of each item's label, 0 where it has none."""
    padded = np.column_stack([among, np.zeros(len(among))])
    return padded[np.arange(len(labels)), labels]


def _best(among: Float64[np.ndarray, "n k"]) -> Int64[np.ndarray, " n"]:
    if among.shape[1] == 0:
        return np.full(len(among), ASIDE)
    return among.argmax(1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a new item goes before the next settling.

    Attributes:
        label: its component, or :data:`ASIDE`.
        guess: the best component, or :data:`ASIDE` where there is none.
        probability: that it belongs to its guess.
        reason: :data:`PLACED`, :data:`UNSURE` or :data:`ALONE`.
    """

    label: int
    guess: int
    probability: float
    reason: int


def arrive(
    level: Level,
    vector: Float64[np.ndarray, " d"],
    weight: float,
    blocked: Bool[np.ndarray, " k"],
    model: LevelModel,
    clusters: Int64[np.ndarray, " k"] | None = None,
) -> Arrival:
    """The place of one new item under the scale and concentration of the last settling.

    Args:
        level: as it stands.
        vector: of the new item.
        weight: of its evidence.
        blocked: components that it can't belong to.
        model: of the level.
        clusters: of the components, where some are linked; else each is a cluster of its own. An item is as
            sure of a component as of its cluster.
    """
    gain = mix.gains(level.mixture, vector, weight, level.prior)
    return _arrival(gain, blocked | (level.mixture.counts == 0), level.prior, model, clusters)


def _arrival(
    gain: Float64[np.ndarray, " k1"],
    blocked: Bool[np.ndarray, " k"],
    prior: Prior,
    model: LevelModel,
    clusters: Int64[np.ndarray, " k"] | None = None,
) -> Arrival:
    """The place of an item by its gains, as they are or would be without what is blocked."""
    gain = np.where(np.append(blocked, False), -np.inf, gain)
    if np.isneginf(gain[:-1]).all():
        return Arrival(ASIDE, ASIDE, 0.0, ALONE)
    guess, surest = _surest(model.memberships(gain, prior), clusters)
    probability = share(surest)
    if gain[-1] > gain[guess]:
        return Arrival(ASIDE, guess, probability, ALONE)
    if surest < model.sure:
        return Arrival(ASIDE, guess, probability, UNSURE)
    return Arrival(guess, guess, probability, PLACED)


def _surest(among: Float64[np.ndarray, " k"], clusters: Int64[np.ndarray, " k"] | None) -> tuple[int, float]:
    """The best component of the most probable cluster, and the probability of that cluster."""
    if clusters is None:
        guess = int(among.argmax())
        return guess, float(among[guess])
    together = np.bincount(clusters, among)
    best = int(together.argmax())
    return int(np.where(clusters == best, among, -1.0).argmax()), float(together[best])


def extended(
    level: Level,
    rows: Int64[np.ndarray, " m"],
    vectors: Float64[np.ndarray, "n d"],
    weights: Float64[np.ndarray, " n"],
    forbidden: Conflicts,
    model: LevelModel,
) -> Level:
    """A settled level with further sightings, which found nothing: each goes where it surely belongs.

    Args:
        level: of the items in ``rows``.
        rows: ascending.
        vectors: of all items, in canonical order.
        weights: of all items.
        forbidden: who can't be of one component.
        model: of the level.
    """
    size, known = len(weights), len(level.mixture)
    labels, guesses = np.full(size, ASIDE), np.full(size, ASIDE)
    probabilities, reasons = np.zeros(size), np.full(size, ALONE, np.int8)
    labels[rows], guesses[rows] = level.labels, level.guesses
    probabilities[rows], reasons[rows] = level.probabilities, level.reasons
    others = np.setdiff1d(np.arange(size), rows)
    items = Items(vectors[others], weights[others], others, none(len(others)))
    strict, found = of_further(model), Occupied(forbidden, labels, known)
    nowhere = np.full(len(others), ASIDE)
    for places, gains in gain_blocks(items, nowhere, level.mixture, level.prior, model.reach):
        for row, gain in zip(others[places].tolist(), gains, strict=True):
            place = _arrival(gain, found.barred(row), level.prior, strict)
            labels[row], guesses[row] = place.label, place.guess
            probabilities[row], reasons[row] = place.probability, place.reason
            found.placed(row, place.label)
    ones = np.ones(size, np.int64)
    mixture = mix.collect(vectors, weights, ones, labels, known)
    return replace(
        level,
        mixture=mixture,
        labels=labels,
        guesses=guesses,
        probabilities=probabilities,
        reasons=reasons,
    )
