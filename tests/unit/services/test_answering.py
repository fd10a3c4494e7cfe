"""Answers, read off album states."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from strategies_album import Spec, album, albums, tree_model

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Photo, Sighting
from sploot_media_clustering.domain.attributes import COAT, column, columns_of
from sploot_media_clustering.domain.hero import SCORED, HeroModel
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.services.answer import Answer, FailedImage, encode, json_schema
from sploot_media_clustering.services.answering import AlbumReader, Request
from sploot_media_clustering.services.shapes import as_fraction

MODEL = tree_model()
EVEN = np.full(len(SCORED), 1 / len(SCORED))
HERO = HeroModel(weights=EVEN, usual=np.full(len(SCORED), 0.5), sharpness_of_choice=8.0)
ROUNDED = 2e-4
"""Scores of an answer have four digits."""
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def settled(spec: Spec) -> AlbumState:
    state = tree.empty(MODEL)
    for photo in spec.build():
        state, _ = arrivals.add(state, photo, MODEL)
    return tree.settle(state, MODEL)


def read(state: AlbumState, top: int = 3) -> Answer:
    return AlbumReader(state, MODEL, HERO, Request("milo", NOON, top=top)).answer()


def settled_of(photos: tuple[Photo, ...]) -> AlbumState:
    state = tree.empty(MODEL)
    for photo in photos:
        state, _ = arrivals.arrive(state, photo, MODEL)
    return tree.settle(state, MODEL)


@settings(max_examples=25)
@given(albums())
def test_every_sighting_is_in_one_subject_or_stands_aside_with_a_reason(spec: Spec) -> None:
    """Nothing is lost and nothing doubled, and the answer keeps its schema."""
    state = settled(spec)
    answer = read(state)
    subjects = [part for part in answer.clusters if part.level == "subject"]
    placed = [(member.image_id, member.box) for part in subjects for member in part.members]
    aside = [(photo.image_id, photo.box) for photo in answer.unclustered if photo.box]
    seen = [(image.image_id, sighting.box) for image in answer.images for sighting in image.sightings]
    assert sorted([*placed, *aside]) == sorted(seen)
    without = {photo.image_id for photo in answer.unclustered if photo.reason == "no_animal"}
    assert without == {image.image_id for image in answer.images if not image.sightings}
    jsonschema.validate(msgspec.json.decode(encode(answer)), msgspec.json.decode(json_schema()))


@settings(max_examples=25)
@given(albums())
def test_the_looks_of_a_subject_share_its_photos_out(spec: Spec) -> None:
    """Each photo of a subject is in one of its looks, and no two clusters of an album have one label."""
    answer = read(settled(spec))
    for subject in (part for part in answer.clusters if part.level == "subject"):
        looks = [part for part in answer.clusters if part.parent_id == subject.id]
        assert sorted(m.image_id for part in looks for m in part.members) == sorted(
            m.image_id for m in subject.members
        )
    assert len({part.label for part in answer.clusters}) == len(answer.clusters)


@settings(max_examples=25)
@given(albums())
def test_heroes_are_members_one_a_moment_best_first(spec: Spec) -> None:
    """The first is the best scored; one of two animals has to be clearly better than those of one alone."""
    answer = read(settled(spec))
    moments = {image.image_id: image.moment for image in answer.images}
    shown = Counter(m.image_id for part in answer.clusters if part.level == "subject" for m in part.members)
    for part in answer.clusters:
        worth = {m.image_id: m.score - HERO.margin * (shown[m.image_id] > 1) for m in part.members}
        chosen = [hero.image_id for hero in part.heroes]
        assert set(chosen) <= worth.keys()
        assert len({moments[image_id] for image_id in chosen}) == len(chosen)
        assert part.hero_image_id == chosen[0]
        ranked = [worth[image_id] for image_id in chosen]
        assert ranked == pytest.approx(sorted(ranked, reverse=True), abs=ROUNDED)
        assert ranked[0] == pytest.approx(max(worth.values()), abs=ROUNDED)


def test_a_hero_stays_until_it_is_clearly_beaten() -> None:
    """What was shown is remembered in the state."""
    state = settled(Spec(3, 14, 1, timed=False))
    first = read(state, top=1).clusters[0]
    second = next(m.image_id for m in first.members if m.image_id != first.hero_image_id)
    remembered = replace(state, heroes={first.id: (second,)})
    close = replace(HERO, sharpness_of_choice=0.01)
    kept = AlbumReader(remembered, MODEL, close, Request("milo", NOON, top=1)).answer().clusters[0]
    assert kept.hero_image_id == second
    clear = replace(HERO, sharpness_of_choice=1e6)
    beaten = AlbumReader(remembered, MODEL, clear, Request("milo", NOON, top=1)).answer().clusters[0]
    assert beaten.hero_image_id == first.hero_image_id


def test_an_albums_only_photo_is_provisional_until_others_agree() -> None:
    """What is founded on too little says so, however it was settled."""
    photos = album(seed=1, photos=4, animals=1)
    state = tree.empty(MODEL)
    seen = []
    for photo in photos:
        state, _ = arrivals.add(state, photo, MODEL)
        seen.append(read(state).clusters[0].provisional)
    assert seen == [True, False, False, False]


def test_coverage_counts_a_photo_once_a_label() -> None:
    """Photos of two animals with looks of one label, and photos of none: a share of the album's photos."""
    photos = album(seed=2, photos=14, animals=2)
    answer = read(settled_of(photos))
    for label, share in answer.metrics.coverage.items():
        inside = {m.image_id for part in answer.clusters if part.label == label for m in part.members}
        assert share == as_fraction(len(inside) / len(photos))


def test_pictures_without_a_look_belong_to_their_animal() -> None:
    """Their probability is that of being of the animal, since that is all that is claimed."""
    found = 0
    for seed in range(8):
        clusters = read(settled_of(album(seed, photos=9, animals=3))).clusters
        for rest in (part for part in clusters if part.id.endswith("-other")):
            (subject,) = [part for part in clusters if part.id == rest.parent_id]
            sure = {member.image_id: member.probability for member in subject.members}
            assert all(member.probability == sure[member.image_id] for member in rest.members)
            found += 1
    assert found > 0


def test_a_guess_names_only_what_is_served() -> None:
    """Once all members of the guessed animal are gone, there is no guess."""
    state = settled_of(album(seed=3, photos=12, animals=2))
    for photo in state.photos[:-1]:
        state = arrivals.remove(state, photo.image_id, MODEL)
    answer = read(state)
    served = {part.id for part in answer.clusters}
    assert all(part.best is None or part.best.id in served for part in answer.unclustered)


def test_photos_that_can_not_be_read_are_unclustered() -> None:
    """With the reason that the contract names."""
    failed = FailedImage(image_id="x.jpg", error="EmptyFileError", message="no bytes")
    request = Request("milo", NOON, failed=(failed,))
    answer = AlbumReader(tree.empty(MODEL), MODEL, HERO, request).answer()
    assert [(part.image_id, part.reason) for part in answer.unclustered] == [("x.jpg", "unreadable")]


def test_an_album_without_photos_has_an_answer() -> None:
    """Empty, and valid."""
    answer = read(tree.empty(MODEL))
    assert answer.clusters == ()
    jsonschema.validate(msgspec.json.decode(encode(answer)), msgspec.json.decode(json_schema()))


def test_photos_of_an_album_are_listed_once() -> None:
    """With their size, moment and sightings."""
    photos = album(seed=2, photos=9, animals=2)
    answer = read(settled(Spec(2, 9, 2, timed=True)))
    assert [image.image_id for image in answer.images] == [photo.image_id for photo in photos]


def test_subjects_are_called_by_their_coat_where_it_is_sure() -> None:
    """Else by their species alone."""
    photos = album(seed=3, photos=9, animals=1)
    ginger = tuple(replace(photo, sightings=tuple(map(_ginger, photo.sightings))) for photo in photos)
    subjects = [part.label for part in read(settled_of(ginger)).clusters if part.level == "subject"]
    assert subjects[0] == "Ginger cat"
    assert read(settled_of(photos)).clusters[0].label == "Cat"


def _ginger(sighting: Sighting) -> Sighting:
    attributes = sighting.attributes.copy()
    attributes[columns_of(COAT)] = 0.0
    attributes[column(COAT, "ginger")] = 1.0
    return replace(sighting, attributes=attributes)
