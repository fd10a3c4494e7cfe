"""What items gain by joining components, some items at a time.

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
from sploot_media_clustering.domain.mixture import Mixture, Prior
from sploot_media_clustering.domain.moving import founding, join_gains
from sploot_media_clustering.domain.partition import Items, Reach

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
    """Gains of joining, taken anew each time that they are asked for; see :func:`gain_blocks`.

    Attributes:
        items: in canonical order.
        labels: component of each; one with a label below 0 is in none.
        components: that they may join.
        prior: under which they gain.
        rows: whose gains are asked for; by default those of all.
    """

    items: Items
    labels: Int64[np.ndarray, " n"]
    components: Mixture
    prior: Prior
    rows: Int64[np.ndarray, " m"] | None = None

    def __iter__(self) -> Iterator[tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, "b k1"]]]:
        known = self.components
        bars = Bars(self.items.conflicts, self.labels, len(known))
        rows = np.arange(len(self.labels)) if self.rows is None else self.rows
        for block, joins in joined(self.items, rows, known, self.prior):
            gain = np.column_stack([joins, np.empty(len(block))])
            self._with_own(block, gain)
            gain[:, :-1][bars.of(block)] = -np.inf
            yield block, gain

    def _with_own(self, rows: Int64[np.ndarray, " b"], gain: Float64[np.ndarray, "b k1"]) -> None:
        """Write the gains of founding, and of joining anew where an item is."""
        labels = self.labels[rows]
        found = founding(self.items, rows, self.prior)
        gain[:, -1] = np.where(np.append(self.components.counts, 0)[labels] == 1, -np.inf, found)
        inside = np.flatnonzero(labels >= 0)
        stays = staying(self.items, rows[inside], labels[inside], self.components, self.prior)
        gain[inside, labels[inside]] = stays


def joined(
    items: Items, rows: Int64[np.ndarray, " m"], components: Mixture, prior: Prior
) -> Iterator[tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, "b k"]]]:
    """Gains of joining components, for items that are in none of them and that nothing bars."""
    at_once = max(16, _AT_ONCE // (len(components) + 1))
    for weight in np.unique(items.weights[rows]):
        alike = rows[items.weights[rows] == weight]
        joining = _Joining(components, float(weight), prior)
        for start in range(0, len(alike), at_once):
            block = alike[start : start + at_once]
            yield block, joining.of(items.vectors[block])


class _Joining:
    """Gains of joining every component, for items of one weight, as a quadratic form of their vectors."""

    def __init__(self, known: Mixture, weight: float, prior: Prior) -> None:
        lam, w = prior.between, prior.within
        before = w + known.weights[:, None] * lam
        after = before + weight * lam
        half = 0.5 * prior.power
        self._square = np.ascontiguousarray((half * weight**2 / w * lam / after).T)
        self._linear = np.ascontiguousarray((2.0 * half * weight / w * lam * known.sums / after).T)
        loss = (weight / w * lam**2 * known.sums**2 / (before * after)).sum(1)
        loss += np.log(after / before).sum(1)
        grown = prior.size_power * np.log(np.maximum(known.counts, 1))
        self._constant = np.where(known.counts > 0, grown - half * loss, -np.inf)

    def of(self, vectors: Float64[np.ndarray, "b d"]) -> Float64[np.ndarray, "b k"]:
        """Gains of some vectors."""
        gain = (vectors**2) @ self._square
        gain += vectors @ self._linear
        gain += self._constant
        return np.asarray(gain)


def staying(
    items: Items, rows: Int64[np.ndarray, " b"], own: Int64[np.ndarray, " b"], known: Mixture, prior: Prior
) -> Float64[np.ndarray, " b"]:
    """Gain of each item's joining the component anew that it is in: of founding it, where it is alone."""
    weights, alone = items.weights[rows], known.counts[own] == 1
    added = weights[:, None] * items.vectors[rows]
    left = Mixture(known.weights[own] - weights, known.sums[own] - added, known.counts[own] - 1)
    return np.where(alone, founding(items, rows, prior), gain_of_joining(added, weights, left, prior))


def gain_of_joining(
    added: Float64[np.ndarray, "b d"], weights: Float64[np.ndarray, " b"], known: Mixture, prior: Prior
) -> Float64[np.ndarray, " b"]:
    """Gain of each weighted vector's joining one component each."""
    lam, w, weight = prior.between, prior.within, weights[:, None]
    before = w + known.weights[:, None] * lam
    after = before + weight * lam
    quadratic = (2.0 * known.sums + added) * added / after - weight * lam * known.sums**2 / (before * after)
    half = 0.5 * prior.power
    gain = half * ((quadratic * (lam / w)).sum(1) - np.log(after / before).sum(1))
    return np.asarray(gain + prior.size_power * np.log(np.maximum(known.counts, 1)))
