"""What is settled, and how a partition of it is described and weighed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.conflicts import Conflicts
from sploot_media_clustering.domain.expectations import CountHint
from sploot_media_clustering.domain.mixture import (
    Mixture,
    Prior,
    collect,
    log_evidence,
    log_scale_evidence,
)

LEAST_GAIN: Final = 1e-9
"""A move must gain more than rounding can feign; this also ends the moves after finitely many."""

PAIR: Final = 2
"""A component of fewer items is not counted by a hint: it may be a stranger passing by."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far settling looks.

    Attributes:
        all_pairs: most items of which every two are compared; what is larger settles among neighbours.
        neighbours: that merging begins with, of each.
    """

    all_pairs: int = 2_000
    neighbours: int = 16


REACH: Final = Reach()
"""Up to 2 000 items every two are compared: that takes seconds and some 300 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """What is to be settled, in canonical order.

    Attributes:
        vectors: shape [n, d].
        weights: evidence that each vector is worth, above 0; about 1 for a photo on its own.
        atoms: items of one atom are merged from the start; labels from 0, each used, no conflict inside one.
        conflicts: who can't be of one component.
        links: pairs of atoms, each the lower first, that merging begins with; None for every two.
    """

    vectors: Float64[np.ndarray, "n d"]
    weights: Float64[np.ndarray, " n"]
    atoms: Int64[np.ndarray, " n"]
    conflicts: Conflicts
    links: Int64[np.ndarray, "l 2"] | None = None


def log_posterior(
    items: Items, labels: Int64[np.ndarray, " n"], prior: Prior, hint: CountHint | None = None
) -> float:
    """Log posterior of a partition without the prior of its scale."""
    components = statistics(items, labels)
    evidence = log_evidence(components.weights, components.sums, components.counts, prior).sum()
    hinted = hint.log_prior(int((components.counts >= PAIR).sum())) if hint else 0.0
    return float(evidence) + log_scale_evidence(items.vectors, items.weights, prior) + hinted


def statistics(items: Items, labels: Int64[np.ndarray, " n"], components: int | None = None) -> Mixture:
    """Sufficient statistics of labelled items; of as many components as there are labels, or as told."""
    ones = np.ones(len(labels), np.int64)
    size = int(labels.max(initial=-1)) + 1 if components is None else components
    return collect(items.vectors, items.weights, ones, labels, size)
