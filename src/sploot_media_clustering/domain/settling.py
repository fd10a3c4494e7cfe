"""The settled partition of an album: a pure function of its vectors, whatever order they came in.

Bottom-up merging, best gain in log evidence first, from the atoms; then single moves while one gains; both
under the within-scale that the album itself makes most likely (empirical Bayes over a small grid with a
log-normal prior). Greedy merging of Bayesian evidence is Heller and Ghahramani 2005, "Bayesian hierarchical
clustering", in the form of Ward's method; stale row maxima are recomputed lazily (Müllner 2011, "Modern
hierarchical, agglomerative clustering algorithms", section 3).

The caller passes items in canonical order; sums run in that order in float64, so equal sets give equal bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sploot_media_clustering.domain.expectations import CountHint, ScaleSearch
from sploot_media_clustering.domain.mixture import (
    Mixture,
    Prior,
    collect,
    joint_gaussian_evidence,
    log_evidence,
    log_scale_evidence,
    log_size_prior,
    pairwise_gaussian_evidence,
    with_scale,
)

_LEAST_GAIN = 1e-9
"""A move must gain more than rounding can feign; this also ends the moves after finitely many."""

_HOPELESS_LOSS = 10.0
"""Nats. A neighbouring scale is not merged under when the partition found so far loses more by it than
this and :data:`_HOPELESS_LOSS_PER_ITEM` together. In 27 592 pairs of neighbouring scales (households of the
labelled sets, simulated albums, 3 to 300 items) merging anew made up for at most 10 and 0.51 an item."""

_HOPELESS_LOSS_PER_ITEM = 0.65

_PAIR = 2
"""A component of fewer items is not counted by a hint: it may be a stranger passing by."""


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """What is to be settled, in canonical order.

    Attributes:
        vectors: shape [n, d].
        weights: evidence that each vector is worth, in (0, 1].
        atoms: items of one atom are merged from the start; labels from 0, each used, no conflict inside one.
        conflicts: symmetric; True where two items can't be of one component.
    """

    vectors: Float64[np.ndarray, "n d"]
    weights: Float64[np.ndarray, " n"]
    atoms: Int64[np.ndarray, " n"]
    conflicts: Bool[np.ndarray, "n n"]


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """The end of the merges under one scale.

    Attributes:
        labels: component of each item, numbered by first appearance.
        prior: under which they merged.
        log_posterior: of the partition and the scale, up to a constant of the vectors.
    """

    labels: Int64[np.ndarray, " n"]
    prior: Prior
    log_posterior: float


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """A settled partition.

    Attributes:
        labels: component of each item, numbered by first appearance.
        prior: under which it settled: the scale of this album.
        log_posterior: of the partition and the scale, up to a constant of the vectors.
        gains: of each item's joining each component; see :func:`join_gains`.
    """

    labels: Int64[np.ndarray, " n"]
    prior: Prior
    log_posterior: float
    gains: Float64[np.ndarray, "n k1"]


def settle(items: Items, prior: Prior, search: ScaleSearch, hint: CountHint | None = None) -> Settlement:
    """The partition that merging and moving reach, under the scale of the grid with the best posterior."""
    if len(items.weights) == 0:
        return Settlement(np.zeros(0, np.int64), prior, 0.0, np.zeros((0, 1)))
    best = _best_scale(items, prior, search, hint)
    labels, gains = _moved(items, best.labels, best.prior, hint)
    return Settlement(labels, best.prior, _posterior(items, labels, best.prior, search, hint), gains)


def log_posterior(
    items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, hint: CountHint | None = None
) -> float:
    """Log posterior of a partition without the prior of its scale."""
    components = statistics(items, labels)
    evidence = log_evidence(components.weights, components.sums, components.counts, prior).sum()
    hinted = hint.log_prior(int((components.counts >= _PAIR).sum())) if hint else 0.0
    return float(evidence) + log_scale_evidence(items.vectors, items.weights, prior) + hinted


def statistics(items: Items, labels: Int64[np.ndarray, " n"], components: int | None = None) -> Mixture:
    """Sufficient statistics of labelled items; of as many components as there are labels, or as told."""
    ones = np.ones(len(labels), np.int64)
    size = int(labels.max(initial=-1)) + 1 if components is None else components
    return collect(items.vectors, items.weights, ones, labels, size)


def canonical(labels: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """The same partition, its components numbered from 0 by first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _best_scale(items: Items, prior: Prior, search: ScaleSearch, hint: CountHint | None) -> Merged:
    """Climb the grid of scales from the expected one; the posterior has one hump in all but odd albums."""
    grid = search.grid
    hopeless = _HOPELESS_LOSS + _HOPELESS_LOSS_PER_ITEM * len(items.weights)
    start = min(range(len(grid)), key=lambda i: abs(math.log(grid[i] / search.expected)))
    best = _merged(items, with_scale(prior, grid[start]), search, hint)
    for step in (1, -1):
        place = start + step
        while 0 <= place < len(grid):
            scaled = with_scale(prior, grid[place])
            if best.log_posterior - _posterior(items, best.labels, scaled, search, hint) > hopeless:
                break
            tried = _merged(items, scaled, search, hint)
            if tried.log_posterior <= best.log_posterior:
                break
            best, place = tried, place + step
        if best.prior.within != grid[start]:
            break
    return best


def _merged(items: Items, prior: Prior, search: ScaleSearch, hint: CountHint | None) -> Merged:
    atoms = int(items.atoms.max()) + 1
    labels = canonical(merged_atoms(atoms, Merging(items, prior).run(hint))[items.atoms])
    return Merged(labels, prior, _posterior(items, labels, prior, search, hint))


def _posterior(
    items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, search: ScaleSearch, hint: CountHint | None
) -> float:
    """Log posterior of a partition and its scale."""
    scale = search.log_prior(prior.within, float(items.weights.sum()))
    return log_posterior(items, labels, prior, hint) + scale


class Merging:
    """The working arrays of one bottom-up pass; nothing outlives it.

    Rows of components that were merged away stay until they are a quarter, then the arrays are compacted.
    """

    def __init__(self, items: Items, prior: Prior) -> None:
        start = statistics(items, items.atoms)
        size = len(start)
        self.prior = prior
        self.weights, self.counts = start.weights, start.counts
        self.sums = np.ascontiguousarray(start.sums.T)
        self.evidence = log_evidence(start.weights, start.sums, start.counts, prior)
        self.size_prior = log_size_prior(np.arange(2 * len(items.atoms) + 1), prior)
        self.first_atoms = np.arange(size)
        self.gain = self._all_gains()
        first, second = np.nonzero(items.conflicts)
        self.gain[items.atoms[first], items.atoms[second]] = -np.inf
        self.partner = self.gain.argmax(1)
        self.bound = self.gain[np.arange(size), self.partner]

    def run(self, hint: CountHint | None) -> Int64[np.ndarray, "m 2"]:
        """Merge to the end of the path; the merges up to its most probable point, as pairs of first atoms."""
        served = int((self.counts >= _PAIR).sum())
        total, best_total, best = 0.0, hint.log_prior(served) if hint else 0.0, 0
        slack = hint.strength if hint else 0.0
        pairs: list[tuple[int, int]] = []
        while (pair := self.best_pair()) is not None:
            first, second = pair
            gain = float(self.gain[first, second])
            if gain <= -slack:
                break
            served += 1 - int(self.counts[first] >= _PAIR) - int(self.counts[second] >= _PAIR)
            total += gain
            pairs.append(self.merge(first, second))
            hinted = total + (hint.log_prior(served) if hint else 0.0)
            if hinted > best_total:
                best_total, best = hinted, len(pairs)
        return np.array(pairs[:best], np.int64).reshape(-1, 2)

    def _all_gains(self) -> Float64[np.ndarray, "k k"]:
        """Gain of every merge, conflicts not looked at."""
        gain = pairwise_gaussian_evidence(self.weights, self.sums, self.prior)
        gain += self.size_prior[self.counts[:, None] + self.counts]
        gain -= self.evidence[:, None] + self.evidence
        np.fill_diagonal(gain, -np.inf)
        return gain

    def best_pair(self) -> tuple[int, int] | None:
        """The merge that gains most; a bound whose partner changed is made exact only when it leads."""
        while True:
            row = int(self.bound.argmax())
            bound, partner = self.bound[row], int(self.partner[row])
            if bound == -np.inf:
                return None
            if self.gain[row, partner] == bound:
                return (row, partner) if row < partner else (partner, row)
            self.partner[row] = self.gain[row].argmax()
            self.bound[row] = self.gain[row, self.partner[row]]

    def merge(self, kept: int, gone: int) -> tuple[int, int]:
        """Merge two rows and name them by their first atoms; one keeps its place until rows are compacted."""
        pair = int(self.first_atoms[kept]), int(self.first_atoms[gone])
        self.evidence[kept] += self.evidence[gone] + self.gain[kept, gone]
        self.weights[kept] += self.weights[gone]
        self.sums[:, kept] += self.sums[:, gone]
        self.counts[kept] += self.counts[gone]
        self.counts[gone] = 0
        barred = np.isneginf(self.gain[kept] + self.gain[gone])
        self.gain[gone] = self.gain[:, gone] = self.bound[gone] = -np.inf
        self._refresh(kept, barred)
        if 4 * np.count_nonzero(self.counts) < 3 * len(self.counts):
            self._compact()
        return pair

    def _refresh(self, kept: int, barred: Bool[np.ndarray, " k"]) -> None:
        """Exact gains of the merged component; rows that preferred it or the gone one keep an upper bound."""
        row = joint_gaussian_evidence(
            self.weights, self.sums, self.weights[kept], self.sums[:, kept], self.prior
        )
        row += self.size_prior[self.counts + self.counts[kept]]
        row -= self.evidence + self.evidence[kept]
        row[barred] = -np.inf
        self.gain[kept] = self.gain[:, kept] = row
        self.partner[row >= self.bound] = kept
        np.maximum(self.bound, row, out=self.bound)
        self.partner[kept] = row.argmax()
        self.bound[kept] = row[self.partner[kept]]

    def _compact(self) -> None:
        rows = np.flatnonzero(self.counts)
        number = np.zeros(len(self.counts), np.int64)
        number[rows] = np.arange(len(rows))
        self.weights, self.sums, self.counts = self.weights[rows], self.sums.take(rows, 1), self.counts[rows]
        self.evidence, self.bound = self.evidence[rows], self.bound[rows]
        self.partner = number[self.partner[rows]]
        self.gain = self.gain[np.ix_(rows, rows)]
        self.first_atoms = self.first_atoms[rows]


def merged_atoms(atoms: int, pairs: Int64[np.ndarray, "m 2"]) -> Int64[np.ndarray, " a"]:
    """Component of each atom after some merges, each a pair of first atoms; named by its own first atom."""
    component = np.arange(atoms)
    for kept, gone in reversed(pairs.tolist()):
        component[gone] = component[kept]
    return component


def join_gains(
    items: Items, components: Mixture, labels: Int64[np.ndarray, " n"], prior: Prior
) -> Float64[np.ndarray, "n k1"]:
    """Gain of each item's joining each component, itself left out of its own; the last is founding one.

    Conflicts are ``-inf``; founding is ``-inf`` for an item that is alone already (staying is its own
    column). An item with a label below 0 is in no component.
    """
    gain = np.full((len(labels), len(components) + 1), -np.inf)
    occupied = np.flatnonzero(components.counts)
    gain[:, occupied] = _join_columns(items, components, labels, prior, occupied)
    gain[:, -1] = np.where(np.append(components.counts, 0)[labels] == 1, -np.inf, _founding(items, prior))
    return gain


def _founding(items: Items, prior: Prior) -> Float64[np.ndarray, " n"]:
    ones = np.ones(len(items.weights), np.int64)
    return log_evidence(items.weights, items.weights[:, None] * items.vectors, ones, prior)


def _join_columns(
    items: Items,
    components: Mixture,
    labels: Int64[np.ndarray, " n"],
    prior: Prior,
    columns: Int64[np.ndarray, " k"],
) -> Float64[np.ndarray, "n k"]:
    """Columns of :func:`join_gains`, of occupied components."""
    own = items.weights[:, None] * items.vectors
    by_axis = np.ascontiguousarray(own.T)
    standing = log_evidence(
        components.weights[columns], components.sums[columns], components.counts[columns], prior
    )
    gain = np.empty((len(labels), len(columns)))
    for place, k in enumerate(columns):
        gain[:, place] = joint_gaussian_evidence(
            items.weights, by_axis, components.weights[k], components.sums[k], prior
        )
    gain += log_size_prior(components.counts[columns] + 1, prior) - standing
    member = labels[:, None] == columns
    rows, places = np.nonzero(member)
    inside = columns[places]
    without = log_evidence(
        components.weights[inside] - items.weights[rows],
        components.sums[inside] - own[rows],
        components.counts[inside] - 1,
        prior,
    )
    gain[rows, places] = standing[places] - without
    if items.conflicts.any():
        gain[items.conflicts.astype(np.float32) @ member > 0] = -np.inf
    return gain


def _moved(
    items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, hint: CountHint | None
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, "n k1"]]:
    """Best single move first, until none gains; a move changes the gains of two components only."""
    labels = labels.copy()
    rows = np.arange(len(labels))
    components = statistics(items, labels)
    founding = _founding(items, prior)
    gain = join_gains(items, components, labels, prior)
    while True:
        advantage = gain - gain[rows, labels][:, None]
        if hint:
            advantage += _hint_change(components, labels, hint)
        item, target = divmod(int(advantage.argmax()), advantage.shape[1])
        if advantage[item, target] <= _LEAST_GAIN:
            names, first = np.unique(labels, return_index=True)
            return canonical(labels), gain[:, np.append(names[np.argsort(first)], -1)]
        source = int(labels[item])
        if target == len(components):
            gain = np.insert(gain, target, -np.inf, axis=1)
        labels[item] = target
        components = statistics(items, labels, gain.shape[1] - 1)
        gain[:, source] = -np.inf
        changed = np.array([k for k in (source, target) if components.counts[k]])
        gain[:, changed] = _join_columns(items, components, labels, prior, changed)
        gain[:, -1] = np.where(np.append(components.counts, 0)[labels] == 1, -np.inf, founding)


def _hint_change(
    components: Mixture, labels: Int64[np.ndarray, " n"], hint: CountHint
) -> Float64[np.ndarray, "n k1"]:
    """Change of the hint's log prior when each item moves to each component."""
    served = int((components.counts >= _PAIR).sum())
    leaves = np.where(components.counts[labels] == _PAIR, -1, 0)
    joins = np.append(np.where(components.counts == 1, 1, 0), 0)
    after = served + leaves[:, None] + joins[None, :]
    table = np.array([hint.log_prior(n) for n in range(served + 2)]) - hint.log_prior(served)
    change = table[np.maximum(after, 0)]
    change[np.arange(len(labels)), labels] = 0.0
    return change
