"""Choosing the concentration by households."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sploot_media_clustering.domain.conflicts import none
from sploot_media_clustering.domain.level import Concentration
from sploot_media_clustering.domain.partition import Items
from sploot_media_clustering.training.concentration import (
    BASES,
    PER_ITEM,
    Trial,
    fit_concentration,
    pairwise_f,
)
from sploot_media_clustering.training.identity import level_model

BETWEEN = np.array([9.0, 6.0, 4.0, 2.0])
LEVEL = level_model(BETWEEN, Concentration(0.0, 0.0, 0.0), 1.0)


def trial(seed: int, animals: int, domain: int = 0, *, photos: int = 6) -> Trial:
    """A household of well-told-apart animals, or of one."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(animals), photos)
    centres = 2.0 * rng.normal(size=(animals, len(BETWEEN))) * np.sqrt(BETWEEN)
    vectors = centres[groups] + rng.normal(size=(len(groups), len(BETWEEN)))
    size = len(groups)
    items = Items(vectors, np.ones(size), np.arange(size), none(size))
    return Trial(items, groups, BETWEEN, domain)


def split_sessions(seed: int, domain: int = 0) -> Trial:
    """One animal whose two sessions lie apart: only a low concentration keeps it whole."""
    two = trial(seed, 2, domain)
    nearer = replace(two.items, vectors=0.6 * two.items.vectors)
    return replace(two, items=nearer, groups=np.zeros_like(two.groups))


def at_forty(trials: list[Trial]) -> float:
    return fit_concentration(trials, LEVEL).at(40)


def test_animals_that_fall_into_sessions_lower_the_concentration() -> None:
    """And households of animals that are alike raise it."""
    whole = [split_sessions(seed) for seed in range(8)]
    apart = [replace(one, groups=np.repeat([0, 1], 6)) for one in whole]
    assert at_forty(whole) < at_forty(apart) - 1.0


def test_the_choice_lies_inside_the_grid() -> None:
    """It is a mean of the grid, whatever the trials are."""
    chosen = fit_concentration([trial(seed, 3) for seed in range(4)], LEVEL)
    assert min(BASES) <= chosen.base <= max(BASES)
    assert min(PER_ITEM) <= chosen.per_item <= max(PER_ITEM)


def test_data_sets_count_alike_however_many_trials_each_has() -> None:
    """Doubling the trials of one set changes nothing."""
    one, other = [split_sessions(seed, 0) for seed in range(3)], [trial(seed, 2, 1) for seed in range(3)]
    assert at_forty([*one, *other]) == pytest.approx(at_forty([*one, *one, *other]))


def test_a_false_merge_costs_more_than_a_split() -> None:
    """Of two halves put together, and one whole taken apart."""
    halves, whole = np.repeat([0, 1], 10), np.zeros(20, np.int64)
    assert pairwise_f(halves, whole) < pairwise_f(whole, halves)
    assert pairwise_f(halves, halves) == 1.0


def test_trials_need_no_atoms_of_their_own() -> None:
    """Atoms start together on every path."""
    one = trial(5, 2)
    atoms = np.repeat(np.arange(6), 2)
    tied = replace(one, items=Items(one.items.vectors, one.items.weights, atoms, one.items.conflicts))
    assert np.isfinite(at_forty([tied]))
