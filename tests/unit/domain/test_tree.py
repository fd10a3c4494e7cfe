"""The tree: what holds for every album, whatever order its photos came in."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_album import SCENE_DIMENSION, Spec, album, albums, tree_model

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Box, Photo
from sploot_media_clustering.domain.columns import conflicts
from sploot_media_clustering.domain.grid import SCENE_STEP, VECTOR_STEP, on_grid
from sploot_media_clustering.domain.level import ALONE, ASIDE, PLACED, SURE_OF_FURTHER
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import StateError

MODEL = tree_model()


def grown(photos: tuple[Photo, ...]) -> AlbumState:
    state = tree.empty(MODEL)
    for photo in photos:
        state, _ = arrivals.add(state, photo, MODEL)
    return state


def unnamed(photos: tuple[Photo, ...]) -> AlbumState:
    """The photos, arrived without any settling, so that the first settling mints every id."""
    state = tree.empty(MODEL)
    for photo in photos:
        state, _ = arrivals.arrive(state, photo, MODEL)
    return state


def assert_same(left: AlbumState, right: AlbumState) -> None:
    assert [p.image_id for p in left.photos] == [p.image_id for p in right.photos]
    np.testing.assert_array_equal(left.subjects.labels, right.subjects.labels)
    np.testing.assert_array_equal(left.subjects.probabilities, right.subjects.probabilities)
    np.testing.assert_array_equal(left.subjects.mixture.sums, right.subjects.mixture.sums)
    np.testing.assert_array_equal(left.subjects.reasons, right.subjects.reasons)
    for a, b in zip(left.looks, right.looks, strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.level.labels, b.level.labels)
        np.testing.assert_array_equal(a.level.probabilities, b.level.probabilities)


@settings(max_examples=25)
@given(albums(), st.randoms(use_true_random=False))
def test_every_order_of_arrival_settles_to_the_same_album(spec: Spec, shuffle: Random) -> None:
    """Partition, memberships and canonical ids depend on no order of arrival and no earlier settling."""
    photos = spec.build()
    other = list(photos)
    shuffle.shuffle(other)
    one, two = tree.settle(unnamed(photos), MODEL), tree.settle(unnamed(tuple(other)), MODEL)
    assert_same(one, two)
    assert one.subject_ids == two.subject_ids
    assert [looks.ids for looks in one.looks] == [looks.ids for looks in two.looks]
    assert_same(one, tree.settle(grown(tuple(other)), MODEL))


@settings(max_examples=25)
@given(albums())
def test_settling_twice_changes_nothing(spec: Spec) -> None:
    """A settled album is a fixed point, ids and lineage included."""
    photos = spec.build()
    once = tree.settle(grown(photos), MODEL)
    twice = tree.settle(once, MODEL)
    assert_same(once, twice)
    assert once.subject_ids == twice.subject_ids
    assert once.lineage == twice.lineage


@settings(max_examples=25)
@given(albums(), st.integers(0, 2**31 - 1))
def test_adding_then_removing_a_photo_restores_the_statistics(spec: Spec, seed: int) -> None:
    """Removing is the exact inverse of arriving, the weights of its moment included."""
    photos = spec.build()
    before = tree.settle(grown(photos), MODEL)
    extra = replace(album(seed, 5, 2)[4], image_id="extra.jpg", scene=photos[0].scene, captured_at=None)
    state, _ = arrivals.arrive(before, extra, MODEL)
    after = arrivals.remove(state, "extra.jpg", MODEL)
    np.testing.assert_array_equal(after.subjects.mixture.sums, before.subjects.mixture.sums)
    np.testing.assert_array_equal(after.subjects.mixture.weights, before.subjects.mixture.weights)
    np.testing.assert_array_equal(after.subjects.mixture.counts, before.subjects.mixture.counts)
    np.testing.assert_array_equal(after.subjects.labels, before.subjects.labels)
    for a, b in zip(after.looks, before.looks, strict=True):
        np.testing.assert_array_equal(a.level.mixture.sums, b.level.mixture.sums)
        np.testing.assert_array_equal(a.rows, b.rows)
    assert [p.image_id for p in after.photos] == [p.image_id for p in before.photos]


def test_what_was_one_moment_at_the_last_settling_is_one_when_a_photo_of_it_goes() -> None:
    """In the larger album that it was taken from, its two photos would not have been alike enough."""
    scenes = np.eye(SCENE_DIMENSION, dtype=np.float32)
    beside = on_grid(np.array([0.93, 0.3676, 0, 0, 0], np.float32), SCENE_STEP)
    photos = album(5, 9, 2, timed=False)
    shown = [scenes[0], beside, *(scenes[2 + i % 3] for i in range(6)), scenes[0]]
    photos = tuple(replace(photo, scene=scene) for photo, scene in zip(photos, shown, strict=True))
    state = tree.settle(unnamed(photos[:2]), MODEL)
    for photo in photos[2:]:
        state, _ = arrivals.arrive(state, photo, MODEL)
    state = arrivals.remove(state, photos[-1].image_id, MODEL)
    assert state.moments[0] == state.moments[1]
    settled = tree.settle(state, MODEL)
    assert settled.moments[0] != settled.moments[1]


@settings(max_examples=25)
@given(albums(), st.data())
def test_removing_then_settling_equals_never_having_seen_it(spec: Spec, data: st.DataObject) -> None:
    """A removed photo leaves no trace in a settled album."""
    photos = spec.build()
    gone = data.draw(st.sampled_from(photos))
    rest = tuple(photo for photo in photos if photo.image_id != gone.image_id)
    without = tree.settle(arrivals.remove(grown(photos), gone.image_id, MODEL), MODEL)
    assert_same(without, tree.settle(grown(rest), MODEL))


@settings(max_examples=25)
@given(albums())
def test_two_sightings_of_one_photo_never_share_a_subject(spec: Spec) -> None:
    """Neither between settlings nor after one; nor do species that surely differ."""
    photos = spec.build()
    for state in (unnamed(photos), grown(photos), tree.settle(grown(photos), MODEL)):
        labels = state.subjects.labels
        together = (labels[:, None] == labels) & (labels >= 0)[:, None]
        excluded = conflicts(state.columns).of_components(np.arange(len(labels)), len(labels))
        assert not (together & excluded).any()


@settings(max_examples=20)
@given(albums())
def test_statistics_between_settlings_equal_those_of_the_members(spec: Spec) -> None:
    """However a state was reached, each component is the weighted sum of its members."""
    photos = spec.build()
    state = grown(photos)
    if len(photos) > 2:
        state = arrivals.remove(state, photos[1].image_id, MODEL)
    weights = tree.sighting_weights(state.moments, state.columns, MODEL)
    for k in range(len(state.subjects.mixture)):
        rows = state.subjects.labels == k
        expected = (weights[rows, None] * state.columns.identity[rows]).sum(0)
        np.testing.assert_array_equal(state.subjects.mixture.sums[k], expected)
        assert state.subjects.mixture.counts[k] == rows.sum()


def test_copies_found_no_animals() -> None:
    """A backup of the album in the album: the same animals, each photo beside its copy."""
    photos = album(seed=7, photos=40, animals=3)
    copied = tuple(replace(photo, image_id=f"backup/{photo.image_id}") for photo in photos)
    once, twice = tree.settle(grown(photos), MODEL), tree.settle(grown(photos + copied), MODEL)
    assert len(once.subject_ids) == len(twice.subject_ids)
    half = len(twice.columns) // 2
    np.testing.assert_array_equal(twice.subjects.labels[:half], twice.subjects.labels[half:])


def test_ids_survive_growth() -> None:
    """Animals keep their ids while an album grows by a tenth."""
    photos = album(seed=7, photos=66, animals=3)
    small = tree.settle(grown(photos[:60]), MODEL)
    state = small
    for photo in photos[60:]:
        state, _ = arrivals.add(state, photo, MODEL)
    large = tree.settle(state, MODEL)
    assert set(small.subject_ids) <= set(large.subject_ids)


def test_an_albums_only_photo_is_served() -> None:
    """A first photo founds its animal; nobody waits for a second one."""
    state = grown(album(seed=1, photos=1, animals=1))
    assert state.subjects.labels.tolist() == [0]
    assert state.subjects.reasons.tolist() == [PLACED]


def test_an_album_that_was_emptied_begins_anew() -> None:
    """The first photo after all have gone, or the only photo again, is served at once."""
    photos = album(seed=1, photos=2, animals=1)
    state = arrivals.remove(grown(photos[:1]), photos[0].image_id, MODEL)
    for photo in photos:
        again, _ = arrivals.add(state, photo, MODEL)
        assert again.subjects.labels.tolist() == [0]
    replaced, _ = arrivals.add(grown(photos[:1]), photos[0], MODEL)
    assert replaced.subjects.labels.tolist() == [0]


def test_a_stranger_seen_once_stays_aside() -> None:
    """One sighting far from all others founds nothing and says why."""
    photos = album(seed=3, photos=12, animals=1)
    far = album(seed=99, photos=1, animals=1)[0]
    vector = far.sightings[0].identity + np.float32(40.0)
    stranger = replace(far, image_id="zz.jpg", sightings=(replace(far.sightings[0], identity=vector),))
    state = tree.settle(grown((*photos, stranger)), MODEL)
    assert state.subjects.labels[-1] == ASIDE
    assert state.subjects.reasons[-1] == ALONE


def test_a_photo_without_animals_belongs_to_the_album_alone() -> None:
    """It is kept, has a moment, and disturbs no cluster."""
    photos = album(seed=5, photos=10, animals=1)
    empty_photo = replace(photos[0], image_id="empty.jpg", sightings=())
    with_it, without = tree.settle(grown((*photos, empty_photo)), MODEL), tree.settle(grown(photos), MODEL)
    assert len(with_it.photos) == len(photos) + 1
    assert len(with_it.moments) == len(photos) + 1
    assert len(with_it.subjects.labels) == len(without.subjects.labels)


def test_vectors_of_another_model_are_refused() -> None:
    """Vectors of two versions never meet in one mixture."""
    state = replace(tree.empty(MODEL), model_version="older")
    with pytest.raises(StateError, match="embed the album again"):
        arrivals.add(state, album(seed=1, photos=1, animals=1)[0], MODEL)


def test_removing_an_unknown_photo_says_so() -> None:
    """The message names the photo."""
    with pytest.raises(StateError, match=r"no photo 'nope\.jpg'"):
        arrivals.remove(tree.empty(MODEL), "nope.jpg", MODEL)


def test_an_owners_hint_moves_a_doubtful_number_of_animals() -> None:
    """Two animals close together are one or two by the owner's word; far apart, they stay two."""
    rng = np.random.default_rng(0)
    photos = album(seed=11, photos=20, animals=1, timed=False)
    near = tuple(
        replace(
            p,
            image_id=f"b{p.image_id}",
            sightings=tuple(replace(s, identity=s.identity + np.float32(2.25)) for s in p.sightings),
            scene=(v := rng.normal(size=5).astype(np.float32)) / np.float32(np.linalg.norm(v)),
        )
        for p in photos
    )
    state = grown((*photos, *near))
    counts = {
        hint: len(tree.settle(replace(state, expected_animals=(hint, hint)), MODEL).subject_ids)
        for hint in (1, 2)
    }
    assert counts[1] <= counts[2]
    assert counts[2] == 2


def test_two_strangers_are_reason_enough_to_settle() -> None:
    """They may be a new animal, which is served at once then; one of them stands aside and waits."""
    cat, dog = (
        album(seed=4, photos=12, animals=1, timed=False),
        album(seed=9, photos=2, animals=1, timed=False),
    )
    state = tree.settle(grown(cat), MODEL)
    strangers = [
        replace(
            photo,
            image_id=f"~{place}",
            sightings=(replace(s := photo.sightings[0], identity=s.identity + np.float32(60.0)),),
        )
        for place, photo in enumerate(dog)
    ]
    state, first = arrivals.add(state, strangers[0], MODEL)
    assert (first.settled, first.subjects[0].label) == (False, ASIDE)
    state, second = arrivals.add(state, strangers[1], MODEL)
    assert second.settled
    assert len(state.subject_ids) == 2


def test_a_further_sighting_has_to_be_surer() -> None:
    """What would do for the first sighting of a photo leaves a doubtful further one aside, settled or not."""
    photos = album(seed=4, photos=24, animals=2, timed=False)
    settled = tree.settle(grown(photos), MODEL)
    assert len(settled.subject_ids) == 2
    one, other = (
        settled.columns.identity[settled.subject_labels() == k].mean(0).astype(np.float32) for k in (0, 1)
    )
    first = photos[0].sightings[0]
    box = Box(0.0, 0.0, 0.1, 0.1)
    between_bars = 0
    for share in np.linspace(0.3, 0.7, 41):
        vector = on_grid(one + np.float32(share) * (other - one), VECTOR_STEP)
        between = replace(first, identity=vector, box=box, detector_score=0.3)
        newcomer = replace(photos[0], image_id="~new", sightings=(between,))
        (lone,) = arrivals.arrive(settled, newcomer, MODEL)[1]
        far = replace(first, identity=first.identity + np.float32(60.0))
        beside = replace(newcomer, sightings=(far, between))
        state, (_, further) = arrivals.arrive(settled, beside, MODEL)
        assert further.probability == pytest.approx(lone.probability)
        assert (further.label != ASIDE) == (lone.label != ASIDE and lone.probability >= SURE_OF_FURTHER)
        between_bars += lone.label != further.label
        after = tree.settle(state, MODEL)
        assert (after.subject_labels()[-1] != ASIDE) == (after.subjects.probabilities[-1] >= SURE_OF_FURTHER)
    assert between_bars


def test_a_second_box_on_one_animal_does_not_split_it() -> None:
    """A doubtful further sighting founds nothing and keeps nobody apart; it stands aside instead."""
    photos = album(seed=4, photos=16, animals=1, timed=False)
    alone = tree.settle(grown(photos), MODEL)
    doubled = tuple(
        replace(
            photo,
            sightings=(
                *photo.sightings,
                *(replace(s, detector_score=0.3, box=Box(0.0, 0.0, 0.1, 0.1)) for s in photo.sightings[:1]),
            ),
        )
        if index % 3 == 0
        else photo
        for index, photo in enumerate(photos)
    )
    both = tree.settle(grown(doubled), MODEL)
    leading = both.columns.leading
    assert len(both.subject_ids) == len(alone.subject_ids)
    np.testing.assert_array_equal(both.subjects.labels[leading], alone.subjects.labels)
    assert (both.subjects.labels[~leading] == ASIDE).all()
