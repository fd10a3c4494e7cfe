"""Bottom-up merging of very many items, among neighbours at first.

In rounds: each component is offered to the neighbour that it gains most with; offers are taken best first,
and one whose components changed meanwhile only where it has become no worse, so that what merges is what best
first would have merged as far as its neighbours tell. When nothing gains any more, neighbours are looked for
again among what came of it, and in the end every two of the largest components are candidates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sploot_media_clustering.domain.conflicts import Parties
from sploot_media_clustering.domain.expectations import CountHint
from sploot_media_clustering.domain.groups import canonical, end, ends
from sploot_media_clustering.domain.merging import Merging, merged_atoms
from sploot_media_clustering.domain.mixture import (
    Prior,
    gaussian_evidence,
    log_evidence,
    log_size_prior,
)
from sploot_media_clustering.domain.neighbours import links
from sploot_media_clustering.domain.partition import PAIR, Items, Reach, statistics

_AT_ONCE: Final = 1 << 14
"""Links whose gains are taken at once: some 8 MB of sums each time."""


def merged_locally(
    items: Items, prior: Prior, hint: CountHint | None, reach: Reach
) -> Int64[np.ndarray, " n"]:
    """Component of each item where merging ends, numbered by first appearance.

    Args:
        items: with links.
        prior: under which they merge.
        hint: an owner's word on how many components there are.
        reach: how many neighbours, and of how many components every two are candidates in the end.
    """
    labels, pairs, before = items.atoms, items.links, 0
    slack = hint.strength if hint else 0.0
    while pairs is not None:
        labels = canonical(_Rounds(items, labels, prior, slack).merged(pairs)[labels])
        components = statistics(items, labels)
        merging = len(components) not in (before, 1) and len(components) > reach.all_pairs
        before = len(components)
        pairs = links(components, prior, reach.neighbours) if merging else None
    return _finished(items, labels, prior, hint, reach.all_pairs)


def _finished(
    items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, hint: CountHint | None, most: int
) -> Int64[np.ndarray, " n"]:
    """The partition after the largest components merged as those of an ordinary album do."""
    counts = np.bincount(labels)
    largest = np.sort(np.argsort(-counts, kind="stable")[:most])
    place = np.full(len(counts), -1)
    place[largest] = np.arange(len(largest))
    rows = np.flatnonzero(place[labels] >= 0)
    atoms, named = np.unique(place[labels[rows]], return_inverse=True)
    chosen = Items(items.vectors[rows], items.weights[rows], named.reshape(-1), items.conflicts.taken(rows))
    rest = int((counts >= PAIR).sum() - (counts[largest] >= PAIR).sum())
    within = replace(hint, low=hint.low - rest, high=hint.high - rest) if hint else None
    component = merged_atoms(len(atoms), Merging(chosen, prior).run(within))
    number = np.arange(len(counts))
    number[largest] = largest[component]
    return canonical(number[labels])


@dataclass(slots=True, eq=False)
class _Graph:
    """Components that may merge.

    Attributes:
        pairs: the lower number first, each once.
        gains: of merging them.
    """

    pairs: Int64[np.ndarray, "l 2"]
    gains: Float64[np.ndarray, " l"]


class _Rounds:
    """The working arrays of merging among neighbours; nothing outlives them.

    Args:
        items: to be merged.
        labels: component of each, from 0, that merging begins with.
        prior: under which they merge.
        least: gain of a merge that is made.
    """

    def __init__(self, items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, least: float) -> None:
        start = statistics(items, labels)
        self._prior, self._least = prior, least
        self._weights, self._sums, self._counts = start.weights, start.sums, start.counts
        self._evidence = log_evidence(start.weights, start.sums, start.counts, prior)
        self._size_prior = log_size_prior(np.arange(len(labels) + 1), prior)
        self._root = np.arange(len(start))
        self._parties = Parties(items.conflicts, labels, len(start))
        first, second = items.conflicts.together()
        self._excluded = np.column_stack([labels[first], labels[second]])
        self._sides = np.full((len(start), items.conflicts.sides.shape[1]), -1, np.int8)
        np.maximum.at(self._sides, labels, items.conflicts.sides)

    def merged(self, pairs: Int64[np.ndarray, "l 2"]) -> Int64[np.ndarray, " k"]:
        """The first component of what each component came to be part of."""
        changed = np.ones(len(self._root), bool)
        graph = _Graph(pairs, np.zeros(len(pairs)))
        while True:
            graph = self._renewed(graph, changed)
            offers = _best_offers(graph, self._least)
            if not len(offers):
                return self._root
            changed = self._taken(graph, offers)

    def _renewed(self, graph: _Graph, changed: Bool[np.ndarray, " k"]) -> _Graph:
        """The links between what is there now, with gains of now; those that can't be are left out."""
        pairs = np.sort(self._root[graph.pairs], axis=1)
        keys = pairs[:, 0] * len(self._root) + pairs[:, 1]
        _, once = np.unique(keys, return_index=True)
        once = once[pairs[once, 0] != pairs[once, 1]]
        pairs, gains = pairs[once], graph.gains[once]
        stale = np.flatnonzero(changed[pairs].any(1))
        possible = np.ones(len(pairs), bool)
        possible[stale] = ~self._barred(pairs[stale])
        for start in range(0, len(stale), _AT_ONCE):
            part = stale[start : start + _AT_ONCE]
            gains[part] = self._gain(pairs[part, 0], pairs[part, 1])
        return _Graph(pairs[possible], gains[possible])

    def _barred(self, pairs: Int64[np.ndarray, "l 2"]) -> Bool[np.ndarray, " l"]:
        size = len(self._root)
        first, second = self._root[self._excluded].T
        barred = np.isin(pairs[:, 0] * size + pairs[:, 1], np.unique(first * size + second))
        one, other = self._sides[pairs[:, 0]], self._sides[pairs[:, 1]]
        return barred | ((one != other) & (one >= 0) & (other >= 0)).any(1)

    def _gain(
        self, one: Int64[np.ndarray, " l"], other: Int64[np.ndarray, " l"]
    ) -> Float64[np.ndarray, " l"]:
        joint = gaussian_evidence(
            self._weights[one] + self._weights[other], self._sums[one] + self._sums[other], self._prior
        )
        joint += self._size_prior[self._counts[one] + self._counts[other]]
        return joint - self._evidence[one] - self._evidence[other]

    def _gain_of(self, one: int, other: int) -> float:
        """The same of one merge, at a fraction of its cost."""
        lam, w = self._prior.between, self._prior.within
        sums = self._sums[one] + self._sums[other]
        inflation = 1.0 + lam * ((self._weights[one] + self._weights[other]) / w)
        joint = lam @ (sums * sums / inflation) / w**2 - np.log(inflation).sum()
        size = self._size_prior[self._counts[one] + self._counts[other]]
        return float(0.5 * self._prior.power * joint + size - self._evidence[one] - self._evidence[other])

    def _taken(self, graph: _Graph, offers: Int64[np.ndarray, " o"]) -> Bool[np.ndarray, " k"]:
        """Take offers, best first; which components changed."""
        changed = np.zeros(len(self._root), bool)
        now = np.arange(len(self._root))
        for (one, other), gain in zip(
            graph.pairs[offers].tolist(), graph.gains[offers].tolist(), strict=True
        ):
            kept, gone = sorted((end(now, one), end(now, other)))
            if kept == gone:
                continue
            gained = gain
            if changed[kept] or changed[gone]:
                if self._parties.exclude(kept, gone):
                    continue
                gained = self._gain_of(kept, gone)
                if gained < gain:
                    continue
            self._merge(kept, gone, gained)
            now[gone] = kept
            changed[kept] = changed[gone] = True
        self._root = ends(now)[self._root]
        return changed

    def _merge(self, kept: int, gone: int, gain: float) -> None:
        self._evidence[kept] += self._evidence[gone] + gain
        self._weights[kept] += self._weights[gone]
        self._sums[kept] += self._sums[gone]
        self._counts[kept] += self._counts[gone]
        self._parties.merge(kept, gone)
        self._sides[kept] = np.maximum(self._sides[kept], self._sides[gone])


def _best_offers(graph: _Graph, least: float) -> Int64[np.ndarray, " o"]:
    """Links with which some component gains most and enough, the best first."""
    enough = np.flatnonzero(graph.gains > least)
    order = enough[np.argsort(-graph.gains[enough], kind="stable")]
    _, first = np.unique(graph.pairs[order].reshape(-1), return_index=True)
    return order[np.unique(first // 2)]
