"""Fitting the level of animals: the identity head, and the concentration and temperature that go with it.

What a head can't be fitted on, it must be judged on: concentration and temperature are chosen by households
of each data set under a head fitted without that set, and only then is the head fitted on all sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.conflicts import none
from sploot_media_clustering.domain.expectations import ScaleSearch
from sploot_media_clustering.domain.heads import TwoCovarianceHead
from sploot_media_clustering.domain.level import Concentration, LevelModel
from sploot_media_clustering.domain.moving import join_gains
from sploot_media_clustering.domain.partition import Items, statistics
from sploot_media_clustering.domain.settling import settle
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.concentration import Trial, fit_concentration
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.labelled import LabelledVectors
from sploot_media_clustering.training.two_covariance import (
    TwoCovarianceFit,
    fit_two_covariance,
    in_units_of,
)

FIT: Final = TwoCovarianceFit(dimension=64, components=192, shrinkage=0.3, redundancy=0.5)

POWER: Final = 0.35
SIZE_POWER: Final = 0.5
"""Tempering of the evidence and of the sizes' prior: the middle of a broad optimum over all sets."""

SCALES: Final = ScaleSearch(grid=(0.7, 1.0, 1.4, 2.0, 2.8), spread=0.5, expected=1.25, growth=0.3)
"""Photos of one place scatter little and would be split under the scale that suits them best: a wider one is
expected, and the album has to outweigh it. Expected scales of 1.2 to 1.4, spreads of 0.4 to 0.5 and growths
of 0.15 to 0.3 did about as well on households of sets left out (mean V-measure .895 to .898; no growth:
.894); of these it is one that costs the purity of no set."""

TEMPERATURES: Final = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)

SURE: Final = 0.5
"""Least membership probability of a sure member: more likely here than anywhere else."""

LOG_STRANGER: Final = -3.0
"""One photo in twenty or so shows an animal of which there is no other. Of intruders that are a tenth of an
animal's album some .015 more are kept out than at odds of one in fifty, for .001 of V-measure."""

LEAST_PHOTOS: Final = 3
"""Animals with fewer photos are not drawn into households."""

_LEAST_SETS: Final = 2

_USUAL_SCATTER: Final = 0.92
"""Of sets left out, where there is none to leave out."""

_HOUSEHOLD_SIZES: Final = (1, 2, 3, 4)
_LEAST_LIKELIHOOD: Final = 1e-3

_START: Final = Concentration(0.0, 0.0, 0.0)
"""Stands in until one is fitted."""


@dataclass(frozen=True, slots=True, eq=False)
class IdentityFit:
    """A head and the level that clusters its vectors."""

    head: TwoCovarianceHead
    level: LevelModel


Fit = Callable[[frozenset[int]], TwoCovarianceHead]


def head_without(vectors: LabelledVectors) -> Fit:
    """Heads fitted without some sets, each fitted once.

    A head finds the photos that it was fitted on closer together than those to come, and how much closer
    depends on how it was fitted. So its unit is the scatter of photos of sets left out of a fit like it.
    """

    @cache
    def as_fitted(left_out: frozenset[int]) -> TwoCovarianceHead:
        rows = ~np.isin(vectors.sets, list(left_out))
        return fit_two_covariance(vectors.x[rows], vectors.animals[rows], vectors.sets[rows], FIT)

    @cache
    def fit(left_out: frozenset[int]) -> TwoCovarianceHead:
        used = [one for one in range(len(vectors.set_names)) if one not in left_out]
        elsewhere = [_scatter(vectors, one, as_fitted(left_out | {one})) for one in used if len(used) > 1]
        known = [scatter for scatter in elsewhere if scatter is not None]
        return in_units_of(as_fitted(left_out), float(np.mean(known)) if known else _USUAL_SCATTER)

    return fit


def _scatter(vectors: LabelledVectors, held: int, head: TwoCovarianceHead) -> float | None:
    """Mean variance along an axis of the photos of an animal of a set; None where no animal has enough."""
    animals = [head.project(vectors.x[rows]) for rows in vectors.rows_of(held, least=LEAST_PHOTOS)]
    return float(np.mean([z.var(0, ddof=1).mean() for z in animals])) if animals else None


def fit_identity(
    vectors: LabelledVectors,
    fit: Fit,
    *,
    left_out: frozenset[int] = frozenset(),
    draws: int = 24,
    seed: int = 0,
) -> IdentityFit:
    """Fit the level of animals on all sets but some.

    Args:
        vectors: labelled photos.
        fit: from :func:`head_without`, shared between calls so that no head is fitted twice.
        left_out: sets of which nothing may be used.
        draws: households of each set by which concentration and temperature are chosen.
        seed: of the households.

    Raises:
        DatasetError: fewer than two sets are left, since what is fitted on one is tried on another.
    """
    sets = len(vectors.set_names)
    least = len(left_out) + _LEAST_SETS
    if sets < least:
        raise DatasetError(f"expected at least {least} data sets, got {sets}; name more of them")
    head = fit(left_out)
    trials = [
        trial
        for held in range(len(vectors.set_names))
        if held not in left_out
        for trial in _trials(vectors, held, fit(left_out | {held}), draws, seed)
    ]
    start = level_model(head.between, _START, 1.0)
    level = replace(start, concentration=fit_concentration(trials, start))
    return IdentityFit(head, replace(level, temperature=_best_temperature(trials, level)))


def level_model(
    between: Float64[np.ndarray, " d"], concentration: Concentration, temperature: float
) -> LevelModel:
    """The level of animals with everything that is not fitted."""
    return LevelModel(
        between=between,
        power=POWER,
        size_power=SIZE_POWER,
        concentration=concentration,
        search=SCALES,
        temperature=temperature,
        sure=SURE,
        min_size=2,
        log_stranger=LOG_STRANGER,
    )


def items_of(vectors: LabelledVectors, head: TwoCovarianceHead, rows: Int64[np.ndarray, " n"]) -> Items:
    """Labelled photos on their own: no moments, no atoms, no conflicts."""
    size = len(rows)
    return Items(
        vectors=head.project(vectors.x[rows]).astype(np.float64),
        weights=vectors.clearness[rows],
        atoms=np.arange(size),
        conflicts=none(size),
    )


def _trials(
    vectors: LabelledVectors, held: int, head: TwoCovarianceHead, draws: int, seed: int
) -> list[Trial]:
    animals = vectors.rows_of(held, least=LEAST_PHOTOS)
    return [
        Trial(
            items=items_of(vectors, head, rows),
            groups=vectors.animals[rows],
            between=head.between,
            domain=held,
        )
        for rows in households(animals, _HOUSEHOLD_SIZES, draws, seed)
    ]


def _best_temperature(trials: Sequence[Trial], level: LevelModel) -> float:
    """The temperature under which leave-one-out posteriors say most about where photos belong.

    It is the mean log probability of the components that hold a majority of the photo's animal.
    """
    total, photos = np.zeros(len(TEMPERATURES)), 0
    for trial in trials:
        own = replace(level, between=trial.between)
        settlement = settle(trial.items, own.prior(len(trial.groups)), own.search)
        components = statistics(trial.items, settlement.labels)
        gain = join_gains(trial.items, components, settlement.labels, settlement.prior)
        right = _homes(trial.groups, settlement.labels, len(components))
        placed = right.any(1)
        photos += int(placed.sum())
        for place, temperature in enumerate(TEMPERATURES):
            tried = replace(own, temperature=temperature)
            probability = (tried.memberships(gain, settlement.prior) * right).sum(1)[placed]
            total[place] += np.log(np.maximum(probability, _LEAST_LIKELIHOOD)).sum()
    return TEMPERATURES[int((total / max(photos, 1)).argmax())]


def _homes(animals: Int64[np.ndarray, " n"], labels: Int64[np.ndarray, " n"], components: int) -> np.ndarray:
    """Which components have a majority of each photo's animal."""
    majority = [np.bincount(animals[labels == k]).argmax() for k in range(components)]
    return animals[:, None] == np.array(majority)
