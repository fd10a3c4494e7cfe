"""What callers ask for is stored first, and done at once where it can be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

import msgspec
import pytest
from desk_over import CATS, Service
from memory_store import MemoryDeadLetters, MemoryJobQueue, MemoryPetStore, MemoryServer

from sploot_media_clustering.errors import InputError, StoreUnavailableError, UnknownError
from sploot_media_clustering.services import album_record, state_codec
from sploot_media_clustering.services.album_record import AlbumRecord, Answered
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.decision_records import Said, Sighted
from sploot_media_clustering.services.desk import (
    Albums,
    DeadLetterBox,
    Decide,
    DeletePet,
    Intake,
    Invalidate,
    RemoveImage,
    Undo,
)
from sploot_media_clustering.services.job_ports import Burial, Entry
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import ChangeJob, Position, parse

JOB = JobRequest(job_id="j", pet_id="milo", images=(JobImage(image_id="1", uri="https://u:p@h/1?sig=s"),))
NAME = Decide(said=Said(kind="name", sightings=(Sighted(image_id="a/1.jpg"),), name="Milo"))


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
def service(server: MemoryServer) -> Service:
    return Service(MemoryJobQueue(server), MemoryPetStore(server), MemoryDeadLetters(server))


def run(steps: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(steps())


async def read(service: Service) -> Answer:
    answer = await service.desk.albums.answer("milo")
    assert answer is not None
    return answer


def test_the_desk_is_what_the_api_asks_for(service: Service) -> None:
    """Each part is its port."""
    assert isinstance(service.desk.intake, Intake)
    assert isinstance(service.desk.albums, Albums)
    assert isinstance(service.desk.letters, DeadLetterBox)


def test_it_is_told_which_models_answered_for_an_album(service: Service, server: MemoryServer) -> None:
    """Each until the next one did."""

    async def steps() -> None:
        terms = (Answered("old", 1000), Answered("", 2000), Answered("new", 3000))
        server.albums["milo"] = (3000, album_record.pack(AlbumRecord(answered=terms)))
        told = await service.desk.albums.models("milo")
        assert [(term.model_version, term.since.timestamp()) for term in told] == [
            ("old", 1.0),
            ("", 2.0),
            ("new", 3.0),
        ]
        assert [term.until for term in told] == [told[1].since, told[2].since, None]
        with pytest.raises(UnknownError, match="no such album"):
            await service.desk.albums.models("nobody")

    run(steps)


def test_a_job_is_stored_once(service: Service, server: MemoryServer) -> None:
    """However often it is handed in."""

    async def steps() -> None:
        first, second = [await service.desk.intake.submit(JOB) for _ in range(2)]
        assert (first.duplicate, second.duplicate) == (False, True)
        assert len(server.entries) == 1
        state = await service.desk.intake.state("j")
        assert state is not None
        assert state.status == "queued"
        assert await service.desk.intake.state("other") is None

    run(steps)


def test_an_answer_that_expired_is_made_again_and_kept(service: Service, server: MemoryServer) -> None:
    """It is the same one, and the store has it again."""

    async def steps() -> None:
        assert await service.desk.albums.answer("milo") is None
        await service.work()
        kept = await read(service)
        assert len(kept.images) == len(CATS.photos)
        del server.payloads["milo"]
        assert await read(service) == kept
        assert "milo" in server.payloads

    run(steps)


def test_an_album_of_another_model_is_asked_for_once(service: Service, server: MemoryServer) -> None:
    """Whoever reads it is told to come again, and one job brings it over."""

    async def steps() -> None:
        await service.work()
        del server.payloads["milo"]
        record = album_record.unpack((await service.pets.read("milo")).record)
        assert record.state is not None
        state = replace(state_codec.unpack(record.state), model_version="another")
        elsewhere = msgspec.structs.replace(record, state=state_codec.pack(state))
        version, _ = server.albums["milo"]
        server.albums["milo"] = (version, album_record.pack(elsewhere))
        before = len(server.entries)
        for _ in range(3):
            with pytest.raises(StoreUnavailableError, match="another model"):
                await service.desk.albums.answer("milo")
        assert len(server.entries) == before + 1

    run(steps)


def test_a_decision_is_done_at_once_and_can_be_taken_back(service: Service, server: MemoryServer) -> None:
    """Its entry is in the stream under the same job, for a worker to find done."""

    async def steps() -> None:
        await service.work()
        changed = await service.desk.albums.change("milo", NAME)
        assert changed.status == "done"
        named = await read(service)
        assert named.version == changed.version
        assert [part.name for part in named.clusters if part.level == "subject"].count("Milo") == 1
        assert [part.id for part in named.decisions] == [changed.decision_id]
        entry_id, fields = list(server.entries.items())[-1]
        job = parse(fields, entry_id)
        assert isinstance(job, ChangeJob)
        assert (job.job_id, job.change) == (changed.job_id, NAME)
        state = await service.desk.intake.state(changed.job_id)
        assert state is not None
        assert (state.status, state.version) == ("done", changed.version)
        await service.desk.albums.change("milo", Undo(decision_id=changed.decision_id or ""))
        assert (await read(service)).decisions == ()

    run(steps)


def test_what_needs_an_album_is_not_stored_without_one(service: Service, server: MemoryServer) -> None:
    """Nor an undoing of what was never said, nor what says nothing."""

    async def steps() -> None:
        for change in (NAME, Invalidate(), Undo(decision_id="d")):
            with pytest.raises(UnknownError, match="album"):
                await service.desk.albums.change("milo", change)
        await service.work()
        entries = len(server.entries)
        with pytest.raises(UnknownError, match="decision"):
            await service.desk.albums.change("milo", Undo(decision_id="d"))
        with pytest.raises(InputError, match="photos"):
            await service.desk.albums.change("milo", Decide(said=Said(kind="hero", sightings=())))
        assert len(server.entries) == entries

    run(steps)


def test_deletions_hold_for_albums_that_nobody_knows_yet(service: Service) -> None:
    """A job that was handed in before brings nothing back."""

    async def steps() -> None:
        await service.desk.intake.submit(JOB)
        for change in (DeletePet(), RemoveImage(image_id="1")):
            changed = await service.desk.albums.change("milo", change)
            assert changed.version is not None
            assert changed.status == "queued"
        assert await service.desk.albums.answer("milo") is None

    run(steps)


def test_a_deletion_is_not_done_before_a_worker_erased_what_is_kept_beside_the_album(
    service: Service,
) -> None:
    """The album is gone at once; the job says done only when all its traces are."""

    async def steps() -> None:
        await service.work()
        changed = await service.desk.albums.change("milo", DeletePet())
        state = await service.desk.intake.state(changed.job_id)
        assert state is not None
        assert (state.status, state.version) == ("running", changed.version)
        assert await service.desk.albums.answer("milo") is None

    run(steps)


def test_a_rebuild_is_left_to_a_worker(service: Service) -> None:
    """Which has the embeddings."""

    async def steps() -> None:
        await service.work()
        version = (await read(service)).version
        changed = await service.desk.albums.change("milo", Invalidate(rebuild=True))
        assert (changed.status, changed.version) == ("queued", None)
        assert (await read(service)).version == version

    run(steps)


def test_an_album_and_a_photo_go(service: Service) -> None:
    """One photo, then all."""

    async def steps() -> None:
        await service.work()
        await service.desk.albums.change("milo", RemoveImage(image_id="a/1.jpg"))
        assert "a/1.jpg" not in {part.image_id for part in (await read(service)).images}
        await service.desk.albums.change("milo", DeletePet())
        assert await service.desk.albums.answer("milo") is None

    run(steps)


def test_a_change_that_can_not_be_done_now_is_left_to_a_worker(
    service: Service, server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stored, and its state says so."""

    async def unavailable(*_args: object) -> int:
        raise StoreUnavailableError("no answer")

    async def steps() -> None:
        await service.work()
        monkeypatch.setattr(service.committer, "apply", unavailable)
        changed = await service.desk.albums.change("milo", NAME)
        assert (changed.status, changed.version) == ("queued", None)
        state = await service.desk.intake.state(changed.job_id)
        assert state is not None
        assert state.status == "queued"
        assert len(server.entries) == 2

    run(steps)


def test_a_dead_letter_is_handed_in_at_the_position_it_had(service: Service, server: MemoryServer) -> None:
    """It comes back to life once, and its secrets are not shown."""

    async def steps() -> None:
        queued = await service.queue.add(JOB)
        ((entry_id, fields),) = server.entries.items()
        await service.pets.bury("milo", "j")
        burial = Burial(Entry(entry_id, fields, again=True), "too often", 5, "j", "milo", queued.position)
        letter_id = await service.letters.add(burial)
        shown = await service.desk.letters.letter(letter_id)
        assert shown is not None
        assert "sig" not in str(shown.message)
        assert "u:p" not in str(shown.message)
        assert (shown.job_id, shown.attempts, shown.reason) == ("j", 5, "too often")
        submitted = await service.desk.letters.requeue(letter_id)
        assert (submitted.job_id, submitted.status, submitted.duplicate) == ("j", "queued", False)
        assert server.dead["milo"] == set()
        assert Position.parse(list(server.entries.values())[-1][b"position"]) == queued.position
        for again in (service.desk.letters.requeue, service.desk.letters.drop):
            with pytest.raises(UnknownError):
                await again(letter_id)

    run(steps)


def test_a_dead_letter_that_is_no_job_stays(service: Service) -> None:
    """It can be looked at and dropped."""

    async def steps() -> None:
        letter_id = await service.letters.add(Burial(Entry("1-0", {b"job": b"{"}, again=False), "no job", 1))
        with pytest.raises(InputError, match="expected a job"):
            await service.desk.letters.requeue(letter_id)
        (letters, _) = await service.desk.letters.page(10, None)
        assert [part.id for part in letters] == [letter_id]
        await service.desk.letters.drop(letter_id)
        assert await service.desk.letters.letter(letter_id) is None

    run(steps)
