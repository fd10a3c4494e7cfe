"""How many photos an album may have."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fake_worker import photos_job

from sploot_media_clustering.errors import AlbumTooLargeError
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.album_size import may_be_full, require_room, without_room
from sploot_media_clustering.services.desk import DeletePet, RemoveImage
from sploot_media_clustering.services.jobs import ChangeJob, Position

RECORD = AlbumRecord(
    images={name: Position(1, 0) for name in ("a", "b", "gone")}, removed_ms={"gone": 1}, sources={}
)
"""Two photos."""


def change(what: DeletePet | RemoveImage) -> ChangeJob:
    return ChangeJob(job_id="change", pet_id="p", change=what, at=datetime(2024, 1, 1, tzinfo=UTC))


def test_an_album_may_be_as_large_as_it_may_be() -> None:
    """And no photo larger; the message says what to do."""
    require_room(3, 3)
    with pytest.raises(AlbumTooLargeError, match=r"at most 3 photos, this one would have 4; make several"):
        require_room(4, 3)


def test_jobs_are_refused_one_by_one() -> None:
    """What does not fit is left out; photos that are there, or go, take no room."""
    jobs = [
        photos_job("one", "p", {"c": "milo"}),
        photos_job("too many", "p", {"d": "milo", "e": "milo"}),
        photos_job("again", "p", {"a": "milo", "b": "milo"}),
        photos_job("no room", "p", {"d": "milo"}),
        photos_job("in its place", "p", {"d": "milo"}, remove_image_ids=("a",)),
        change(RemoveImage(image_id="b")),
        photos_job("into the gap", "p", {"e": "milo"}),
    ]
    assert list(without_room(RECORD, jobs, 3)) == ["too many", "no room"]
    assert list(without_room(RECORD, [change(DeletePet()), *jobs], 3)) == ["again"]


def test_an_album_that_is_over_the_bound_already_still_changes() -> None:
    """A bound that was lowered takes nothing away, and lets no photo in."""
    jobs = [photos_job("again", "p", {"a": "milo"}), photos_job("more", "p", {"c": "milo"})]
    assert list(without_room(RECORD, jobs, 1)) == ["more"]


def test_only_large_albums_are_looked_at() -> None:
    """A photo takes 32 bytes of a record at least, so a small record tells of few."""
    jobs = [photos_job("one", "p", {"c": "milo"})]
    assert not may_be_full(32 * 98, jobs, 99)
    assert may_be_full(32 * 99, jobs, 99)
