"""Fitting a two-covariance head: what scatters inside groups is discounted, what tells them apart is kept."""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.training.two_covariance import (
    TwoCovarianceFit,
    fit_two_covariance,
    in_units_of,
)

GROUPS, PHOTOS, FEATURES = 60, 6, 12
TELLING, NOISY = 0, 1
"""Axes along which groups differ, and along which photos of one group do."""


def photos(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(GROUPS), PHOTOS)
    x = 0.5 * rng.normal(size=(len(groups), FEATURES))
    x[:, TELLING] += 3.0 * rng.normal(size=GROUPS)[groups]
    x[:, NOISY] += 3.0 * rng.normal(size=len(groups))
    return x.astype(np.float32), groups, groups % 2


def test_the_first_axis_is_the_one_that_tells_groups_apart() -> None:
    """Not the one with as much variance inside groups."""
    head = fit_two_covariance(*photos(0), TwoCovarianceFit(2, FEATURES, 0.05))
    leading = np.abs(head.weight[0])
    assert leading.argmax() == TELLING
    assert leading[NOISY] < 0.05 * leading[TELLING]
    assert head.between[0] > 10 * head.between[1]


@pytest.mark.parametrize("redundancy", [0.0, 0.5])
def test_photos_of_a_group_scatter_with_unit_variance(redundancy: float) -> None:
    """Which is what the mixture takes for granted; the votes of near-duplicates don't bias it by much."""
    x, groups, domains = photos(1)
    head = fit_two_covariance(x, groups, domains, TwoCovarianceFit(3, FEATURES, 0.0, redundancy))
    z = head.project(x).astype(np.float64).reshape(GROUPS, PHOTOS, -1)
    np.testing.assert_allclose(z.var(axis=1, ddof=1).mean(0), 1.0, rtol=0.15)


def test_a_unit_changes_lengths_and_variances_alike() -> None:
    """A head in units of a scatter of 4 halves its vectors and quarters what centres scatter."""
    x, groups, domains = photos(1)
    head = fit_two_covariance(x, groups, domains, TwoCovarianceFit(3, FEATURES, 0.0))
    wider = in_units_of(head, 4.0)
    np.testing.assert_allclose(2.0 * wider.project(x), head.project(x), atol=0.25)
    np.testing.assert_allclose(4.0 * wider.between, head.between)


def test_the_between_variance_is_the_true_one() -> None:
    """Also where a data set has two groups only, whose mean takes half of what they differ by."""
    true, pairs, shots = np.array([10.0, 5.0, 2.0]), 200, 3
    rng = np.random.default_rng(4)
    centres = np.sqrt(true) * rng.normal(size=(2 * pairs, 3)) + np.repeat(rng.normal(size=(pairs, 3)), 2, 0)
    groups = np.repeat(np.arange(2 * pairs), shots)
    x = (centres[groups] + rng.normal(size=(len(groups), 3))).astype(np.float32)
    head = fit_two_covariance(x, groups, groups // 2, TwoCovarianceFit(3, 3, 0.0))
    np.testing.assert_allclose(head.between, true, rtol=0.25)


def test_the_difference_between_data_sets_is_not_one_between_groups() -> None:
    """An axis along which only data sets differ has no between-variance."""
    x, groups, domains = photos(2)
    shifted = x.copy()
    shifted[:, FEATURES - 1] += 20.0 * domains
    head = fit_two_covariance(shifted, groups, domains, TwoCovarianceFit(1, FEATURES, 0.05))
    assert np.abs(head.weight[0]).argmax() == TELLING


def test_a_repeated_photo_has_one_vote() -> None:
    """With a share of votes, copies of a photo move a head hardly at all; without one, they do."""
    x, groups, domains = photos(3)
    copied = np.concatenate([np.arange(len(x)), np.repeat(np.arange(0, len(x), PHOTOS), 6)])
    moved = {}
    for redundancy in (0.0, 0.05):
        fit = TwoCovarianceFit(1, FEATURES, 0.05, redundancy)
        before = fit_two_covariance(x, groups, domains, fit).between[0]
        after = fit_two_covariance(x[copied], groups[copied], domains[copied], fit).between[0]
        moved[redundancy] = abs(np.log(after / before))
    assert moved[0.05] < 0.2 * moved[0.0]


def test_groups_of_one_photo_do_no_harm() -> None:
    """They say nothing of the scatter inside groups, and break nothing."""
    x, groups, domains = photos(4)
    lonely = np.concatenate([groups[:-1], [GROUPS]])
    head = fit_two_covariance(x, lonely, domains, TwoCovarianceFit(2, FEATURES, 0.05, 0.5))
    assert np.isfinite(head.weight).all()
    assert np.isfinite(head.between).all()
