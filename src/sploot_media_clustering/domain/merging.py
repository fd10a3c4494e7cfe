"""Bottom-up merging of which every two components are candidates.

Greedy merging of Bayesian evidence is Heller and Ghahramani 2005, "Bayesian hierarchical clustering", in the
form of Ward's method; stale row maxima are recomputed lazily (Müllner 2011, "Modern hierarchical,
agglomerative clustering algorithms", section 3).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sploot_media_clustering.domain.expectations import CountHint
from sploot_media_clustering.domain.mixture import (
    Prior,
    joint_gaussian_evidence,
    log_evidence,
    log_size_prior,
    pairwise_gaussian_evidence,
)
from sploot_media_clustering.domain.partition import PAIR, Items, statistics


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
        self.gain[items.conflicts.of_components(items.atoms, size)] = -np.inf
        self.partner = self.gain.argmax(1)
        self.bound = self.gain[np.arange(size), self.partner]

    def run(self, hint: CountHint | None) -> Int64[np.ndarray, "m 2"]:
        """Merge to the end of the path; the merges up to its most probable point, as pairs of first atoms."""
        served = int((self.counts >= PAIR).sum())
        total, best_total, best = 0.0, hint.log_prior(served) if hint else 0.0, 0
        slack = hint.strength if hint else 0.0
        pairs: list[tuple[int, int]] = []
        while (pair := self.best_pair()) is not None:
            first, second = pair
            gain = float(self.gain[first, second])
            if gain <= -slack:
                break
            served += 1 - int(self.counts[first] >= PAIR) - int(self.counts[second] >= PAIR)
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
