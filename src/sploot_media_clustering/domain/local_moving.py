"""Single moves between components of very many items: in sweeps, the best moves first.

An item is looked at again only where it may gain: what it would gain at best is bounded from above, and only
components that changed can raise the bound. So most sweeps look at few items, and after the last one none of
all of them gains.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.expectations import CountHint
from sploot_media_clustering.domain.groups import canonical
from sploot_media_clustering.domain.joining import (
    GainBlocks,
    gain_of_joining,
    joined,
    staying,
)
from sploot_media_clustering.domain.mixture import Mixture, Prior
from sploot_media_clustering.domain.moving import founding, hint_change
from sploot_media_clustering.domain.partition import LEAST_GAIN, PAIR, Items, statistics

_AT_ONCE: Final = 1 << 13
"""Items whose own components are looked at together: some 30 MB."""

_ONE: Final = 1


def moved_locally(
    items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, hint: CountHint | None
) -> Int64[np.ndarray, " n"]:
    """The partition after moves until none gains; components are numbered by first appearance."""
    moves = _Moves(items, labels, prior, hint)
    while moves.swept():
        pass
    return canonical(moves.labels)


class _Moves:
    """The working arrays of all sweeps; nothing outlives them. An emptied component keeps its number."""

    def __init__(
        self, items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, hint: CountHint | None
    ) -> None:
        self.labels = labels.copy()
        self._items, self._prior, self._hint = items, prior, hint
        self._known = statistics(items, labels)
        self._served = int((self._known.counts >= PAIR).sum())
        self._changed: set[int] = set()
        self._stays = np.zeros(len(labels))
        self._bounds = np.full(len(labels), np.inf)
        self._most_hinted = 2 * hint.strength if hint else 0.0

    def swept(self) -> bool:
        """Make the moves of a sweep; whether there were any."""
        may_gain = np.flatnonzero(self._bounds - self._stays > LEAST_GAIN - self._most_hinted)
        targets, advantages = self._best(may_gain)
        gaining = np.flatnonzero(advantages > LEAST_GAIN)
        order = gaining[np.argsort(-advantages[gaining], kind="stable")]
        self._changed = set()
        slots = len(self._known)
        for item, place in zip(may_gain[order].tolist(), targets[order].tolist(), strict=True):
            target = place if place < slots else len(self._known)
            if self._gain(item, target) > LEAST_GAIN and not self._excluded(item, target):
                self._move(item, target)
        self._renew()
        return bool(self._changed)

    def _best(
        self, rows: Int64[np.ndarray, " m"]
    ) -> tuple[Int64[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
        """Where each of some items gains most, and how much more than where it is."""
        targets, advantages = np.zeros(len(rows), np.int64), np.zeros(len(rows))
        for block, gain in GainBlocks(self._items, self.labels, self._known, self._prior, rows):
            places, own = np.arange(len(block)), self.labels[block]
            self._stays[block] = gain[places, own]
            gain[places, own] = -np.inf
            self._bounds[block] = gain.max(1)
            if self._hint:
                np.add(gain, hint_change(self._known, own, self._hint), out=gain)
            at = np.searchsorted(rows, block)
            targets[at] = gain.argmax(1)
            advantages[at] = gain[places, targets[at]] - self._stays[block]
        return targets, advantages

    def _gain(self, item: int, target: int) -> float:
        """What a move is worth when its turn comes."""
        source, new = int(self.labels[item]), target == len(self._known)
        alone = self._known.counts[source] == _ONE
        if (new and alone) or (not new and self._known.counts[target] == 0):
            return -math.inf
        weight, vector = self._items.weights[item], self._items.vectors[item]
        there = [source, source if new else target]
        known = Mixture(self._known.weights[there], self._known.sums[there], self._known.counts[there])
        known.weights[0] -= weight
        known.sums[0] -= weight * vector
        known.counts[0] -= 1
        both = np.array([weight * vector] * 2)
        stays, joins = gain_of_joining(both, np.full(2, weight), known, self._prior).tolist()
        if alone or new:
            found = float(founding(self._items, np.array([item]), self._prior)[0])
            stays, joins = found if alone else stays, found if new else joins
        if self._hint is None:
            return float(joins - stays)
        after = self._served_after(source, target)
        return float(joins - stays + self._hint.log_prior(after) - self._hint.log_prior(self._served))

    def _served_after(self, source: int, target: int) -> int:
        counts = self._known.counts
        fills = target < len(counts) and counts[target] == PAIR - 1
        return self._served - int(counts[source] == PAIR) + int(fills)

    def _excluded(self, item: int, target: int) -> bool:
        if target not in self._changed:
            return False
        return self._items.conflicts.exclude(item, np.flatnonzero(self.labels == target))

    def _move(self, item: int, target: int) -> None:
        source, weight, vector = (
            int(self.labels[item]),
            self._items.weights[item],
            self._items.vectors[item],
        )
        self._served = self._served_after(source, target)
        if target == len(self._known):
            self._known = Mixture(
                np.append(self._known.weights, 0.0),
                np.vstack([self._known.sums, np.zeros_like(vector)]),
                np.append(self._known.counts, 0),
            )
        for component, sign in ((source, -1), (target, 1)):
            self._known.weights[component] += sign * weight
            self._known.sums[component] += sign * weight * vector
            self._known.counts[component] += sign
        self.labels[item] = target
        self._changed |= {source, target}

    def _renew(self) -> None:
        """Bounds that hold for the components that changed, and what their own items have now."""
        changed = np.array(sorted(self._changed), np.int64)
        there = changed[self._known.counts[changed] > 0]
        if not len(there):
            return
        known = Mixture(self._known.weights[there], self._known.sums[there], self._known.counts[there])
        for block, gain in joined(self._items, np.arange(len(self.labels)), known, self._prior):
            gain[self.labels[block][:, None] == there] = -np.inf
            self._bounds[block] = np.maximum(self._bounds[block], gain.max(1))
        inside = np.flatnonzero(np.isin(self.labels, there))
        for start in range(0, len(inside), _AT_ONCE):
            rows = inside[start : start + _AT_ONCE]
            own = self.labels[rows]
            self._stays[rows] = staying(self._items, rows, own, self._known, self._prior)
            found = np.where(
                self._known.counts[own] > _ONE, founding(self._items, rows, self._prior), -np.inf
            )
            self._bounds[rows] = np.maximum(self._bounds[rows], found)
