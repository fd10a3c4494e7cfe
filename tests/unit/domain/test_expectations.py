"""What is expected of an album before it is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sploot_media_clustering.domain.expectations import CountHint, ScaleSearch

SEARCH = ScaleSearch(grid=(0.7, 1.0, 1.4, 2.0, 2.8), spread=0.7, expected=1.4)


def test_the_expected_scale_is_the_likeliest() -> None:
    """And one as many times wider is as likely as one as many times narrower."""
    assert max(SEARCH.grid, key=lambda within: SEARCH.log_prior(within, 10.0)) == SEARCH.expected
    assert SEARCH.log_prior(2.8, 10.0) == pytest.approx(SEARCH.log_prior(0.7, 10.0))


def test_the_prior_of_the_scale_grows_with_the_album() -> None:
    """A hundred photos say ten times as much of the scale as ten do, and so does what was expected."""
    assert SEARCH.log_prior(0.7, 100.0) == pytest.approx(10.0 * SEARCH.log_prior(0.7, 10.0))


def test_a_larger_album_is_expected_to_scatter_further() -> None:
    """By the growth's power of its photos, up to a hundred of them."""
    grows = replace(SEARCH, growth=0.5)
    assert [grows.expected_of(photos) for photos in (5.0, 20.0, 80.0)] == pytest.approx([0.7, 1.4, 2.8])
    assert grows.expected_of(1000.0) == grows.expected_of(100.0)
    assert max(grows.grid, key=lambda within: grows.log_prior(within, 80.0)) == 2.8


def test_a_hint_says_nothing_inside_its_range() -> None:
    """Outside, every animal too few or too many costs the same."""
    hint = CountHint(2, 4, 8.0)
    assert [hint.log_prior(count) for count in range(1, 7)] == [-8.0, 0.0, 0.0, 0.0, -8.0, -16.0]
