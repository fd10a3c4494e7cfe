"""Merge paths against settling's own merging."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_album import excluding

from sploot_media_clustering.domain.expectations import ScaleSearch
from sploot_media_clustering.domain.merge_path import best_cut, merge_paths
from sploot_media_clustering.domain.mixture import Prior
from sploot_media_clustering.domain.partition import Items
from sploot_media_clustering.domain.settling import _merged

PRIOR = Prior(np.array([20.0, 12.0, 6.0, 3.0]), power=0.7, log_concentration=-2.0, size_power=0.5)
ONE_SCALE = ScaleSearch((1.4,), 1.0)


def items(seed: int, size: int) -> Items:
    rng = np.random.default_rng(seed)
    vectors = 4 * rng.normal(size=(3, 4))[rng.integers(3, size=size)] + rng.normal(size=(size, 4))
    conflicts = np.triu(rng.random((size, size)) < 0.05, 1)
    return Items(vectors, np.ones(size), np.arange(size), excluding(conflicts | conflicts.T))


@settings(max_examples=40)
@given(st.integers(0, 2**31 - 1), st.integers(1, 20), st.floats(-30.0, 5.0))
def test_one_path_serves_every_concentration(seed: int, size: int, log_concentration: float) -> None:
    """The cut of the path is the partition, and has the posterior, that merging under it reaches."""
    given_items = items(seed, size)
    paths = merge_paths(given_items, PRIOR, ONE_SCALE)
    prior = replace(PRIOR, log_concentration=log_concentration, within=1.4)
    merged = _merged(given_items, prior, ONE_SCALE, None)
    path, merges = best_cut(paths, log_concentration)
    np.testing.assert_array_equal(paths[path].labels(merges), merged.labels)
    assert paths[path].cut(log_concentration)[1] == pytest.approx(merged.log_posterior)


def test_the_best_cut_is_that_of_the_most_probable_scale() -> None:
    """Wide albums are cut on the path of a wide scale."""
    search = ScaleSearch((0.7, 1.0, 1.4, 2.0), 0.35)
    narrow = items(3, 40)
    wide = replace(narrow, vectors=2.0 * narrow.vectors)
    chosen = [best_cut(merge_paths(one, PRIOR, search), -2.0)[0] for one in (narrow, wide)]
    assert chosen[0] < chosen[1]
