"""Fitting a two-covariance head on labelled groups.

Simultaneous diagonalisation of the within- and between-group scatter (Fukunaga 1990, "Introduction to
statistical pattern recognition", section 10.2; Ioffe 2006) after a principal-component projection, with the
within scatter shrunk towards a sphere. Near-duplicates of one group share a vote: what a burst or a session
has in common is mostly its background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.spatial.distance import cdist

from sploot_media_clustering.domain.heads import TwoCovarianceHead
from sploot_media_clustering.training.principal_axes import principal_axes

_LEAST_BETWEEN = 1e-3
"""Smallest between-variance kept along an axis, in units of the within-variance."""


@dataclass(frozen=True, slots=True)
class TwoCovarianceFit:
    """How a head is fitted.

    Attributes:
        dimension: axes kept, those with the largest between-variance.
        components: principal components kept before the scatter matrices are taken.
        shrinkage: share of a sphere in the within scatter, in [0, 1].
        redundancy: squared distance at which a vector takes 1 / e of another's vote, in units of the median
            of its group; 0: each vector has one vote.
    """

    dimension: int = 48
    components: int = 192
    shrinkage: float = 0.2
    redundancy: float = 0.0


def fit_two_covariance(
    x: Float32[np.ndarray, "n f"],
    groups: Int64[np.ndarray, " n"],
    domains: Int64[np.ndarray, " n"],
    fit: TwoCovarianceFit,
) -> TwoCovarianceHead:
    """Fit a head in which groups scatter as N(m, I) and their centres as N(0, diag(between)).

    Args:
        x: feature vectors.
        groups: group of each vector; a group lies inside one domain. Each group counts alike, however large.
        domains: data set (or album) of each vector; the between scatter is taken inside a domain, so that
            the difference between data sets does not pass for one between groups.
        fit: hyperparameters.
    """
    mean = x.mean(0)
    basis = principal_axes(x - mean, fit.components)
    z = (x - mean).astype(np.float64) @ basis.T
    inverse = np.unique(groups, return_inverse=True)[1]
    votes = _votes(z, inverse, fit.redundancy)
    mass = np.bincount(inverse, votes)
    effective = mass**2 / np.bincount(inverse, votes**2)
    centres = np.zeros((len(mass), z.shape[1]))
    np.add.at(centres, inverse, z * votes[:, None])
    centres /= mass[:, None]
    scatter = _within_scatter(z - centres[inverse], votes / mass[inverse], effective)
    whitening = _whitening(scatter, fit.shrinkage)
    domain = np.zeros(len(mass), np.int64)
    domain[inverse] = np.unique(domains, return_inverse=True)[1]
    between = _between_scatter(centres @ whitening.T, domain, effective)
    variances, axes = np.linalg.eigh(between)
    kept = np.argsort(variances)[::-1][: fit.dimension]
    weight = axes[:, kept].T @ whitening @ basis
    return TwoCovarianceHead(
        weight=weight.astype(np.float32),
        bias=-(weight @ mean).astype(np.float32),
        between=np.maximum(variances[kept], _LEAST_BETWEEN),
    )


def in_units_of(head: TwoCovarianceHead, scatter: float) -> TwoCovarianceHead:
    """The same head, its within-variance told in units of ``scatter``, which was 1 before."""
    length = np.float32(np.sqrt(scatter))
    return TwoCovarianceHead(head.weight / length, head.bias / length, head.between / scatter)


def _votes(
    z: Float64[np.ndarray, "n p"], inverse: Int64[np.ndarray, " n"], redundancy: float
) -> Float64[np.ndarray, " n"]:
    """Weight of each vector: one over how many of its group, itself included, it nearly repeats."""
    votes = np.ones(len(z))
    if redundancy == 0.0:
        return votes
    for group in range(int(inverse.max()) + 1):
        rows = np.flatnonzero(inverse == group)
        distances = cdist(z[rows], z[rows], "sqeuclidean")
        apart = distances[distances > 0.0]
        unit = float(np.median(apart)) if len(apart) else 1.0
        votes[rows] = 1.0 / np.exp(-distances / (redundancy * unit)).sum(1)
    return votes


def _within_scatter(
    residuals: Float64[np.ndarray, "n p"],
    weights: Float64[np.ndarray, " n"],
    effective: Float64[np.ndarray, " g"],
) -> Float64[np.ndarray, "p p"]:
    """Scatter of vectors about their group's centre, each group weighing alike, unbiased by its size."""
    freedom = float((1.0 - 1.0 / effective).sum())
    return (residuals * weights[:, None]).T @ residuals / max(freedom, 1e-9)


def _whitening(scatter: Float64[np.ndarray, "p p"], shrinkage: float) -> Float64[np.ndarray, "p p"]:
    sphere = np.eye(len(scatter)) * np.trace(scatter) / len(scatter)
    values, vectors = np.linalg.eigh((1.0 - shrinkage) * scatter + shrinkage * sphere)
    return (vectors / np.sqrt(values)).T


def _between_scatter(
    centres: Float64[np.ndarray, "g p"], domain: Int64[np.ndarray, " g"], effective: Float64[np.ndarray, " g"]
) -> Float64[np.ndarray, "p p"]:
    """Covariance of whitened centres inside domains, less what the noise of each centre adds.

    The mean of each domain takes one degree of freedom.
    """
    means = np.zeros((domain.max() + 1, centres.shape[1]))
    np.add.at(means, domain, centres)
    means /= np.bincount(domain)[:, None]
    deviations = centres - means[domain]
    noise = float(np.mean(1.0 / effective))
    scatter = deviations.T @ deviations / max(len(centres) - len(means), 1)
    return scatter - noise * np.eye(scatter.shape[0])
