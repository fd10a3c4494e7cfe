"""How well a clustering agrees with the truth, without hiding what was left aside.

A photo without a cluster, or alone in one, is *unassigned*: purity is taken over the others and always stands
beside the unassigned share; for the other measures each unassigned photo is a cluster of its own, so leaving
photos aside is never free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sploot_media_clustering.domain.agreement import adjusted_rand, contingency, pairs_in

MIN_CLUSTER_SIZE = 2
"""A cluster of one photo is never counted as pure."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Agreement of one clustering with the truth; all in [0, 1] but the last two.

    Attributes:
        purity: share of assigned photos that belong to their cluster's majority group; 0 if none is assigned.
        unassigned: share of photos without a cluster.
        v_measure: Rosenberg and Hirschberg 2007.
        bcubed_f: harmonic mean of BCubed precision and recall (Bagga and Baldwin 1998).
        pairwise_f: harmonic mean of precision and recall of the pairs put together; 1 without any pair.
        adjusted_rand: Hubert and Arabie 1985, in [-1, 1].
        clusters_per_group: 1 is right.
    """

    purity: float
    unassigned: float
    v_measure: float
    bcubed_f: float
    pairwise_f: float
    adjusted_rand: float
    clusters_per_group: float


def score(
    truth: Int64[np.ndarray, " n"],
    predicted: Int64[np.ndarray, " n"],
    *,
    photos: Bool[np.ndarray, " n"] | None = None,
) -> Scores:
    """Compare a clustering with the truth.

    Args:
        truth: group of each photo, from 0.
        predicted: cluster of each photo; below 0 where it was left aside.
        photos: which rows are photos, by default all. Others are strays: they take part in clusters, but are
            neither missed where they are unassigned, nor groups that a cluster could be of.
    """
    counted = np.ones(len(truth), bool) if photos is None else photos
    clusters = _singled_out(predicted)
    table = contingency(truth, clusters)
    _, column, size = np.unique(clusters, return_inverse=True, return_counts=True)
    assigned = table[:, size >= MIN_CLUSTER_SIZE]
    total = assigned.sum()
    return Scores(
        purity=float(assigned.max(0).sum() / total) if total else 0.0,
        unassigned=float((size[column][counted] < MIN_CLUSTER_SIZE).mean()),
        v_measure=_v_measure(table),
        bcubed_f=_bcubed_f(table),
        pairwise_f=_pairwise_f(table),
        adjusted_rand=adjusted_rand(table),
        clusters_per_group=assigned.shape[1] / len(np.unique(truth[counted])),
    )


def mean_scores(rows: list[Scores]) -> Scores:
    """Mean of every measure over albums."""
    return Scores(*(float(np.mean([getattr(row, f.name) for row in rows])) for f in fields(Scores)))


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % bootstrap interval over albums (Efron 1979, percentile method)."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], *, resamples: int = 1000, seed: int = 0) -> Interval:
    """Mean of a measure over albums, with its interval; without values all three are NaN."""
    if not values:
        return Interval(math.nan, math.nan, math.nan)
    sample = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    means = sample[rng.integers(len(sample), size=(resamples, len(sample)))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(sample.mean()), float(low), float(high))


def _singled_out(predicted: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Each photo left aside becomes a cluster of its own."""
    clusters = predicted.copy()
    aside = np.flatnonzero(predicted < 0)
    clusters[aside] = predicted.max(initial=0) + 1 + np.arange(len(aside))
    return clusters


def _entropy(counts: Float64[np.ndarray, " k"]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _v_measure(table: Float64[np.ndarray, "g k"]) -> float:
    groups, clusters = _entropy(table.sum(1)), _entropy(table.sum(0))
    shared = groups + clusters - _entropy(table.ravel())
    homogeneity = shared / groups if groups > 0 else 1.0
    completeness = shared / clusters if clusters > 0 else 1.0
    both = homogeneity + completeness
    return 2 * homogeneity * completeness / both if both > 0 else 0.0


def _bcubed_f(table: Float64[np.ndarray, "g k"]) -> float:
    squares, total = table**2, table.sum()
    precision = (squares / table.sum(0)).sum() / total
    recall = (squares / table.sum(1)[:, None]).sum() / total
    return float(2 * precision * recall / (precision + recall))


def _pairwise_f(table: Float64[np.ndarray, "g k"]) -> float:
    total = pairs_in(table.sum(1)) + pairs_in(table.sum(0))
    return 2 * pairs_in(table) / total if total else 1.0
