"""Single moves between components of very many items, and their gains a block of items at a time.

The gain of joining is taken as the predictive density of an item under a component, a difference that has no
large parts, so that it is exact in components of any size; of a block of items of one weight it is two matrix
products.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.conflicts import Bars
from sploot_media_clustering.domain.expectations import CountHint
from sploot_media_clustering.domain.groups import canonical
from sploot_media_clustering.domain.mixture import Mixture, Prior, log_evidence
from sploot_media_clustering.domain.moving import hint_change, join_gains
from sploot_media_clustering.domain.partition import LEAST_GAIN, PAIR, Items, Reach, statistics

_AT_ONCE: Final = 1 << 22
"""Gains at once: 32 MB."""


Gains: TypeAlias = Iterable[tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, "b k1"]]]
"""Gains of joining, some items at a time: which, and :func:`~.moving.join_gains` of them."""


def gain_blocks(
    items: Items, labels: Int64[np.ndarray, " n"], components: Mixture, prior: Prior, reach: Reach
) -> Gains:
    """Gains of joining components, at once up to the size of an ordinary album.

    Args:
        items: in canonical order.
        labels: component of each; one with a label below 0 is in none.
        components: that they may join.
        prior: under which they gain.
        reach: tells what is ordinary.
    """
    if len(labels) > reach.all_pairs:
        return GainBlocks(items, labels, components, prior)
    return ((np.arange(len(labels)), join_gains(items, components, labels, prior)),)


@dataclass(frozen=True, slots=True, eq=False)
class GainBlocks:
    """Gains of joining, taken anew each time that they are asked for; see :func:`gain_blocks`."""

    items: Items
    labels: Int64[np.ndarray, " n"]
    components: Mixture
    prior: Prior

    def __iter__(self) -> Iterator[tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, "b k1"]]]:
        known = self.components
        bars = Bars(self.items.conflicts, self.labels, len(known))
        rows_at_once = max(16, _AT_ONCE // (len(known) + 1))
        for weight in np.unique(self.items.weights):
            rows = np.flatnonzero(self.items.weights == weight)
            joining = _Joining(known, float(weight), self.prior)
            for start in range(0, len(rows), rows_at_once):
                block = rows[start : start + rows_at_once]
                gain = self._gains(block, joining, known)
                gain[:, :-1][bars.of(block)] = -np.inf
                yield block, gain

    def _gains(
        self, rows: Int64[np.ndarray, " b"], joining: _Joining, known: Mixture
    ) -> Float64[np.ndarray, "b k1"]:
        vectors, labels = self.items.vectors[rows], self.labels[rows]
        founding = _founding(vectors, joining.weight, self.prior)
        gain = np.empty((len(rows), len(known) + 1))
        joining.into(gain[:, :-1], vectors)
        gain[:, -1] = np.where(np.append(known.counts, 0)[labels] == 1, -np.inf, founding)
        inside = np.flatnonzero(labels >= 0)
        own = labels[inside]
        gain[inside, own] = np.where(
            known.counts[own] == 1,
            founding[inside],
            gain_of_staying(vectors[inside], joining.weight, known, own, self.prior),
        )
        return gain


class _Joining:
    """Gains of joining every component, for items of one weight, as a quadratic form of their vectors."""

    def __init__(self, known: Mixture, weight: float, prior: Prior) -> None:
        lam, w = prior.between, prior.within
        self.weight = weight
        before = w + known.weights[:, None] * lam
        after = before + weight * lam
        half = 0.5 * prior.power
        self._square = np.ascontiguousarray((half * weight**2 / w * lam / after).T)
        self._linear = np.ascontiguousarray((2.0 * half * weight / w * lam * known.sums / after).T)
        loss = (weight / w * lam**2 * known.sums**2 / (before * after)).sum(1)
        loss += np.log(after / before).sum(1)
        grown = prior.size_power * np.log(np.maximum(known.counts, 1))
        self._constant = np.where(known.counts > 0, grown - half * loss, -np.inf)

    def into(self, gain: Float64[np.ndarray, "b k"], vectors: Float64[np.ndarray, "b d"]) -> None:
        """Write the gains of some vectors."""
        gain[:] = (vectors**2) @ self._square
        gain += vectors @ self._linear
        gain += self._constant


def _founding(vectors: Float64[np.ndarray, "b d"], weight: float, prior: Prior) -> Float64[np.ndarray, " b"]:
    weights, ones = np.full(len(vectors), weight), np.ones(len(vectors), np.int64)
    return log_evidence(weights, weight * vectors, ones, prior)


def gain_of_staying(
    vectors: Float64[np.ndarray, "b d"],
    weight: float,
    known: Mixture,
    own: Int64[np.ndarray, " b"],
    prior: Prior,
) -> Float64[np.ndarray, " b"]:
    """Gain of each item's joining its component anew, which holds others beside it."""
    added = weight * vectors
    left = Mixture(known.weights[own] - weight, known.sums[own] - added, known.counts[own] - 1)
    return gain_of_joining(added, weight, left, prior)


def gain_of_joining(
    added: Float64[np.ndarray, "b d"], weight: float, known: Mixture, prior: Prior
) -> Float64[np.ndarray, " b"]:
    """Gain of each weighted vector's joining one component each, none of them empty."""
    lam, w = prior.between, prior.within
    before = w + known.weights[:, None] * lam
    after = before + weight * lam
    quadratic = (2.0 * known.sums + added) * added / after - weight * lam * known.sums**2 / (before * after)
    half = 0.5 * prior.power
    gain = half * ((quadratic * (lam / w)).sum(1) - np.log(after / before).sum(1))
    return np.asarray(gain + prior.size_power * np.log(np.maximum(known.counts, 1)))


def moved_locally(
    items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, hint: CountHint | None
) -> Int64[np.ndarray, " n"]:
    """The partition after moves until none gains: sweeps over all items and components, best moves first."""
    while True:
        known = statistics(items, labels)
        targets, advantages = _best_moves(items, labels, known, prior, hint)
        gaining = np.flatnonzero(advantages > LEAST_GAIN)
        if not len(gaining):
            return labels
        order = gaining[np.argsort(-advantages[gaining], kind="stable")]
        labels = canonical(_Sweep(items, labels, known, prior, hint).made(order, targets))


def _best_moves(
    items: Items, labels: Int64[np.ndarray, " n"], known: Mixture, prior: Prior, hint: CountHint | None
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Where each item gains most, and how much more than where it is."""
    targets, advantages = np.zeros(len(labels), np.int64), np.zeros(len(labels))
    for rows, gain in GainBlocks(items, labels, known, prior):
        places = np.arange(len(rows))
        own = gain[places, labels[rows]]
        if hint:
            np.add(gain, hint_change(known, labels[rows], hint), out=gain)
        targets[rows] = gain.argmax(1)
        advantages[rows] = gain[places, targets[rows]] - own
    return targets, advantages


class _Sweep:
    """The working arrays of one sweep; what a move is worth is told by what is there when its turn comes."""

    def __init__(
        self,
        items: Items,
        labels: Int64[np.ndarray, " n"],
        known: Mixture,
        prior: Prior,
        hint: CountHint | None,
    ) -> None:
        self._items, self._labels, self._prior, self._hint = items, labels.copy(), prior, hint
        self._new = len(known)
        room = len(labels)  # as many may be founded, and no array grows
        self._known = Mixture(
            np.concatenate([known.weights, np.zeros(room)]),
            np.concatenate([known.sums, np.zeros((room, known.sums.shape[1]))]),
            np.concatenate([known.counts, np.zeros(room, np.int64)]),
        )
        self._served = int((known.counts >= PAIR).sum())
        self._next = len(known)
        self._changed: set[int] = set()

    def made(
        self, order: Int64[np.ndarray, " m"], targets: Int64[np.ndarray, " n"]
    ) -> Int64[np.ndarray, " n"]:
        """Component of each item after those moves of which each gains in its turn."""
        for item in order.tolist():
            target = int(targets[item]) if targets[item] < self._new else self._next
            if self._gain(item, target) > LEAST_GAIN and not self._excluded(item, target):
                self._move(item, target)
        return self._labels

    def _gain(self, item: int, target: int) -> float:
        source = int(self._labels[item])
        weight, vector = float(self._items.weights[item]), self._items.vectors[[item]]
        founding = float(_founding(vector, weight, self._prior)[0])
        own, other = np.array([source]), np.array([target])
        stays, joins = founding, founding
        if self._known.counts[source] > 1:
            stays = float(gain_of_staying(vector, weight, self._known, own, self._prior)[0])
        if self._known.counts[target] > 0:
            there = Mixture(self._known.weights[other], self._known.sums[other], self._known.counts[other])
            joins = float(gain_of_joining(weight * vector, weight, there, self._prior)[0])
        return joins - stays + self._hinted(source, target)

    def _hinted(self, source: int, target: int) -> float:
        if self._hint is None:
            return 0.0
        after = self._served_after(source, target)
        return self._hint.log_prior(after) - self._hint.log_prior(self._served)

    def _served_after(self, source: int, target: int) -> int:
        counts = self._known.counts
        return self._served - int(counts[source] == PAIR) + int(counts[target] == PAIR - 1)

    def _excluded(self, item: int, target: int) -> bool:
        if target not in self._changed:
            return False
        return self._items.conflicts.exclude(item, np.flatnonzero(self._labels == target))

    def _move(self, item: int, target: int) -> None:
        source = int(self._labels[item])
        self._served = self._served_after(source, target)
        weight = float(self._items.weights[item])
        for component, sign in ((source, -1), (target, 1)):
            self._known.weights[component] += sign * weight
            self._known.sums[component] += sign * weight * self._items.vectors[item]
            self._known.counts[component] += sign
        self._labels[item] = target
        self._changed |= {source, target}
        self._next += int(target == self._next)
