"""Measures, against scikit-learn where it has them, and by hand where it has not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, v_measure_score

from sploot_media_clustering.evaluation.metrics import interval, score

labelled = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=2, max_size=30)


@given(labelled)
def test_v_measure_and_rand_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    """Photos left aside are clusters of their own."""
    truth, found = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    aside = np.where(found < 0, 100 + np.arange(len(found)), found)
    scores = score(truth, found)
    assert scores.v_measure == pytest.approx(v_measure_score(truth, aside), abs=1e-9)
    assert scores.adjusted_rand == pytest.approx(adjusted_rand_score(truth, aside), abs=1e-9)


@given(labelled)
def test_bcubed_is_the_mean_over_photos(pairs: list[tuple[int, int]]) -> None:
    """Precision and recall of each photo's own cluster, then their harmonic mean."""
    truth, found = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    aside = np.where(found < 0, 100 + np.arange(len(found)), found)
    same, together = truth[:, None] == truth, aside[:, None] == aside
    both = (same & together).sum(1)
    precision, recall = (both / together.sum(1)).mean(), (both / same.sum(1)).mean()
    assert score(truth, found).bcubed_f == pytest.approx(2 * precision * recall / (precision + recall))


@given(labelled)
def test_pairwise_f_is_of_pairs(pairs: list[tuple[int, int]]) -> None:
    """Pairs put together rightly, of those put together and of those that belong together."""
    truth, found = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    aside = np.where(found < 0, 100 + np.arange(len(found)), found)
    upper = np.triu_indices(len(truth), 1)
    same, together = (truth[:, None] == truth)[upper], (aside[:, None] == aside)[upper]
    total = same.sum() + together.sum()
    expected = 2 * (same & together).sum() / total if total else 1.0
    assert score(truth, found).pairwise_f == pytest.approx(expected)


def test_a_cluster_of_one_is_unassigned_and_never_pure() -> None:
    """Purity can't be bought by shattering."""
    scores = score(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3]))
    assert scores.purity == 0.0
    assert scores.unassigned == 1.0


def test_purity_counts_the_assigned_only_and_the_share_says_how_many() -> None:
    """Three of four assigned photos are with their own, one of five is aside."""
    scores = score(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 0, -1]))
    assert scores.purity == 0.75
    assert scores.unassigned == pytest.approx(0.2)
    assert scores.clusters_per_group == 0.5


def test_rows_beside_the_photos_are_no_groups_and_no_photos() -> None:
    """Two animals of two photos; a stray that stands alone, and two that found a cluster: three for two."""
    truth, found = np.array([0, 0, 1, 1, 2, 3, 4]), np.array([0, 0, 1, -1, -1, 2, 2])
    photos = np.array([True] * 4 + [False] * 3)
    scores = score(truth, found, photos=photos)
    assert scores.clusters_per_group == pytest.approx(2 / 2)
    assert scores.unassigned == pytest.approx(2 / 4)
    assert scores.purity == score(truth, found).purity
    assert scores.v_measure == score(truth, found).v_measure


def test_an_interval_holds_its_mean_and_nothing_has_none() -> None:
    """Percentile bootstrap over albums."""
    found = interval([0.0, 1.0, 1.0, 1.0])
    assert found.low <= found.mean == 0.75 <= found.high
    assert np.isnan(interval([]).mean)
