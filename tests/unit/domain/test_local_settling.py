"""Settling among neighbours, made to begin at a handful of items: what it promises all the same."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_album import Spec, albums, excluding, tree_model

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.columns import atoms
from sploot_media_clustering.domain.conflicts import Bars, Conflicts, Occupied, Parties, none
from sploot_media_clustering.domain.expectations import CountHint, ScaleSearch
from sploot_media_clustering.domain.joining import GainBlocks
from sploot_media_clustering.domain.level import LevelModel
from sploot_media_clustering.domain.mixture import Prior
from sploot_media_clustering.domain.moving import join_gains
from sploot_media_clustering.domain.neighbours import nearest_pairs
from sploot_media_clustering.domain.partition import Items, Reach, statistics
from sploot_media_clustering.domain.settling import settle
from sploot_media_clustering.services import state_codec

NEAR = Reach(all_pairs=4, neighbours=2)
PRIOR = Prior(np.array([20.0, 12.0, 6.0, 3.0]), power=0.7, log_concentration=-2.0, size_power=0.5)
SCALES = ScaleSearch((0.7, 1.0, 1.4), 0.35)
seeds = st.integers(0, 2**31 - 1)


def near(level: LevelModel) -> LevelModel:
    return replace(level, reach=NEAR)


MODEL = replace(tree_model(), subjects=near(tree_model().subjects), looks=near(tree_model().looks))


def drawn(seed: int, size: int, *, groups: int = 4, apart: float = 1.0, forbidden: float = 0.1) -> Items:
    """Items of some groups, a few in one photo or of sides that exclude each other."""
    rng = np.random.default_rng(seed)
    centres = apart * rng.normal(size=(groups, 4)) * np.sqrt(PRIOR.between)
    vectors = centres[rng.integers(groups, size=size)] + rng.normal(size=(size, 4))
    conflicts = Conflicts(
        rng.integers(-1, max(1, int(size / forbidden / 4)), size=size),
        rng.choice([-1, -1, -1, 0, 1], (size, 1)).astype(np.int8),
    )
    weights = rng.choice([1.0, 0.75, 0.5], size)
    return Items(np.rint(vectors * 8) / 8, weights, np.arange(size), conflicts)


def pairs_of(conflicts: Conflicts) -> np.ndarray:
    return conflicts.of_components(np.arange(len(conflicts)), len(conflicts))


@settings(max_examples=12)
@given(seeds, st.integers(5, 40))
def test_no_single_move_gains_and_nobody_is_with_whom_it_excludes(seed: int, size: int) -> None:
    """Moves look at every component, however few neighbours merging looked at."""
    items = drawn(seed, size)
    settled = settle(items, PRIOR, SCALES, reach=NEAR)
    gain = join_gains(items, statistics(items, settled.labels), settled.labels, settled.prior)
    assert (gain.max(1) <= gain[np.arange(size), settled.labels] + 1e-6).all()
    assert not ((settled.labels[:, None] == settled.labels) & pairs_of(items.conflicts)).any()


@settings(max_examples=12)
@given(seeds, st.integers(5, 40))
def test_gains_are_those_of_an_ordinary_album(seed: int, size: int) -> None:
    """Some items at a time, from products of matrices, and for items that are in no component."""
    items = drawn(seed, size)
    labels = np.random.default_rng(seed).integers(-1, 4, size)
    components = statistics(items, np.where(labels < 0, 4, labels), 5)
    components.counts[4] = 0
    found = np.empty((size, 6))
    for rows, gain in GainBlocks(items, labels, components, PRIOR):
        found[rows] = gain
    np.testing.assert_allclose(found, join_gains(items, components, labels, PRIOR), rtol=1e-9, atol=1e-9)


@settings(max_examples=8)
@given(seeds, st.integers(5, 30))
def test_where_animals_lie_well_apart_it_settles_as_an_ordinary_album_does(seed: int, size: int) -> None:
    """What neighbours alone leave open are close calls."""
    items = replace(drawn(seed, size, groups=3, apart=6.0), conflicts=none(size))
    labels = settle(items, PRIOR, SCALES, reach=NEAR).labels
    np.testing.assert_array_equal(labels, settle(items, PRIOR, SCALES).labels)


@pytest.mark.parametrize("wanted", [1, 2, 5])
def test_a_strong_word_on_how_many_decides(wanted: int) -> None:
    """The last merges are those of an ordinary album, and so is what a hint does to them."""
    items = drawn(4, 60, groups=3)
    free = replace(items, conflicts=none(60))
    labels = settle(
        free, PRIOR, SCALES, CountHint(wanted, wanted, 1000.0), replace(NEAR, all_pairs=30)
    ).labels
    assert (np.bincount(labels) >= 2).sum() == wanted


def arrived(photos: tuple[Photo, ...]) -> tree.AlbumState:
    state = tree.empty(MODEL)
    for photo in photos:
        state, _ = arrivals.arrive(state, photo, MODEL)
    return state


@settings(max_examples=6)
@given(albums(most=20), st.randoms(use_true_random=False))
def test_every_order_of_arrival_settles_to_the_same_album(spec: Spec, shuffle: Random) -> None:
    """To the last bit of the stored state, and settling it once more changes nothing."""
    photos = list(spec.build())
    one = tree.settle(arrived(tuple(photos)), MODEL)
    shuffle.shuffle(photos)
    other = tree.settle(arrived(tuple(photos)), MODEL)
    packed = state_codec.pack(one)
    assert state_codec.pack(other) == packed
    assert state_codec.pack(tree.settle(state_codec.unpack(packed), MODEL)) == packed


def test_many_photos_at_once_settle_a_large_album_as_it_would_settle_after_each() -> None:
    """They are not found a place one by one first; one that is replaced is there once."""
    photos = Spec(3, 20, 3, timed=True).build()
    before = tree.settle(arrived(photos[:12]), MODEL)
    found = arrivals.add_all(before, photos[10:], MODEL)
    assert found.unsettled == 0
    assert [photo.image_id for photo in found.photos] == [photo.image_id for photo in photos]
    one_by_one = before
    for photo in photos[12:]:
        one_by_one, _ = arrivals.arrive(one_by_one, photo, MODEL)
    settled = tree.settle(one_by_one, MODEL)
    np.testing.assert_array_equal(found.subjects.labels, settled.subjects.labels)
    np.testing.assert_array_equal(found.subjects.mixture.sums, settled.subjects.mixture.sums)


@settings(max_examples=12)
@given(seeds, st.integers(1, 40), st.integers(1, 5))
def test_the_nearest_are_those_of_comparing_all(seed: int, size: int, k: int) -> None:
    """Of equally near ones the first, and one of equal rows stands for all."""
    rng = np.random.default_rng(seed)
    compared = rng.integers(-3, 4, (size, 3)).astype(np.float32)
    expected = set()
    first = {row.tobytes(): i for i, row in reversed(list(enumerate(compared)))}
    for i, row in enumerate(compared):
        if first[row.tobytes()] != i:
            expected.add((first[row.tobytes()], i))
            continue
        ranked = sorted(
            (float(compared[j, 2] - row[:2] @ compared[j, :2]), j) for j in first.values() if j != i
        )
        expected |= {(min(i, j), max(i, j)) for _, j in ranked[:k]}
    assert [tuple(pair) for pair in nearest_pairs(compared, k).tolist()] == sorted(expected)


@settings(max_examples=12)
@given(seeds, st.integers(1, 20))
def test_conflicts_by_marks_are_those_of_pairs(seed: int, size: int) -> None:
    """Of components, of items with components, of groups that grow, and of components that fill up."""
    rng = np.random.default_rng(seed)
    conflicts = drawn(seed, size).conflicts
    conflicts = conflicts.parted(chosen := rng.random(size) < 0.3, ~chosen & (rng.random(size) < 0.3))
    pairs, labels = pairs_of(conflicts), rng.integers(-1, 3, size)
    inside = labels[:, None] == np.arange(3)
    np.testing.assert_array_equal(Bars(conflicts, labels, 3).of(np.arange(size)), pairs @ inside)
    np.testing.assert_array_equal(conflicts.of_components(labels, 3), inside.T @ pairs @ inside)
    same = excluding(pairs)
    np.testing.assert_array_equal(pairs_of(same), pairs)
    parties = Parties(conflicts, np.arange(size), size)
    occupied = Occupied(conflicts, np.full(size, -1), 1)
    together: list[int] = []
    for item in rng.permutation(size).tolist():
        assert occupied.barred(item).tolist() == [bool(pairs[item, together].any())]
        assert conflicts.exclude(item, np.array(together, np.int64)) == pairs[item, together].any()
        if together and parties.exclude(together[0], item):
            assert pairs[item, together].any()
        elif not pairs[item, together].any():
            if together:
                parties.merge(together[0], item)
            together.append(item)
            occupied.placed(item, 0)


def test_a_long_moment_finds_its_near_duplicates_among_neighbours() -> None:
    """Copies are one atom, whoever is nearest to whom."""
    vectors = np.repeat(np.random.default_rng(0).normal(size=(6, 4)).round(1), 5, axis=0)
    labels = atoms(vectors, np.zeros(30, np.int64), none(30), 1e-6, NEAR)
    np.testing.assert_array_equal(labels, np.repeat(np.arange(6), 5))
