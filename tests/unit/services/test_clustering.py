"""Albums brought to the photos that are there, whatever they held before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from fake_heads import MODEL, Album, embedding_of, service_of
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_album import Spec, albums

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import StateError
from sploot_media_clustering.services.answering import Request


def places(state: AlbumState) -> dict[str, list[tuple[int, int, float]]]:
    """Subject, reason and probability of each sighting, by photo; subjects are numbered canonically."""
    found: dict[str, list[tuple[int, int, float]]] = {photo.image_id: [] for photo in state.photos}
    level = state.subjects
    for row, owner in enumerate(state.columns.photo.tolist()):
        found[state.photos[owner].image_id].append(
            (int(level.labels[row]), int(level.reasons[row]), float(level.probabilities[row]))
        )
    return found


def look_places(state: AlbumState) -> list[tuple[list[int], list[int]]]:
    return [(part.rows.tolist(), part.level.labels.tolist()) for part in state.looks]


@settings(max_examples=60)
@given(albums(most=16), st.data())
def test_an_album_brought_up_to_date_is_the_album_made_anew(spec: Spec, data: st.DataObject) -> None:
    """From any former state, in any order: the same partition, memberships and looks; ids aside."""
    album = Album(spec.build())
    service, names = service_of(album), sorted(album.photos)
    before = service.empty()
    for name in data.draw(st.lists(st.sampled_from(names), unique=True), label="former"):
        before, _ = service.add(before, embedding_of(album.photos[name]))
    told = data.draw(st.lists(st.sampled_from(names), unique=True), label="told")
    state = service.updated(before, album.embeddings(told))
    fresh = service.updated(service.empty(), album.embeddings(sorted(told)))
    assert [photo.image_id for photo in state.photos] == sorted(told)
    assert places(state) == places(fresh)
    assert look_places(state) == look_places(fresh)
    np.testing.assert_array_equal(state.moments, fresh.moments)
    assert len(set(state.subject_ids)) == len(state.subject_ids) == len(fresh.subject_ids)


@settings(max_examples=20)
@given(albums(most=12))
def test_bringing_up_to_date_twice_changes_nothing(spec: Spec) -> None:
    """The same photos again: the same state, ids included."""
    album = Album(spec.build())
    service, names = service_of(album), list(album.photos)
    once = service.updated(service.empty(), album.embeddings(names))
    twice = service.updated(once, album.embeddings(names))
    assert twice.subject_ids == once.subject_ids
    assert [part.ids for part in twice.looks] == [part.ids for part in once.looks]
    assert places(twice) == places(once)


def test_a_photo_that_was_edited_is_taken_anew() -> None:
    """Its name stays, its vectors are those of today."""
    album = Album(Spec(5, 8, 2, timed=False).build())
    service, names = service_of(album), sorted(album.photos)
    before = service.updated(service.empty(), album.embeddings(names))
    name = next(photo.image_id for photo in before.photos if photo.sightings)
    (seen, *others) = album.photos[name].sightings
    moved = replace(seen, identity=seen.identity + np.float32(3.0))
    album.photos[name] = replace(album.photos[name], sightings=(moved, *others))
    state = service.updated(before, album.embeddings(names))
    (now,) = (photo for photo in state.photos if photo.image_id == name)
    np.testing.assert_array_equal(now.sightings[0].identity, moved.identity)
    assert places(state) == places(service.updated(service.empty(), album.embeddings(names)))


CHANGES = {
    "attributes": lambda seen: replace(seen, attributes=seen.attributes[::-1].copy()),
    "signals": lambda seen: replace(seen, signals=np.float32(1) - seen.signals),
    "species": lambda seen: replace(seen, species=seen.species[::-1].copy()),
    "detector_score": lambda seen: replace(seen, detector_score=0.123),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_the_heads_see_anew_is_taken(what: str) -> None:
    """Also where only the hero's signals or a label would change."""
    album = Album(Spec(5, 8, 2, timed=False).build())
    service, names = service_of(album), sorted(album.photos)
    before = service.updated(service.empty(), album.embeddings(names))
    name = next(photo.image_id for photo in before.photos if photo.sightings)
    (seen, *others) = album.photos[name].sightings
    changed = replace(album.photos[name], sightings=(CHANGES[what](seen), *others))
    album.photos[name] = changed
    state = service.updated(before, album.embeddings(names))
    (now,) = (photo for photo in state.photos if photo.image_id == name)
    assert now is changed


def test_vectors_of_other_networks_are_refused() -> None:
    """The message names both, and says what to do."""
    album = Album(Spec(1, 3, 1, timed=False).build())
    photo = next(iter(album.photos.values()))
    service = service_of(album)
    with pytest.raises(StateError, match=r"'networks-0'.*'networks-1'.*embed the photo again"):
        service.updated(service.empty(), [embedding_of(photo, "networks-0")])


def test_an_album_is_fed_photo_by_photo() -> None:
    """add, remove and settle are those of the domain; a photo that is not there can't be removed."""
    album = Album(Spec(3, 6, 1, timed=False).build())
    service = service_of(album)
    state = service.empty(expected_animals=(1, 2))
    assert state.expected_animals == (1, 2)
    bare = tree.empty(MODEL, (1, 2))
    for photo in album.photos.values():
        state, _ = service.add(state, embedding_of(photo))
        bare, _ = arrivals.add(bare, photo, MODEL)
    assert places(service.settle(state)) == places(tree.settle(bare, MODEL))
    first = state.photos[0].image_id
    assert first not in {photo.image_id for photo in service.remove(state, first).photos}
    with pytest.raises(StateError, match=r"no photo 'never\.jpg'"):
        service.remove(state, "never.jpg")


def test_an_album_lives_on_under_another_model() -> None:
    """Brought up to date by another package, clusters keep ids; anything else of an old state is refused."""
    album = Album(Spec(3, 12, 2, timed=False).build())
    service = service_of(album)
    names = list(album.photos)
    state = service.updated(service.empty(), album.embeddings(names))
    other = replace(state, model_version="test-0")
    assert service.updated(other, album.embeddings(names)).subject_ids == state.subject_ids
    for refused in (service.settle, lambda s: service.remove(s, names[0])):
        with pytest.raises(StateError, match="'test-0', expected 'test-1'"):
            refused(other)


def test_photos_that_can_not_be_had_for_once_stay() -> None:
    """A store that does not answer costs no animal its id."""
    album = Album(Spec(3, 12, 2, timed=False).build())
    service = service_of(album)
    names = list(album.photos)
    state = service.updated(service.empty(), album.embeddings(names))
    kept = service.updated(state, album.embeddings(names[:1]), keep=names[1:])
    assert places(kept) == places(state)
    assert service.updated(state, album.embeddings(names[:1])).photos == state.photos[:1]


def test_what_was_shown_is_remembered_with_the_album() -> None:
    """Heroes by cluster, as the answer had them."""
    album = Album(Spec(3, 10, 1, timed=False).build())
    service = service_of(album)
    state = service.updated(service.empty(), album.embeddings(list(album.photos)))
    answer = service.answer(state, Request("milo", datetime(2025, 6, 1, tzinfo=UTC)))
    shown = service.shown(state, answer)
    assert {part.id: [hero.image_id for hero in part.heroes] for part in answer.clusters} == {
        cluster: list(heroes) for cluster, heroes in shown.heroes.items()
    }
