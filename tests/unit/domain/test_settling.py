"""Settling, against a plain greedy reference and against its own promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_album import excluding

from sploot_media_clustering.domain import settling
from sploot_media_clustering.domain.expectations import CountHint, ScaleSearch
from sploot_media_clustering.domain.groups import canonical
from sploot_media_clustering.domain.mixture import Prior, with_scale
from sploot_media_clustering.domain.moving import join_gains
from sploot_media_clustering.domain.partition import Items, Reach, log_posterior, statistics
from sploot_media_clustering.domain.settling import _merged, settle

DIMENSION = 4
PRIOR = Prior(np.array([20.0, 12.0, 6.0, 3.0]), power=0.7, log_concentration=-2.0, size_power=0.5)
ONE_SCALE = ScaleSearch((1.0,), 1.0)
SCALES = ScaleSearch((0.5, 0.7, 1.0, 1.4, 2.0), 0.35)
seeds = st.integers(0, 2**31 - 1)


def items(seed: int, size: int, *, groups: int = 3, tempered: bool = False, forbidden: float = 0.0) -> Items:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, DIMENSION)) * np.sqrt(PRIOR.between)
    vectors = centres[rng.integers(groups, size=size)] + rng.normal(size=(size, DIMENSION))
    conflicts = np.triu(rng.random((size, size)) < forbidden, 1)
    return Items(
        vectors=vectors,
        weights=rng.choice([1.0, 0.7, 0.5], size) if tempered else np.ones(size),
        atoms=np.arange(size),
        conflicts=excluding(conflicts | conflicts.T),
    )


def excluded(given_items: Items) -> np.ndarray:
    """Which two items can't be together."""
    size = len(given_items.weights)
    return given_items.conflicts.of_components(np.arange(size), size)


def greedy(given_items: Items, prior: Prior) -> np.ndarray:
    """The slow and obvious form: of all allowed merges, the one that gains most, until none gains."""
    labels = np.arange(len(given_items.weights))
    pairs = excluded(given_items)
    while True:
        now = log_posterior(given_items, labels, prior)
        best, best_gain = labels, 0.0
        groups = np.unique(labels)
        for i, a in enumerate(groups):
            for b in groups[i + 1 :]:
                if pairs[np.ix_(labels == a, labels == b)].any():
                    continue
                tried = canonical(np.where(labels == b, a, labels))
                gain = log_posterior(given_items, tried, prior) - now
                if gain > best_gain + 1e-9:
                    best, best_gain = tried, gain
        if best_gain <= 0:
            return canonical(labels)
        labels = best


@settings(max_examples=40)
@given(seeds, st.integers(1, 14), st.booleans(), st.sampled_from([0.0, 0.3]))
def test_merging_is_the_greedy_path(seed: int, size: int, tempered: bool, forbidden: float) -> None:
    """Gram matrices, cached row maxima and compaction change nothing."""
    given_items = items(seed, size, tempered=tempered, forbidden=forbidden)
    merged = _merged(given_items, PRIOR, ONE_SCALE, None)
    np.testing.assert_array_equal(merged.labels, greedy(given_items, PRIOR))


@settings(max_examples=40)
@given(seeds, st.integers(1, 40), st.booleans())
def test_after_settling_no_single_move_gains(seed: int, size: int, tempered: bool) -> None:
    """Every item is where its gain is highest, founding included."""
    given_items = items(seed, size, tempered=tempered, forbidden=0.05)
    settled = settle(given_items, PRIOR, SCALES)
    components = statistics(given_items, settled.labels)
    gain = join_gains(given_items, components, settled.labels, settled.prior)
    own = gain[np.arange(size), settled.labels]
    assert (gain.max(1) <= own + 1e-6).all()


@settings(max_examples=40)
@given(seeds, st.integers(1, 40))
def test_moving_never_lowers_the_posterior(seed: int, size: int) -> None:
    """The settled partition is at least as probable as the merged one under the same scale."""
    given_items = items(seed, size)
    settled = settle(given_items, PRIOR, SCALES)
    merged = _merged(given_items, settled.prior, SCALES, None)
    assert settled.log_posterior >= merged.log_posterior - 1e-9


@settings(max_examples=30)
@given(seeds, st.integers(2, 30), st.integers(0, 2**31 - 1))
def test_the_order_of_items_does_not_matter_to_the_partition(seed: int, size: int, shuffle: int) -> None:
    """A permutation of the items permutes the partition."""
    given_items = items(seed, size, forbidden=0.05)
    order = np.random.default_rng(shuffle).permutation(size)
    permuted = Items(
        given_items.vectors[order],
        given_items.weights[order],
        np.arange(size),
        given_items.conflicts.taken(order),
    )
    labels = settle(given_items, PRIOR, SCALES).labels
    np.testing.assert_array_equal(canonical(labels[order]), settle(permuted, PRIOR, SCALES).labels)


@settings(max_examples=30)
@given(seeds, st.integers(2, 25))
def test_conflicting_items_are_never_together(seed: int, size: int) -> None:
    """However much they look alike."""
    given_items = items(seed, size, groups=1, forbidden=0.3)
    labels = settle(given_items, PRIOR, SCALES).labels
    together = labels[:, None] == labels
    assert not (together & excluded(given_items)).any()


def test_atoms_start_together() -> None:
    """Items of one atom are one component before any merge, and far ones still leave it by a move."""
    given_items = items(0, 8, groups=1)
    merged = _merged(replace(given_items, atoms=np.array([0, 0, 1, 2, 3, 4, 5, 6])), PRIOR, ONE_SCALE, None)
    assert merged.labels[0] == merged.labels[1]


def test_an_album_with_wider_scatter_settles_under_a_wider_scale() -> None:
    """The scale is the album's own, not the training albums'."""
    narrow = items(1, 60)
    wide = replace(narrow, vectors=narrow.vectors * 2.5)
    assert settle(wide, PRIOR, SCALES).prior.within > settle(narrow, PRIOR, SCALES).prior.within


@pytest.mark.parametrize("copies", [1, 6])
def test_what_is_expected_of_the_scale_holds_in_large_albums_too(copies: int) -> None:
    """A tight album is not taken at its word, however many photos say it."""
    given_items = items(3, 12 * copies, groups=2)
    tight = replace(given_items, vectors=0.75 * given_items.vectors)
    free, firm = (settle(tight, PRIOR, ScaleSearch(SCALES.grid, spread, 1.4)) for spread in (1e6, 0.2))
    assert free.prior.within < 1.0 <= firm.prior.within


def test_climbing_the_scales_finds_the_best_of_the_grid() -> None:
    """On ordinary albums the climb ends where trying every scale would."""
    for seed in range(12):
        given_items = items(seed, 25)
        tried = [_merged(given_items, with_scale(PRIOR, w), SCALES, None) for w in SCALES.grid]
        best = max(tried, key=lambda settlement: settlement.log_posterior)
        assert settle(given_items, PRIOR, SCALES).prior.within == best.prior.within


def test_a_scale_that_loses_clearly_is_not_merged_under(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbouring scales far from the album's own cost one evaluation of the partition each."""
    tried: list[float] = []

    def merged(given: Items, prior: Prior, search: ScaleSearch, hint: CountHint | None, _: Reach) -> object:
        tried.append(prior.within)
        return _merged(given, prior, search, hint)

    monkeypatch.setattr(settling, "_merged", merged)
    settle(items(2, 60), PRIOR, ScaleSearch((0.25, 1.0, 1.1), 0.35))
    assert tried == [1.0, 1.1]


@settings(max_examples=30)
@given(seeds, st.integers(1, 40), st.booleans())
def test_the_gains_of_a_settlement_are_those_of_its_partition(seed: int, size: int, tempered: bool) -> None:
    """However the moves numbered the components on the way."""
    given_items = items(seed, size, groups=6, tempered=tempered, forbidden=0.1)
    settled = settle(given_items, PRIOR, SCALES)
    components = statistics(given_items, settled.labels)
    expected = join_gains(given_items, components, settled.labels, settled.prior)
    ((rows, gains),) = settled.gains
    np.testing.assert_array_equal(rows, np.arange(size))
    np.testing.assert_allclose(gains, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("wanted", [1, 2, 3, 4])
def test_a_strong_hint_decides_and_a_weak_one_does_not(wanted: int) -> None:
    """A strong word decides how many; a weak one does not overrule clear evidence."""
    given_items = items(4, 24, groups=3)
    strong = settle(given_items, PRIOR, SCALES, CountHint(wanted, wanted, 1000.0)).labels
    assert (np.bincount(strong) >= 2).sum() == wanted
    weak = settle(given_items, PRIOR, SCALES, CountHint(wanted, wanted, 1e-6)).labels
    np.testing.assert_array_equal(weak, settle(given_items, PRIOR, SCALES).labels)


def test_a_hint_beyond_reason_pulls_no_further_than_there_are_photos() -> None:
    """More animals than photos are as many as there can be; the photos of one are never torn to singles."""
    given_items = items(4, 24, groups=3)
    many = settle(given_items, PRIOR, SCALES, CountHint(24, 24, 8.0)).labels
    absurd = settle(given_items, PRIOR, SCALES, CountHint(10**6, 10**6, 8.0)).labels
    np.testing.assert_array_equal(absurd, many)
    assert np.bincount(absurd).min() >= 2


def test_nothing_settles_to_nothing() -> None:
    """An album without sightings has no components."""
    assert settle(items(0, 0), PRIOR, SCALES).labels.tolist() == []
