"""A Dirichlet-process mixture of Gaussians whose metric is a learned two-covariance model.

In the space of a :class:`~.heads.TwoCovarianceHead` the vectors of one group scatter as N(m, w I) and the
group centres m as N(0, diag(lam)) (Ioffe 2006, "Probabilistic linear discriminant analysis"; the partition
prior is that of Neal 2000, "Markov chain sampling methods for Dirichlet process mixture models"). With the
centres integrated out a component is three sufficient statistics: the summed weight n of its vectors, their
weighted sum s, and the count c of photos. Adding or removing a vector is an addition or a subtraction,
exact and reversible.

The Gaussian part is tempered (Grünwald 2012, "The safe Bayesian"): the errors of one photo's coordinates
are less independent than the model says. The prior counts photos and is not tempered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64
from scipy.special import gammaln

_PRODUCT_RUN = 16
"""Determinants are products of runs of at most so many factors, then summed logs: one log a run, and no
overflow while n lam / w stays below 1e19."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What is known before an album is seen; the scale and the concentration may adapt to it.

    Attributes:
        between: lam, variance of the group centres along each axis, where the within-variance is 1; shape
        [d].
        power: exponent on the Gaussian evidence, in (0, 1] for identities; looks may use more than 1.
        log_concentration: log alpha, the log prior odds of one more component.
        size_power: exponent on Gamma(c): 1 is the Dirichlet process, where the rich get richer; 0 is uniform
            over partitions of as many components.
        within: w, variance inside a group.
    """

    between: Float64[np.ndarray, " d"]
    power: float
    log_concentration: float
    size_power: float = 1.0
    within: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Sufficient statistics of K components.

    Attributes:
        weights: n, summed weight of the vectors; shape [k].
        sums: s, weighted sum of the vectors; shape [k, d].
        counts: c, number of vectors, each weighing one in the prior; shape [k].
    """

    weights: Float64[np.ndarray, " k"]
    sums: Float64[np.ndarray, "k d"]
    counts: Int64[np.ndarray, " k"]

    def __len__(self) -> int:
        return len(self.weights)


def empty(dimension: int) -> Mixture:
    """A mixture without components."""
    return Mixture(np.zeros(0), np.zeros((0, dimension)), np.zeros(0, np.int64))


def collect(
    vectors: Float64[np.ndarray, "n d"],
    weights: Float64[np.ndarray, " n"],
    counts: Int64[np.ndarray, " n"],
    labels: Int64[np.ndarray, " n"],
    components: int,
) -> Mixture:
    """Statistics of labelled vectors, summed in the order given; a label below 0 belongs to no component.

    Args:
        vectors: one vector (or the weighted mean of several) a row.
        weights: weight of each row.
        counts: number of photos that each row stands for.
        labels: component of each row, below ``components``.
        components: K.
    """
    member = labels >= 0
    rows = labels[member]
    dimension = vectors.shape[1]
    cells = rows[:, None] * dimension + np.arange(dimension)
    weighted = vectors[member] * weights[member, None]
    return Mixture(
        np.bincount(rows, weights[member], components).astype(np.float64),
        np.bincount(cells.ravel(), weighted.ravel(), components * dimension)
        .reshape(components, dimension)
        .astype(np.float64),
        np.bincount(rows, counts[member], components).astype(np.int64),
    )


def log_evidence(
    weights: Float64[np.ndarray, " k"],
    sums: Float64[np.ndarray, "k d"],
    counts: Int64[np.ndarray, " k"],
    prior: Prior,
) -> Float64[np.ndarray, " k"]:
    """Log evidence of each component, prior included, up to a term that no partition of the vectors changes.

    An empty component (count 0) has log evidence 0, so that founding and dissolving need no special case.
    """
    evidence = gaussian_evidence(weights, sums, prior) + log_size_prior(counts, prior)
    return np.where(counts > 0, evidence, 0.0)


def gaussian_evidence(
    weights: Float64[np.ndarray, " k"], sums: Float64[np.ndarray, "k d"], prior: Prior
) -> Float64[np.ndarray, " k"]:
    """The tempered part of the log evidence of each component."""
    return _gaussian_evidence(weights, sums.T.copy(), prior)


def joint_gaussian_evidence(
    weights: Float64[np.ndarray, " k"],
    sums: Float64[np.ndarray, "d k"],
    weight: float,
    more: Float64[np.ndarray, " d"],
    prior: Prior,
) -> Float64[np.ndarray, " k"]:
    """The same of each component once another joined it; here and below, ``sums`` has an axis a row."""
    return _gaussian_evidence(weights + weight, sums + more[:, None], prior)


def pairwise_gaussian_evidence(
    weights: Float64[np.ndarray, " k"], sums: Float64[np.ndarray, "d k"], prior: Prior
) -> Float64[np.ndarray, "k k"]:
    """The same of every two components joined, by matrix products: one for each distinct weight."""
    joint = np.empty((len(weights), len(weights)))
    factor = (prior.between / prior.within**2)[:, None]
    for weight in np.unique(weights):
        rows = np.flatnonzero(weights == weight)
        inflation = _inflation(weights + weight, prior)
        scaled = factor / inflation
        crossed = scaled * sums
        own = sums[:, rows]
        joint[rows] = (own * own).T @ scaled
        joint[rows] += 2.0 * own.T @ crossed
        joint[rows] += (crossed * sums).sum(0) - _log_determinant(inflation)
    joint *= 0.5 * prior.power
    return joint


def _gaussian_evidence(
    weights: Float64[np.ndarray, " k"], sums: Float64[np.ndarray, "d k"], prior: Prior
) -> Float64[np.ndarray, " k"]:
    """Axis by axis, since a row of components fills a processor's lanes; overwrites the sums."""
    inflation = _inflation(weights, prior)
    sums *= sums
    sums /= inflation
    return 0.5 * prior.power * (prior.between / prior.within**2 @ sums - _log_determinant(inflation))


def _inflation(weights: Float64[np.ndarray, " k"], prior: Prior) -> Float64[np.ndarray, "d k"]:
    inflation = np.dot((prior.between / prior.within)[:, None], weights[None])
    inflation += 1.0
    return inflation


def _log_determinant(inflation: Float64[np.ndarray, "d k"]) -> Float64[np.ndarray, " k"]:
    dimension, size = inflation.shape
    run = math.gcd(dimension, _PRODUCT_RUN)
    products = np.multiply.reduce(inflation.reshape(dimension // run, run, size), axis=1)
    return np.log(products).sum(0)


def log_size_prior(counts: Int64[np.ndarray, "*n"], prior: Prior) -> Float64[np.ndarray, "*n"]:
    """Log prior of components of so many photos; that of an empty one is without meaning."""
    return prior.size_power * gammaln(np.maximum(counts, 1)) + prior.log_concentration


def log_scale_evidence(
    vectors: Float64[np.ndarray, "n d"], weights: Float64[np.ndarray, " n"], prior: Prior
) -> float:
    """The part of the evidence that only the scale w changes; with it, partitions under two w compare."""
    scatter = float((weights[:, None] * vectors**2).sum() / prior.within)
    volume = float(weights.sum()) * vectors.shape[1] * math.log(prior.within)
    return float(-0.5 * prior.power * (scatter + volume))


def absorb(
    mixture: Mixture, component: int, vector: Float64[np.ndarray, " d"], weight: float, count: int = 1
) -> Mixture:
    """The mixture after a vector joined a component; ``component == len(mixture)`` founds one."""
    founded = component == len(mixture)
    weights = np.append(mixture.weights, 0.0) if founded else mixture.weights.copy()
    sums = np.vstack([mixture.sums, np.zeros_like(vector)]) if founded else mixture.sums.copy()
    counts = np.append(mixture.counts, 0) if founded else mixture.counts.copy()
    weights[component] += weight
    sums[component] += weight * vector
    counts[component] += count
    return Mixture(weights, sums, counts)


def remove(
    mixture: Mixture, component: int, vector: Float64[np.ndarray, " d"], weight: float, count: int = 1
) -> Mixture:
    """The mixture after a vector left a component: the inverse of :func:`absorb`; the component stays."""
    return absorb(mixture, component, vector, -weight, -count)


def gains(
    mixture: Mixture, vector: Float64[np.ndarray, " d"], weight: float, prior: Prior
) -> Float64[np.ndarray, " k1"]:
    """Gain in log evidence when a vector joins each component; the last entry is founding a new one."""
    weights = np.append(mixture.weights, 0.0)
    sums = np.vstack([mixture.sums, np.zeros_like(vector)])
    counts = np.append(mixture.counts, 0)
    joined = log_evidence(weights + weight, sums + weight * vector, counts + 1, prior)
    return joined - log_evidence(weights, sums, counts, prior)


def posterior(gain: Float64[np.ndarray, "*n k1"], temperature: float) -> Float64[np.ndarray, "*n k1"]:
    """Membership probabilities from gains; ``-inf`` marks what is impossible, and never all that there is."""
    scaled = gain / temperature
    odds = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def with_scale(prior: Prior, within: float) -> Prior:
    """The prior under another within-scale."""
    return replace(prior, within=within)
