"""Has what comes changed? Two samples of albums, compared by effect first and by chance second.

Photos of one album are alike, so what is drawn independently is albums, and albums are what a permutation
exchanges. Vectors are compared by the maximum mean discrepancy under a Gaussian kernel (Gretton et al. 2012,
"A kernel two-sample test"), for which random Fourier features stand (Rahimi & Recht 2007, "Random features
for large-scale kernel machines"): of an album only the mean of its photos' features is needed. Figures are
compared by the difference of their means. All run through the same permutations, and a p-value says how often
chance alone brings as much in *any* of them (the single step of Westfall & Young 1993), so that looking at
many things does not ring more often. An alarm needs an effect that matters besides: enough albums make
anything unlikely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Bool, Float, Float64

from sploot_media_clustering.domain.grid import on_grid
from sploot_media_clustering.errors import InputError

LEAST_ALBUMS: Final = 8
"""In each sample: fewer can be exchanged in too few ways."""
FEATURES: Final = 256
"""Of a kernel. With half and with twice as many, effects differ by less than halves of one set do."""
FEATURE_STEP: Final = 2.0**-10
"""Grain of the grid that mean features are rounded to: they take a byte each."""
_LEAST_DEVIATION: Final = 0.02
"""Of a figure between albums: what hardly varies is no reason to take two per cent for much."""
_LEAST_SQUARE: Final = 1e-6
"""Of a distance: where all vectors are one, any width does."""
_SCALED_BY: Final = 500
"""Photos whose distances tell the kernel's width."""


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """A Gaussian kernel as random features.

    Attributes:
        frequencies: shape [d, m].
        phases: shape [m].
    """

    frequencies: Float[np.ndarray, "d m"]
    phases: Float[np.ndarray, " m"]

    def mean(self, vectors: Float[np.ndarray, "n e"]) -> Float64[np.ndarray, " m"]:
        """Mean features of some vectors, on a grid; zeros where there are none."""
        if not len(vectors):
            return np.zeros(len(self.phases))
        waves = np.cos(vectors.astype(np.float64) @ self.frequencies + self.phases).mean(axis=0)
        features: Float64[np.ndarray, " m"] = waves * np.sqrt(2 / len(self.phases))
        return on_grid(features, FEATURE_STEP)


def kernel_over(vectors: Float[np.ndarray, "n d"], rng: np.random.Generator) -> Kernel:
    """The kernel as wide as the median distance of some vectors."""
    some = vectors[rng.permutation(len(vectors))[:_SCALED_BY]].astype(np.float64)
    squares = (some**2).sum(axis=1)
    apart = squares[:, None] + squares - 2 * some @ some.T
    width = math.sqrt(max(float(np.median(apart[np.triu_indices(len(some), 1)])), _LEAST_SQUARE))
    frequencies = (rng.standard_normal((vectors.shape[1], FEATURES)) / width).astype(np.float16)
    return Kernel(frequencies, rng.uniform(0, 2 * np.pi, FEATURES).astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some albums.

    Attributes:
        names: of figures.
        figures: shape [n, k], NaN where an album has nothing to say.
        features: by space, the mean features of each album, shape [n, m]; a row of zeros where it has none.
    """

    names: tuple[str, ...]
    figures: Float64[np.ndarray, "n k"]
    features: Mapping[str, Float64[np.ndarray, "n _"]]

    def __len__(self) -> int:
        return len(self.figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When it is an alarm.

    Attributes:
        error_rate: how often a look at samples of the same kind may ring, whatever is looked at.
        permutations: that chance is measured with.
        least_discrepancy: effect of vectors, see :class:`Finding`.
        least_shift: effect of figures.
        seed: of the permutations.
    """

    error_rate: float = 0.01
    permutations: int = 1999
    least_discrepancy: float = 0.02
    least_shift: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: a space of vectors, or a figure.
        kind: which of both.
        effect: of vectors, by how much photos of the two samples are less alike than photos of one: 0 where
            the samples are of one kind, 1 at most; of figures, the difference of means in standard deviations
            between albums.
        p: how often chance alone brings as much somewhere.
        alarm: whether both say so.
        before: mean of a figure in the reference.
        now: mean of a figure in the sample.
    """

    name: str
    kind: Literal["vectors", "figure"]
    effect: float
    p: float
    alarm: bool
    before: float | None = None
    now: float | None = None


def compare(before: Sample, now: Sample, terms: Terms | None = None) -> tuple[Finding, ...]:
    """Everything that both samples have, spaces of vectors first.

    Raises:
        InputError: a sample has too few albums, or they are of different things.
    """
    terms = terms or Terms()
    if min(len(before), len(now)) < LEAST_ALBUMS:
        raise InputError(
            f"expected at least {LEAST_ALBUMS} albums in each sample, got {len(before)} and {len(now)}"
        )
    if before.names != now.names or before.features.keys() != now.features.keys():
        raise InputError("expected samples of the same figures, got others; record the reference anew")
    chosen = _exchanged(len(before), len(now), terms)
    spaces = {
        name: _discrepancy(np.vstack([part, now.features[name]]), chosen)
        for name, part in before.features.items()
    }
    figures = np.vstack([before.figures, now.figures])
    shifts = _shifts(figures, chosen)
    statistics = np.column_stack([*(_standardised(found) for found in spaces.values()), shifts])
    largest = statistics.max(axis=1)
    p = (largest[:, None] >= statistics[0] - 1e-9).mean(axis=0)
    found = [
        _finding(name, float(discrepancy[0]), chance, terms)
        for (name, discrepancy), chance in zip(spaces.items(), p[: len(spaces)].tolist(), strict=True)
    ]
    effects = _effects(before.figures, now.figures)
    rows = zip(before.names, effects, p[len(spaces) :].tolist(), strict=True)
    return (*found, *(_shifted(name, effect, chance, terms) for name, effect, chance in rows))


def _exchanged(before: int, now: int, terms: Terms) -> Bool[np.ndarray, "b n"]:
    """Which albums are in the second sample: first as it is, then by chance."""
    rng = np.random.default_rng(terms.seed)
    order = rng.permuted(np.tile(np.arange(before + now), (terms.permutations, 1)), axis=1)
    return np.vstack([np.arange(before + now) >= before, order >= before])


def _discrepancy(
    features: Float64[np.ndarray, "n m"], chosen: Bool[np.ndarray, "b n"]
) -> Float64[np.ndarray, " b"]:
    """Between each choice of albums and the others; no album is compared with itself: 0 is expected."""
    has = features.any(axis=1)
    unlike = 1.0 - features[has] @ features[has].T
    np.fill_diagonal(unlike, 0.0)
    here = chosen[:, has].astype(np.float64)
    most = here.sum(axis=1)
    rest = has.sum() - most
    inside = ((here @ unlike) * here).sum(axis=1)
    across = here @ unlike.sum(axis=1) - inside
    outside = unlike.sum() - inside - 2 * across
    enough = (most > 1) & (rest > 1)
    between = across / np.maximum(most * rest, 1.0)
    within = inside / np.maximum(most * (most - 1), 1.0) + outside / np.maximum(rest * (rest - 1), 1.0)
    return np.where(enough & (between > 0), 1.0 - within / np.maximum(2 * between, 1e-12), 0.0)


def _standardised(found: Float64[np.ndarray, " b"]) -> Float64[np.ndarray, " b"]:
    """Comparable with other statistics; what does not vary says nothing."""
    deviation = found[1:].std()
    return (found - found[1:].mean()) / deviation if deviation > 0 else np.zeros_like(found)


def _shifts(
    figures: Float64[np.ndarray, "n k"], chosen: Bool[np.ndarray, "b n"]
) -> Float64[np.ndarray, "b k"]:
    """Difference of means in standard errors, of each choice of albums and each figure."""
    told = np.isfinite(figures)
    values = np.where(told, figures - _mean(figures), 0.0)
    here = chosen.astype(np.float64)
    most, total = here @ told, told.sum(axis=0)
    rest = total - most
    sums = here @ values
    mean = sums / np.maximum(most, 1.0) - (values.sum(axis=0) - sums) / np.maximum(rest, 1.0)
    deviation = np.sqrt((values**2).sum(axis=0) / np.maximum(total - 1, 1))
    error = deviation * np.sqrt(1.0 / np.maximum(most, 1.0) + 1.0 / np.maximum(rest, 1.0))
    enough = (most > 1) & (rest > 1) & (error > 0)
    return np.where(enough, np.abs(mean) / np.where(error > 0, error, 1.0), 0.0)


def _mean(figures: Float64[np.ndarray, "n k"]) -> Float64[np.ndarray, " k"]:
    """Of those that are told; 0 where none is."""
    told = np.isfinite(figures)
    return np.where(told, figures, 0.0).sum(axis=0) / np.maximum(told.sum(axis=0), 1)


def _effects(
    before: Float64[np.ndarray, "n k"], now: Float64[np.ndarray, "m k"]
) -> list[tuple[float, float, float]]:
    """Mean before, mean now, and how many standard deviations lie between them."""
    means = _mean(before), _mean(now)
    parts = [
        np.where(np.isfinite(part), part - mean, 0.0) for part, mean in zip((before, now), means, strict=True)
    ]
    told = [np.isfinite(part).sum(axis=0) for part in (before, now)]
    freedom = np.maximum(told[0] + told[1] - 2, 1)
    deviation = np.sqrt(sum((part**2).sum(axis=0) for part in parts) / freedom)
    known = (told[0] > 0) & (told[1] > 0)
    effect = np.where(known, (means[1] - means[0]) / np.maximum(deviation, _LEAST_DEVIATION), 0.0)
    return list(zip(means[0].tolist(), means[1].tolist(), effect.tolist(), strict=True))


def _finding(name: str, effect: float, p: float, terms: Terms) -> Finding:
    alarm = p <= terms.error_rate and effect >= terms.least_discrepancy
    return Finding(name, "vectors", effect, p, alarm)


def _shifted(name: str, told: tuple[float, float, float], p: float, terms: Terms) -> Finding:
    before, now, effect = told
    alarm = p <= terms.error_rate and abs(effect) >= terms.least_shift
    return Finding(name, "figure", effect, p, alarm, before, now)
