"""Choosing the concentration of a level by households that its head has never seen.

Every concentration of a grid is scored on the same merge paths. The choice is the mean of the grid weighted
by score, not its best point: over a handful of data sets the scores of neighbours differ by less than their
noise, and the best point jumps about where the mean stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.level import Concentration, LevelModel
from sploot_media_clustering.domain.merge_path import MergePath, best_cut, merge_paths
from sploot_media_clustering.domain.partition import Items

BASES: Final = (-2.0, -3.0, -4.0, -5.0, -6.0)
PER_ITEM: Final = (0.0, -0.05, -0.1, -0.15, -0.2, -0.3)
LEAST: Final = -20.0
"""Reached at some 120 photos; albums of the labelled sets have at most 160."""

NOISE: Final = 0.012
"""Standard error of a score over five data sets: score differences below it say little."""

RECALL_WEIGHT: Final = 0.5
"""Beta of the F score (van Rijsbergen 1979): a merge that mixes two animals is worse than a split."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One household under a head that never saw its data set.

    Attributes:
        items: its photos.
        groups: true group of each.
        between: of the head.
        domain: data set; data sets count alike, however many trials each has.
    """

    items: Items
    groups: Int64[np.ndarray, " n"]
    between: Float64[np.ndarray, " d"]
    domain: int


def fit_concentration(trials: Sequence[Trial], level: LevelModel) -> Concentration:
    """The mean of the grid, weighted by how well each concentration does on the trials.

    Args:
        trials: households.
        level: everything else of the level; its own concentration and between-variances are not used.
    """
    grid = [Concentration(base, per_item, LEAST) for base in BASES for per_item in PER_ITEM]
    rows = np.array([_scores(trial, level, grid) for trial in trials])
    domains = np.array([trial.domain for trial in trials])
    scores = np.mean([rows[domains == domain].mean(0) for domain in np.unique(domains)], axis=0)
    weights = np.exp((scores - scores.max()) / NOISE)
    weights /= weights.sum()
    return Concentration(
        base=float(weights @ [choice.base for choice in grid]),
        per_item=float(weights @ [choice.per_item for choice in grid]),
        least=LEAST,
    )


def pairwise_f(truth: Int64[np.ndarray, " n"], found: Int64[np.ndarray, " n"]) -> float:
    """F score of the pairs put together; the evaluation reports other measures, so that none is flattered."""
    true, told = truth[:, None] == truth, found[:, None] == found
    beta = RECALL_WEIGHT**2
    return float((1.0 + beta) * (true & told).sum() / (beta * true.sum() + told.sum()))


def _scores(trial: Trial, level: LevelModel, grid: Sequence[Concentration]) -> list[float]:
    size = len(trial.groups)
    own = replace(level, between=trial.between)
    paths = merge_paths(trial.items, own.prior(size), own.search)
    known: dict[tuple[int, int], float] = {}
    return [_score(trial, paths, best_cut(paths, choice.at(size)), known) for choice in grid]


def _score(
    trial: Trial, paths: Sequence[MergePath], cut: tuple[int, int], known: dict[tuple[int, int], float]
) -> float:
    """Score of one cut; most concentrations of the grid end at a cut that is known already."""
    if cut not in known:
        path, merges = cut
        known[cut] = pairwise_f(trial.groups, paths[path].labels(merges))
    return known[cut]
