"""Single moves between components, each of which looks at all items and all components."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.conflicts import Bars
from sploot_media_clustering.domain.expectations import CountHint
from sploot_media_clustering.domain.groups import canonical
from sploot_media_clustering.domain.mixture import (
    Mixture,
    Prior,
    joint_gaussian_evidence,
    log_evidence,
    log_size_prior,
)
from sploot_media_clustering.domain.partition import LEAST_GAIN, PAIR, Items, statistics


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
    found = founding(items, np.arange(len(labels)), prior)
    gain[:, -1] = np.where(np.append(components.counts, 0)[labels] == 1, -np.inf, found)
    return gain


def founding(items: Items, rows: Int64[np.ndarray, " b"], prior: Prior) -> Float64[np.ndarray, " b"]:
    """Gain of each item's founding a component."""
    weights = items.weights[rows]
    return log_evidence(weights, weights[:, None] * items.vectors[rows], np.ones(len(rows), np.int64), prior)


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
    barred = Bars(items.conflicts, labels, len(components)).of(np.arange(len(labels)))
    gain[barred[:, columns]] = -np.inf
    return gain


def moved(
    items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, hint: CountHint | None
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, "n k1"]]:
    """The partition after moves, best first, until none gains, and :func:`join_gains` of it.

    A move changes the gains of two components only.
    """
    labels = labels.copy()
    rows = np.arange(len(labels))
    components = statistics(items, labels)
    found = founding(items, rows, prior)
    gain = join_gains(items, components, labels, prior)
    while True:
        advantage = gain - gain[rows, labels][:, None]
        if hint:
            advantage += hint_change(components, labels, hint)
        item, target = divmod(int(advantage.argmax()), advantage.shape[1])
        if advantage[item, target] <= LEAST_GAIN:
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
        gain[:, -1] = np.where(np.append(components.counts, 0)[labels] == 1, -np.inf, found)


def hint_change(
    components: Mixture, labels: Int64[np.ndarray, " n"], hint: CountHint
) -> Float64[np.ndarray, "n k1"]:
    """Change of the hint's log prior when each item moves to each component."""
    served = int((components.counts >= PAIR).sum())
    leaves = np.where(components.counts[labels] == PAIR, -1, 0)
    joins = np.append(np.where(components.counts == 1, 1, 0), 0)
    after = served + leaves[:, None] + joins[None, :]
    table = np.array([hint.log_prior(n) for n in range(served + 2)]) - hint.log_prior(served)
    change = table[np.maximum(after, 0)]
    change[np.arange(len(labels)), labels] = 0.0
    return change
