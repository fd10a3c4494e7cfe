"""Albums as drift sees them; a reference that is kept; a report of what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from fake_heads import Album, service_of
from strategies_album import album

from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.drift import Terms
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services import value_codec
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.drift import (
    FIGURES,
    PHOTOS_OF_AN_ALBUM,
    AlbumView,
    DriftReport,
    Reference,
    checked,
    recorded,
    view,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)
TERMS = Terms(permutations=199)
FAILED = FailedImage(image_id="x.jpg", error="NotAnImageError", message="no image")


def viewed(photos: Sequence[Photo], some: Sequence[Photo] | None = None) -> AlbumView:
    known = Album(tuple(photos))
    service = service_of(known)
    state = service.updated(service.empty(), known.embeddings(list(known.photos)))
    answer = service.answer(state, Request(pet_id="milo", at=AT, top=1, version=1, failed=(FAILED,)))
    return view(state, answer, some)


def household(seed: int) -> tuple[Photo, ...]:
    return album(seed, 14, 1 + seed % 2)


def blind(photos: Sequence[Photo]) -> list[Photo]:
    """Half of the photos show nobody any more."""
    return [replace(photo, sightings=()) if i % 2 else photo for i, photo in enumerate(photos)]


def test_figures_of_an_album_are_counted() -> None:
    """Photos without an animal, photos that failed; all figures have names that are told."""
    photos = household(3)
    seen = viewed(photos)
    assert seen.photos == 14
    assert seen.figures["unreadable photos"] == pytest.approx(1 / 15)
    assert seen.figures["photos without an animal"] == pytest.approx(2 / 14)
    assert seen.figures["animals in a photo"] == pytest.approx(
        np.mean([len(photo.sightings) for photo in photos])
    )
    assert set(seen.figures) <= set(FIGURES)
    assert len(set(FIGURES)) == len(FIGURES)


def test_only_photos_that_count_are_looked_at() -> None:
    """And of a large album some, from its beginning to its end."""
    photos = household(4)
    assert viewed(photos, photos[:3]).photos == 3
    large = viewed(album(5, 40, 2))
    assert 10 <= len(large.vectors["photos"]) <= PHOTOS_OF_AN_ALBUM
    np.testing.assert_array_equal(large.vectors["photos"][-1], album(5, 40, 2)[39].scene)


@pytest.fixture(scope="module")
def albums() -> list[AlbumView]:
    return [viewed(album(seed, 8, 1)) for seed in range(20)]


def test_a_reference_is_packed_and_read_again(albums: list[AlbumView]) -> None:
    """With nothing of a photo but means of features."""
    reference = recorded(albums[:10], "test-1", AT)
    again = value_codec.unpack(Reference, value_codec.pack(reference))
    one, two = (checked(part, albums[10:], AT, terms=TERMS) for part in (reference, again))
    assert one == two
    assert again.photos == 10 * 8
    assert all(space.features.shape[0] == 10 for space in again.spaces)


def test_animals_that_are_missed_ring_first(albums: list[AlbumView]) -> None:
    """And albums of the same kind do not; the report says so in JSON, too."""
    reference = recorded(albums[:10], "test-1", AT)
    calm = checked(reference, albums[10:], AT, terms=TERMS, other_models=2)
    assert not calm.alarms
    assert calm.other_models == 2
    missed = [viewed(blind(album(seed, 8, 1))) for seed in range(10, 20)]
    report = checked(reference, missed, AT, terms=TERMS)
    assert "photos without an animal" in {one.name for one in report.alarms}
    assert report.findings[: len(report.alarms)] == report.alarms
    assert msgspec.json.decode(msgspec.json.encode(report), type=DriftReport) == report


def test_a_reference_needs_albums_and_animals(albums: list[AlbumView]) -> None:
    """Eight of them, and an animal in one."""
    with pytest.raises(InputError, match="at least 8 albums"):
        recorded(albums[:7], "test-1", AT)
    empty = viewed([replace(photo, sightings=()) for photo in household(1)])
    with pytest.raises(InputError, match="no animal"):
        recorded([empty] * 8, "test-1", AT)
