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

from sploot_media_clustering.domain.mixture import (
    Mixture,
    Prior,
    collect,
    gaussian_evidence,
    log_evidence,
    log_scale_evidence,
    log_size_prior,
    with_scale,
)

_LEAST_GAIN = 1e-9
"""A move must gain more than rounding can feign; this also ends the moves after finitely many."""


_BLOCK_NUMBERS = 1 << 18
"""Numbers worked on at once: as many as a processor's cache holds."""

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
class ScaleSearch:
    """Which within-scales are tried, and how far from 1 an album may be expected to be.

    Attributes:
        grid: ascending values of w.
        spread: standard deviation of log w over albums.
    """

    grid: tuple[float, ...]
    spread: float

    def log_prior(self, within: float) -> float:
        """Log density of a scale, up to a constant."""
        return -0.5 * float(np.log(within) / self.spread) ** 2


@dataclass(frozen=True, slots=True, eq=False)
class CountHint:
    """What an owner said about the number of components: a prior that sharpens, not a command.

    Attributes:
        low: fewest components of two photos or more that fit the hint.
        high: most that fit.
        strength: log prior lost for each component too few or too many.
    """

    low: int
    high: int
    strength: float

    def log_prior(self, components: int) -> float:
        """Log prior of a number of components, 0 inside the range."""
        return -self.strength * (max(self.low - components, 0) + max(components - self.high, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """A settled partition.

    Attributes:
        labels: component of each item, numbered by first appearance.
        prior: under which it settled: the scale of this album.
        log_posterior: of the partition and the scale, up to a constant of the vectors.
    """

    labels: Int64[np.ndarray, " n"]
    prior: Prior
    log_posterior: float


def settle(items: Items, prior: Prior, search: ScaleSearch, hint: CountHint | None = None) -> Settlement:
    """The partition that merging and moving reach, under the scale of the grid with the best posterior."""
    if len(items.weights) == 0:
        return Settlement(np.zeros(0, np.int64), prior, 0.0)
    best = _best_scale(items, prior, search, hint)
    labels = _moved(items, best.labels, best.prior, hint)
    scale = search.log_prior(best.prior.within)
    return Settlement(labels, best.prior, log_posterior(items, labels, best.prior, hint) + scale)


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


def _best_scale(items: Items, prior: Prior, search: ScaleSearch, hint: CountHint | None) -> Settlement:
    """Climb the grid of scales from the expected one; the posterior has one hump in all but odd albums."""
    grid = search.grid
    start = min(range(len(grid)), key=lambda i: abs(math.log(grid[i])))
    best = _merged(items, with_scale(prior, grid[start]), search, hint)
    for step in (1, -1):
        place = start + step
        while 0 <= place < len(grid):
            tried = _merged(items, with_scale(prior, grid[place]), search, hint)
            if tried.log_posterior <= best.log_posterior:
                break
            best, place = tried, place + step
        if best.prior.within != grid[start]:
            break
    return best


def _merged(items: Items, prior: Prior, search: ScaleSearch, hint: CountHint | None) -> Settlement:
    labels = canonical(Merging(items, prior).run(hint)[items.atoms])
    posterior = log_posterior(items, labels, prior, hint) + search.log_prior(prior.within)
    return Settlement(labels, prior, posterior)


class Merging:
    """The working arrays of one bottom-up pass; nothing outlives it.

    Rows of components that were merged away stay until they are a quarter, then the arrays are compacted.
    """

    def __init__(self, items: Items, prior: Prior) -> None:
        start = statistics(items, items.atoms)
        size = len(start)
        self.prior = prior
        self.weights, self.sums, self.counts = start.weights, start.sums, start.counts
        self.evidence = log_evidence(self.weights, self.sums, self.counts, prior)
        self.size_prior = log_size_prior(np.arange(2 * len(items.atoms) + 1), prior)
        self.members = [[atom] for atom in range(size)]
        self.alive = np.ones(size, bool)
        first, second = np.nonzero(items.conflicts)
        self.conflicts = np.zeros((size, size), bool)
        self.conflicts[items.atoms[first], items.atoms[second]] = True
        self.gain = self._all_gains()
        self.partner = self.gain.argmax(1)
        self.bound = self.gain[np.arange(size), self.partner]
        self.fresh = np.ones(size, bool)

    def run(self, hint: CountHint | None) -> Int64[np.ndarray, " a"]:
        """Merge to the end of the path and return the component of each atom at its most probable point."""
        served = int((self.counts >= _PAIR).sum())
        total, best_total, best = 0.0, hint.log_prior(served) if hint else 0.0, self._labels()
        slack = hint.strength if hint else 0.0
        while (pair := self.best_pair()) is not None:
            first, second = pair
            gain = float(self.gain[first, second])
            if gain <= -slack:
                break
            served += 1 - int(self.counts[first] >= _PAIR) - int(self.counts[second] >= _PAIR)
            total += gain
            self.merge(first, second)
            if hint:
                hinted = total + hint.log_prior(served)
                if hinted > best_total:
                    best_total, best = hinted, self._labels()
        return best if hint else self._labels()

    def _labels(self) -> Int64[np.ndarray, " a"]:
        labels = np.empty(sum(map(len, self.members)), np.int64)
        for component, atoms in enumerate(self.members):
            labels[atoms] = component
        return labels

    def _all_gains(self) -> Float64[np.ndarray, "k k"]:
        """Gain of every merge, from one Gram matrix for each pair of distinct weights."""
        joint = np.empty((len(self.weights), len(self.weights)))
        levels, level = np.unique(self.weights, return_inverse=True)
        for a in range(len(levels)):
            for b in range(a, len(levels)):
                rows, columns = np.flatnonzero(level == a), np.flatnonzero(level == b)
                block = self._joint_gaussian(levels[a] + levels[b], rows, columns)
                joint[np.ix_(rows, columns)] = block
                joint[np.ix_(columns, rows)] = block.T
        joint += self.size_prior[self.counts[:, None] + self.counts]
        joint -= self.evidence[:, None] + self.evidence
        joint[self.conflicts] = -np.inf
        np.fill_diagonal(joint, -np.inf)
        return joint

    def _joint_gaussian(
        self, weight: float, rows: Int64[np.ndarray, " r"], columns: Int64[np.ndarray, " c"]
    ) -> Float64[np.ndarray, "r c"]:
        ratio = self.prior.between / self.prior.within
        factor = ratio / ((1.0 + weight * ratio) * self.prior.within)
        left, right = self.sums[rows], self.sums[columns]
        square = (left**2 @ factor)[:, None] + right**2 @ factor + 2.0 * (left * factor) @ right.T
        log_determinant = np.log1p(weight * ratio).sum()
        return 0.5 * self.prior.power * (square - log_determinant)

    def best_pair(self) -> tuple[int, int] | None:
        """The merge that gains most; a bound whose partner changed is made exact only when it leads."""
        while True:
            row = int(self.bound.argmax())
            if self.bound[row] == -np.inf:
                return None
            if self.fresh[row]:
                partner = int(self.partner[row])
                return (row, partner) if row < partner else (partner, row)
            self.partner[row] = self.gain[row].argmax()
            self.bound[row] = self.gain[row, self.partner[row]]
            self.fresh[row] = True

    def merge(self, kept: int, gone: int) -> None:
        """Merge two rows; the first keeps its place until the arrays are compacted."""
        self.evidence[kept] += self.evidence[gone] + self.gain[kept, gone]
        self.weights[kept] += self.weights[gone]
        self.sums[kept] += self.sums[gone]
        self.counts[kept] += self.counts[gone]
        self.conflicts[kept] |= self.conflicts[gone]
        self.conflicts[:, kept] |= self.conflicts[:, gone]
        self.members[kept] += self.members[gone]
        self.members[gone] = []
        self.alive[gone] = False
        self.gain[gone] = self.gain[:, gone] = -np.inf
        self.bound[gone] = -np.inf
        self._refresh(kept, gone)
        if 4 * np.count_nonzero(self.alive) < 3 * len(self.alive):
            self._compact()

    def _refresh(self, kept: int, gone: int) -> None:
        """Exact gains of the merged component; rows that preferred it or the gone one keep an upper bound."""
        row = gaussian_evidence(self.weights + self.weights[kept], self.sums + self.sums[kept], self.prior)
        row += self.size_prior[self.counts + self.counts[kept]]
        row -= self.evidence + self.evidence[kept]
        row[self.conflicts[kept] | ~self.alive] = -np.inf
        row[kept] = -np.inf
        self.gain[kept] = self.gain[:, kept] = row
        self.fresh &= (self.partner != kept) & (self.partner != gone)
        better = (row >= self.bound) & self.alive
        self.partner[better] = kept
        self.bound[better] = row[better]
        self.fresh |= better
        self.partner[kept] = row.argmax()
        self.bound[kept] = row[self.partner[kept]]
        self.fresh[kept] = True

    def _compact(self) -> None:
        rows = np.flatnonzero(self.alive)
        number = np.zeros(len(self.alive), np.int64)
        number[rows] = np.arange(len(rows))
        self.weights, self.sums, self.counts = self.weights[rows], self.sums[rows], self.counts[rows]
        self.evidence, self.bound, self.fresh = self.evidence[rows], self.bound[rows], self.fresh[rows]
        self.partner = number[self.partner[rows]]
        self.gain, self.conflicts = self.gain[np.ix_(rows, rows)], self.conflicts[np.ix_(rows, rows)]
        self.members = [self.members[row] for row in rows]
        self.alive = self.alive[rows]


def join_gains(
    items: Items, components: Mixture, labels: Int64[np.ndarray, " n"], prior: Prior
) -> Float64[np.ndarray, "n k1"]:
    """Gain of each item's joining each component, itself left out of its own; the last is founding one.

    Conflicts are ``-inf``; founding is ``-inf`` for an item that is alone already (staying is its own
    column). An item with a label below 0 is in no component.
    """
    gain = np.full((len(labels), len(components) + 1), -np.inf)
    occupied = np.flatnonzero(components.counts)
    step = max(1, _BLOCK_NUMBERS // max(items.vectors.size, 1))
    for start in range(0, len(occupied), step):
        block = occupied[start : start + step]
        gain[:, block] = _join_columns(items, components, labels, prior, block)
    alone = np.append(components.counts, 0)[labels] == 1
    gain[:, -1] = np.where(alone, -np.inf, _founding(items, prior))
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
    weights = items.weights[:, None] + components.weights[columns]
    sums = own[:, None] + components.sums[columns]
    counts = np.broadcast_to(components.counts[columns] + 1, weights.shape)
    joined = log_evidence(weights.ravel(), sums.reshape(-1, own.shape[1]), counts.ravel(), prior)
    standing = log_evidence(
        components.weights[columns], components.sums[columns], components.counts[columns], prior
    )
    gain = joined.reshape(weights.shape) - standing
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
) -> Int64[np.ndarray, " n"]:
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
            return canonical(labels)
        source = int(labels[item])
        if target == len(components):
            gain = np.insert(gain, target, -np.inf, axis=1)
        labels[item] = target
        components = statistics(items, labels, gain.shape[1] - 1)
        gain[:, source] = -np.inf
        changed = np.array([k for k in (source, target) if components.counts[k]])
        gain[:, changed] = _join_columns(items, components, labels, prior, changed)
        gain[:, -1] = np.where(components.counts[labels] > 1, founding, -np.inf)


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
