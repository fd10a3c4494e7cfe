"""An album depends on which jobs it holds, and not on when they were done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from album_view import seen
from fake_worker import SketchEmbedder, photos_job, sketch_clustering
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from strategies_embedding import beartype_draws

from sploot_media_clustering.errors import StateError
from sploot_media_clustering.services import album_record, state_codec
from sploot_media_clustering.services.album_record import AlbumRecord, Source
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.applying import (
    TOMBSTONE_MS,
    AlbumApplier,
    Applied,
    Prepared,
    ReadyPhoto,
)
from sploot_media_clustering.services.decision_records import Said, Sighted, decision_of
from sploot_media_clustering.services.desk import Change, Decide, DeletePet, Invalidate, RemoveImage, Undo
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.jobs import ChangeJob, Position

CLUSTERING = sketch_clustering()
APPLIER = AlbumApplier(CLUSTERING)
NAMES = [f"photo-{number}" for number in range(5)]
START_MS = 1_700_000_000_000
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def photos(number: int, texts: dict[str, str | None], **told: object) -> Prepared:
    """A job whose photos are ready; None for one that failed."""
    job = photos_job(f"job-{number}", "milo", {name: text or "" for name, text in texts.items()}, **told)
    failed = {name: FailedImage(image_id=name, error="E", message="m") for name in texts}
    ready = {
        name: ReadyPhoto(SketchEmbedder().embed_one(PhotoInput(name, text.encode())), Source(text, b""))
        if text
        else failed[name]
        for name, text in texts.items()
    }
    return Prepared(job, Position(number, 0), ready)


def labelled(job: Prepared, labels: Sequence[str | None]) -> Prepared:
    """What publishers say of the first photos."""
    known = [*labels, *[None] * len(job.job.images)]
    images = tuple(
        structs.replace(image, label=label) for image, label in zip(job.job.images, known, strict=False)
    )
    return replace(job, job=structs.replace(job.job, images=images))


def changed(number: int, change: Change) -> Prepared:
    job = ChangeJob(job_id=f"job-{number}", pet_id="milo", change=change, at=NOON.replace(minute=number))
    return Prepared(job, Position(number, 0))


def naming(name: str) -> Decide:
    return Decide(said=Said(kind="name", name=name, sightings=(Sighted(image_id=NAMES[0]),)))


def apply(record: AlbumRecord, *jobs: Prepared, version: int = START_MS, settle: bool = True) -> Applied:
    return APPLIER.apply(record, jobs, pet_id="milo", version=version, settle=settle)


def album(groups: Sequence[Sequence[Prepared]]) -> AlbumRecord:
    """The album after commits of some jobs each, settled in the end."""
    record = AlbumRecord()
    for number, jobs in enumerate(groups):
        stored = album_record.pack(
            apply(record, *jobs, version=START_MS + number, settle=number == len(groups) - 1).record
        )
        record = album_record.unpack(stored)
    return record


TEXTS = st.one_of(st.none(), st.tuples(st.sampled_from(["milo", "bella"]), st.integers(0, 3)).map(
    lambda told: f"{told[0]} {told[1]}"
))  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Prepared]:
    """Jobs in order of position: photos that come, fail, are replaced and go; words; deletions."""
    jobs = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        kind = draw(st.sampled_from(["photos", "photos", "photos", "remove", "name", "undo", "delete"]))
        if kind == "photos":
            texts = draw(st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4))
            gone = tuple(draw(st.lists(st.sampled_from(NAMES), max_size=1)))
            animals = draw(st.sampled_from([None, None, 2]))
            labels = draw(st.lists(st.sampled_from([None, "asleep", "outside"]), max_size=4))
            job = photos(number, texts, remove_image_ids=gone, expected_animals=animals)
            jobs.append(labelled(job, labels))
        elif kind == "remove":
            jobs.append(changed(number, RemoveImage(image_id=draw(st.sampled_from(NAMES)))))
        elif kind == "name":
            jobs.append(changed(number, naming(draw(st.sampled_from(["Milo", "Bella"])))))
        elif kind == "undo":
            earlier = [part for part in jobs if isinstance(getattr(part.job, "change", None), Decide)]
            told = draw(st.sampled_from(earlier)) if earlier else None
            known = "nothing" if told is None else decision_of(told.job.change.said, told.job.at).id
            jobs.append(changed(number, Undo(decision_id=known)))
        else:
            jobs.append(changed(number, DeletePet()))
    return jobs


@beartype_draws
@given(history=histories(), data=st.data())
@settings(max_examples=25)
def test_the_order_and_the_grouping_of_jobs_do_not_matter(
    history: list[Prepared], data: st.DataObject
) -> None:
    """Any order, any commits, jobs told twice: the same photos, words, clusters."""
    calm = album([[job] for job in history])
    disorder = data.draw(st.permutations(history))
    cut = data.draw(st.integers(0, len(disorder)))
    groups = [group for group in (disorder[:cut], disorder[cut:]) if group]
    assert seen(album(groups)) == seen(calm)
    assert album(groups).told == calm.told


def test_a_job_applied_twice_changes_nothing() -> None:
    """But the version: photos that are there stay where they are."""
    jobs = [photos(1, {"a": "milo 1", "b": "milo 2", "c": None})]
    once = album([jobs])
    assert seen(album([jobs, jobs])) == seen(once)


def test_the_answer_tells_what_is_in_the_record() -> None:
    """Made from the record later, it is the one that was committed."""
    applied = apply(AlbumRecord(), photos(1, {"a": "milo 1", "b": "milo 2", "c": None}))
    assert applied.answer is not None
    assert applied.answer == APPLIER.answer(applied.record, "milo")
    assert [part.image_id for part in applied.answer.failed_images] == ["c"]
    assert applied.answer.version == applied.record.version == START_MS


def test_an_album_of_nothing_has_no_answer() -> None:
    """Neither one that was never heard of, nor one that was deleted."""
    assert APPLIER.answer(AlbumRecord(), "milo") is None
    deleted = apply(album([[photos(1, {"a": "milo 1"})]]), changed(2, DeletePet()))
    assert (deleted.answer, deleted.record.state) == (None, None)


def test_what_says_nothing_is_refused_and_the_rest_is_done() -> None:
    """With the reason, for the dead letters."""
    nonsense = Decide(said=Said(kind="name", name="", sightings=(Sighted(image_id="a"),)))
    applied = apply(AlbumRecord(), photos(1, {"a": "milo 1"}), changed(2, nonsense))
    assert list(applied.refused) == ["job-2"]
    assert "name" in applied.refused["job-2"]
    assert applied.answer is not None


def test_between_settlings_only_what_is_asked_for_settles() -> None:
    """While more is waiting, photos take a place under what was frozen; a request settles."""
    begun = album([[photos(1, {"a": "milo 1", "b": "milo 2"})]])
    arrived = apply(begun, photos(2, {"c": "milo 3"}), settle=False).record
    assert arrived.state is not None
    assert state_codec.unpack(arrived.state).unsettled == 1
    settled = apply(arrived, changed(3, Invalidate()), settle=False).record
    assert settled.state is not None
    assert state_codec.unpack(settled.state).unsettled == 0


def test_photos_that_went_are_forgotten_in_the_end() -> None:
    """When no job can be as old any more."""
    gone = album([[photos(1, {"a": "milo 1"})], [changed(2, RemoveImage(image_id="a"))]])
    assert gone.images == {"a": Position(2, 0)}
    later = apply(gone, changed(3, Invalidate()), version=START_MS + TOMBSTONE_MS + 10).record
    assert (later.images, later.removed_ms) == ({}, {})


def test_an_album_of_another_model_is_not_touched() -> None:
    """Its vectors never meet those of this one."""
    record = album([[photos(1, {"a": "milo 1"})]])
    assert record.state is not None
    other = replace(state_codec.unpack(record.state), model_version="other-1")
    with pytest.raises(StateError, match="other-1"):
        apply(AlbumRecord(state=state_codec.pack(other)), photos(2, {"b": "milo 2"}))
