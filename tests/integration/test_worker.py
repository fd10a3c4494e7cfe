"""Jobs in, albums and results out: the real protocol on a real server, with networks that are drawn."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from embedded_server import server_url
from fake_worker import ATTEMPTS, MANNER, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings
from redis_cluster import cluster_url

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap_worker import Manner, Tools, open_consumer
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.decision_records import Said, Sighted
from sploot_media_clustering.services.desk import (
    Change,
    DeadLetter,
    Decide,
    DeletePet,
    Invalidate,
    JobState,
    RemoveImage,
)
from sploot_media_clustering.services.jobs import ChangeJob, Job, encode
from sploot_media_clustering.services.lanes import LIVE
from sploot_media_clustering.services.processing import Limits
from sploot_media_clustering.services.results import AlbumResult

pytestmark = pytest.mark.anyio

PATIENCE_S = 20.0
STEPS = [
    pytest.param("prepare", marks=pytest.mark.slow),
    pytest.param("apply", marks=pytest.mark.slow),
    "commit",
    "relay",
    pytest.param("tell", marks=pytest.mark.slow),
    "acknowledge",
]
T = TypeVar("T")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Service:
    """The store as publishers and readers see it."""

    url: str
    connection: RedisConnection
    queue: RedisJobQueue
    pets: RedisPetStore
    letters: RedisDeadLetters
    tools: Tools = field(
        default_factory=lambda: Tools(
            sketch_clustering(), SketchEmbedder(), SketchSource(), MemoryPetEmbeddings()
        )
    )

    @staticmethod
    def at(url: str) -> Service:
        connection = connect(url)
        return Service(
            url,
            connection,
            RedisJobQueue(connection),
            RedisPetStore(connection),
            RedisDeadLetters(connection),
        )

    @asynccontextmanager
    async def worker(self, manner: Manner | None = None) -> AsyncIterator[None]:
        """A worker in this process; told to end, it finishes what it has in hand."""
        stop = asyncio.Event()
        manner = manner or MANNER
        async with open_consumer(self.url, self.tools, manner) as consumer:
            running = asyncio.create_task(consumer.run(stop))
            try:
                yield
            finally:
                stop.set()
                await running

    async def ended(self, job_id: str) -> JobState:
        async def state() -> JobState | None:
            try:
                told = await self.queue.state(job_id)
            except StoreUnavailableError:
                return None
            return told if told is not None and told.status in {"done", "superseded", "dead"} else None

        return await until(state)

    async def empty(self) -> None:
        """No entry is waiting or pending."""

        async def nothing() -> bool:
            return not await self.connection.execute("XLEN", keys.JOBS)

        await until(nothing)

    async def answer(self, pet_id: str = "pet-1") -> Answer:
        payload = await self.pets.payload(pet_id)
        assert payload is not None
        return msgspec.json.decode(payload, type=Answer)

    async def record(self, pet_id: str = "pet-1") -> AlbumRecord:
        return album_record.unpack((await self.pets.read(pet_id)).record)

    async def results(self) -> list[AlbumResult]:
        found = await self.connection.execute("XRANGE", keys.RESULTS, "-", "+")
        return [msgspec.json.decode(fields[b"result"], type=AlbumResult) for _, fields in found]

    async def dead(self) -> tuple[DeadLetter, ...]:
        return (await self.letters.page(100, None))[0]

    async def raw(self, **fields: bytes) -> None:
        flat = [part for pair in fields.items() for part in pair]
        await self.connection.execute("XADD", keys.JOBS, "*", *flat)


async def until(asked: Callable[[], Awaitable[T | None]]) -> T:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := await asked():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    found = Service.at(server_url())
    await found.connection.execute("FLUSHALL")
    yield found
    await found.connection.close()


def album_of(count: int, animal: str = "milo") -> dict[str, str]:
    return {f"{animal}-{number}": f"{animal} {number}" for number in range(count)}


def members(answer: Answer, level: str = "subject") -> list[set[str]]:
    return [{part.image_id for part in found.members} for found in answer.clusters if found.level == level]


async def test_a_job_becomes_clusters_with_heroes(service: Service) -> None:
    """The answer is there, a result is published, the status tells the version, the stream is empty."""
    async with service.worker():
        await service.queue.add(photos_job("job-1", "pet-1", album_of(6) | album_of(5, "bella")))
        state = await service.ended("job-1")
        await service.empty()
    answer = await service.answer()
    assert sorted(map(len, members(answer))) == [5, 6]
    assert all({name.split("-")[0] for name in found} in ({"milo"}, {"bella"}) for found in members(answer))
    assert all(found.heroes and found.hero_image_id for found in answer.clusters)
    assert (state.status, state.version) == ("done", answer.version)
    (result,) = await service.results()
    assert (result.version, result.previous_version, result.job_ids) == (answer.version, 0, ("job-1",))
    assert (result.photos, len(result.subjects)) == (11, 2)


async def test_a_photo_that_cannot_be_read_fails_alone(service: Service) -> None:
    """What can't be read fails at once; what may pass is tried again; the others are in the album."""
    photos = album_of(3) | {"broken": "a cloud", "late": "slow milo 9", "away": "gone"}
    async with service.worker():
        await service.queue.add(photos_job("job-1", "pet-1", photos))
        state = await service.ended("job-1")
    answer = await service.answer()
    assert {part.image_id for part in answer.images} == {"milo-0", "milo-1", "milo-2", "late"}
    failed = {part.image_id: part.error for part in state.failed_images}
    assert failed == {"broken": "NotAnImageError", "away": "SourceUnavailableError"}
    assert {part.image_id for part in answer.failed_images} == {"broken", "away"}
    assert service.tools.source.reads["sketch:gone"] == 4
    assert service.tools.source.reads["sketch:a cloud"] == 1


async def test_messages_that_cannot_be_read_are_dead_letters(service: Service) -> None:
    """With the reason, acknowledged, and the messages after them are done."""
    async with service.worker():
        await service.raw(job=b"{nonsense")
        await service.raw(other=b"1")
        await service.raw(job=b'{"pet_id": "../../etc", "images": []}')
        await service.raw(payload=b'{"pet_id": "pet-1", "image_ids": ["a"]}')
        await service.queue.add(photos_job("job-1", "pet-1", album_of(2)))
        await service.ended("job-1")
        await service.empty()
    reasons = [letter.reason for letter in await service.dead()]
    assert len(reasons) == 4
    for told in ("URI template", "pet_id", "'job'", "nonsense"):
        assert sum(told in reason for reason in reasons) == 1


async def test_older_forms_are_read(service: Service) -> None:
    """Photos by id alone, under either name of the field; the job is called after its entry."""
    manner = replace(MANNER, uri_template="sketch:{image_id} 1")
    async with service.worker(manner):
        await service.raw(payload=b'{"pet_id": "pet-1", "image_ids": ["milo"], "priority": 3}')
        await until(lambda: service.pets.payload("pet-1"))
    assert {part.image_id for part in (await service.answer()).images} == {"milo"}


async def test_a_job_that_comes_twice_is_done_once(service: Service) -> None:
    """Whoever published it: one version, one result."""
    job = photos_job("job-1", "pet-1", album_of(3))
    for _ in range(3):
        await service.raw(job=encode(job))
    async with service.worker():
        await service.empty()
    assert [result.job_ids for result in await service.results()] == [("job-1",)]


async def test_waiting_jobs_of_an_album_share_a_commit(service: Service) -> None:
    """And photos of many jobs share a batch."""
    for number in range(10):
        await service.queue.add(photos_job(f"job-{number}", "pet-1", {f"milo-{number}": f"milo {number}"}))
    async with service.worker():
        await service.empty()
    results = await service.results()
    assert sum(len(result.job_ids) for result in results) == 10
    assert len(results) <= 2
    assert (await service.answer()).version == results[-1].version


async def test_a_job_that_fails_again_and_again_is_given_up(service: Service) -> None:
    """Jobs that came with it are done; handed in again, it has another chance."""
    for number in range(3):
        photos = {"crash": "crash"} if number == 1 else {f"milo-{number}": f"milo {number}"}
        await service.queue.add(photos_job(f"job-{number}", "pet-1", photos))
    async with service.worker():
        states = [await service.ended(f"job-{number}") for number in range(3)]
        await service.empty()
    assert [state.status for state in states] == ["done", "dead", "done"]
    (letter,) = await service.dead()
    assert (letter.job_id, letter.attempts) == ("job-1", Limits().attempts)
    assert "ZeroDivisionError" in letter.reason
    assert {part.image_id for part in (await service.answer()).images} == {"milo-0", "milo-2"}


async def test_what_was_done_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """With all that a search for an album, a job or a trace needs, and no URI."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await service.queue.add(photos_job("job-1", "pet-1", {"a": "milo 1", "b": "a cloud"}, traceparent=trace))
    with caplog.at_level(logging.INFO):
        async with service.worker():
            state = await service.ended("job-1")
            await service.empty()
    (told,) = [record.facts for record in caplog.records if record.message == "album brought up to date"]
    assert told.pop("latency_ms") > 0
    assert told == {
        "pet_id": "pet-1",
        "job_ids": ["job-1"],
        "version": state.version,
        "model_version": sketch_clustering().model.version,
        "cluster_ids": [part.id for part in (await service.answer()).clusters if part.level == "subject"],
        "photos": 2,
        "failed_images": 1,
        "traceparents": [trace],
    }
    assert "sketch:" not in caplog.text


async def test_an_old_job_is_given_up(service: Service) -> None:
    """So that no job outlives the memory of what was done."""
    await service.queue.add(photos_job("job-1", "pet-1", album_of(2)))
    await asyncio.sleep(0.05)
    async with service.worker(replace(MANNER, limits=Limits(age_s=0.01))):
        assert (await service.ended("job-1")).status == "dead"
        await service.empty()
    assert await service.pets.payload("pet-1") is None


async def test_a_job_that_an_album_has_no_room_for_is_given_up(service: Service) -> None:
    """Before any of its photos is fetched, with the reason; the album and jobs that fit go on."""
    await service.queue.add(photos_job("job-1", "pet-1", album_of(3)))
    async with service.worker(replace(MANNER, limits=Limits(album_photos=4))):
        await service.ended("job-1")
        await service.queue.add(photos_job("job-2", "pet-1", album_of(2, "bella")))
        await service.queue.add(photos_job("job-3", "pet-1", {"bella-0": "bella 0"}))
        states = [await service.ended(f"job-{number}") for number in (1, 2, 3)]
        await service.empty()
    assert [state.status for state in states] == ["done", "dead", "done"]
    (letter,) = await service.dead()
    assert letter.reason.startswith("expected an album of at most 4 photos, this one would have 5")
    assert "sketch:bella 1" not in service.tools.source.reads
    assert {part.image_id for part in (await service.answer()).images} == {*album_of(3), "bella-0"}


async def test_a_job_that_takes_too_long_is_given_up(service: Service) -> None:
    """After so many attempts; the album goes on."""
    await service.queue.add(photos_job("job-1", "pet-1", {"a": "gone"}))
    async with service.worker(replace(MANNER, limits=Limits(job_s=0.02, attempts=2))):
        assert (await service.ended("job-1")).status == "dead"
    assert "TimeoutError" in (await service.dead())[0].reason


def change(job_id: str, what: Change) -> ChangeJob:
    return ChangeJob(job_id=job_id, pet_id="pet-1", change=what, at=datetime.now(UTC))


async def done(service: Service, *jobs: Job) -> None:
    for job in jobs:
        await service.queue.add(job)
        await service.ended(str(job.job_id))


async def test_photos_go_by_a_job_or_a_change(service: Service) -> None:
    """With their embeddings; the settled album is what is left."""
    async with service.worker():
        await done(
            service,
            photos_job("job-1", "pet-1", album_of(4)),
            photos_job("job-2", "pet-1", {}, remove_image_ids=("milo-0",)),
            change("change-1", RemoveImage(image_id="milo-1")),
            change("change-2", Invalidate()),
        )
    assert {part.image_id for part in (await service.answer()).images} == {"milo-2", "milo-3"}
    assert {name[1] for name in service.tools.kept.kept} == {"milo-2", "milo-3"}


async def test_a_deleted_album_leaves_nothing_and_can_begin_anew(service: Service) -> None:
    """No state, no answer, no embeddings; the next photo makes a new album of a later version."""
    async with service.worker():
        await done(service, photos_job("job-1", "pet-1", album_of(4)), change("change-1", DeletePet()))
        assert await service.pets.payload("pet-1") is None
        record = await service.record()
        assert (record.state, record.images, record.failed) == (None, {}, {})
        assert service.tools.kept.kept == {}
        await done(service, photos_job("job-2", "pet-1", {"new": "bella 1"}))
    assert {part.image_id for part in (await service.answer()).images} == {"new"}
    assert [result.event for result in await service.results()] == ["updated", "deleted", "updated"]


async def test_an_album_outlives_a_change_of_model(service: Service) -> None:
    """A worker of another model brings it over with the first job, its ids and names with it."""
    name = Said(kind="name", name="Milo", sightings=(Sighted(image_id="milo-0"),))
    async with service.worker():
        photos = photos_job("job-1", "pet-1", album_of(4) | album_of(3, "bella"))
        await done(service, photos, change("change-1", Decide(said=name)))
    before = await service.answer()
    clustering, embedder = sketch_clustering("model-2", "networks-2"), SketchEmbedder("networks-2")
    service.tools = replace(service.tools, clustering=clustering, embedder=embedder)
    async with service.worker():
        await done(service, photos_job("job-2", "pet-1", {"bella-9": "bella 9"}))
    after = await service.answer()
    assert (before.model_version, after.model_version) == (sketch_clustering().model.version, "model-2")
    subjects = [
        {part.id: part for part in told.clusters if part.level == "subject"} for told in (before, after)
    ]
    assert subjects[0].keys() == subjects[1].keys()
    assert {part.name for part in subjects[1].values()} == {"Milo", None}
    assert sorted(len(part.members) for part in subjects[1].values()) == [4, 4]


async def test_a_worker_of_a_replaced_model_waits(service: Service) -> None:
    """A job is left to the model in charge; activated again, the old one carries the album back."""
    old, new = sketch_clustering("model-1"), sketch_clustering("model-2")
    for clustering in (old, new):
        service.tools = replace(service.tools, clustering=clustering)
        async with service.worker():
            await done(service, photos_job(f"job-{clustering.model.version}", "pet-1", album_of(4)))
    assert (await service.answer()).model_version == "model-2"
    service.tools = replace(service.tools, clustering=old)
    async with service.worker():
        await service.queue.add(photos_job("job-3", "pet-1", {"late": "milo 9"}))
        await asyncio.sleep(0.3)
        state = await service.queue.state("job-3")
        assert state is not None
        assert state.status == "queued"
        await RedisModels(service.connection).activate("model-1")
        await service.ended("job-3")
    answer = await service.answer()
    assert (answer.model_version, len(answer.images)) == ("model-1", 5)
    assert [result.model_version for result in await service.results()] == ["model-1", "model-2", "model-1"]


async def test_a_job_from_before_a_deletion_changes_nothing(service: Service) -> None:
    """It ends as superseded, and what it wrote is erased."""
    first = await service.queue.add(photos_job("job-1", "pet-1", album_of(2)))
    async with service.worker():
        await service.ended("job-1")
        await done(service, change("change-1", DeletePet()))
        late = photos_job("job-2", "pet-1", album_of(3))
        await service.queue.add(late, first.position)
        assert (await service.ended("job-2")).status == "superseded"
    assert await service.pets.payload("pet-1") is None
    assert service.tools.kept.kept == {}


async def test_a_job_that_comes_late_undoes_nothing(service: Service) -> None:
    """A photo that was replaced or removed at a later position stays as it is."""
    first = await service.queue.add(photos_job("job-1", "pet-1", album_of(3)))
    async with service.worker():
        await service.ended("job-1")
        await done(service, photos_job("job-2", "pet-1", {"milo-1": "milo 7"}, remove_image_ids=("milo-0",)))
        before = await service.record()
        late = photos_job("job-3", "pet-1", album_of(2) | {"fourth": "milo 4"})
        await service.queue.add(late, first.position)
        await service.ended("job-3")
    after = await service.record()
    assert {part.image_id for part in (await service.answer()).images} == {"milo-1", "milo-2", "fourth"}
    assert after.images["milo-1"] == before.images["milo-1"]
    assert after.images["fourth"] == first.position


@contextmanager
def process(folder: Path, *steps: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own."""
    tests = Path(__file__).parents[1]
    command = [sys.executable, str(tests / "fake_worker.py"), server_url(), str(folder), *steps]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(tests)}) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_after_any_step_loses_and_doubles_nothing(
    service: Service, tmp_path: Path, step: str
) -> None:
    """Another one takes over: each job is in one version, each version is published once, nothing is left."""
    jobs = [photos_job(f"job-{n}", f"pet-{n % 2}", {f"milo-{n}": f"milo {n}"}) for n in range(6)]
    for job in jobs:
        await service.queue.add(job)
    with process(tmp_path, f"{step}:2") as victim:
        await asyncio.to_thread(victim.wait, PATIENCE_S)
        assert victim.returncode == -signal.SIGKILL
    async with service.worker():
        states = [await service.ended(str(job.job_id)) for job in jobs]
        await service.empty()
    assert [state.status for state in states] == ["done"] * 6
    assert_once(await service.results(), jobs)
    for pet in range(2):
        answer = await service.answer(f"pet-{pet}")
        assert {part.image_id for part in answer.images} == {f"milo-{n}" for n in range(6) if n % 2 == pet}
    assert await service.dead() == ()
    assert await service.connection.execute("EXISTS", keys.attempts(LIVE), keys.outbox("pet-0")) == 0


def assert_once(results: Sequence[AlbumResult], jobs: Sequence[Job]) -> None:
    told = [name for result in results for name in result.job_ids]
    assert sorted(told) == sorted(str(job.job_id) for job in jobs)
    for pet_id in {result.pet_id for result in results}:
        own = [result for result in results if result.pet_id == pet_id]
        assert [result.previous_version for result in own] == [0, *(result.version for result in own[:-1])]


async def test_a_job_that_kills_its_worker_is_given_up(service: Service, tmp_path: Path) -> None:
    """After so many deaths with nothing beside it; jobs that came with it are done."""
    await service.queue.add(photos_job("job-1", "pet-1", {"a": "milo 1"}))
    await service.queue.add(photos_job("job-2", "pet-2", {"b": "kill"}))
    await service.queue.add(photos_job("job-3", "pet-3", {"c": "milo 3"}))
    deaths = 0
    while (await service.queue.state("job-2")).status != "dead":
        with process(tmp_path) as victim:
            while victim.poll() is None and (await service.queue.state("job-2")).status != "dead":  # noqa: ASYNC110 another process
                await asyncio.sleep(0.02)
            deaths += victim.returncode == -signal.SIGKILL
    assert deaths == 1 + ATTEMPTS
    async with service.worker():
        assert [(await service.ended(f"job-{n}")).status for n in (1, 3)] == ["done", "done"]
        await service.empty()
    assert [letter.job_id for letter in await service.dead()] == ["job-2"]


async def test_a_worker_told_to_end_finishes_what_it_has(service: Service, tmp_path: Path) -> None:
    """And leaves the group, with nothing pending."""
    for number in range(5):
        await service.queue.add(photos_job(f"job-{number}", "pet-1", {f"milo-{number}": f"milo {number}"}))
    with process(tmp_path) as worker:
        await service.ended("job-0")
        worker.send_signal(signal.SIGTERM)
        await asyncio.to_thread(worker.wait, PATIENCE_S)
        assert worker.returncode == 0
    assert await service.connection.execute("XINFO", "CONSUMERS", keys.JOBS, keys.GROUP) == []
    assert_once(await service.results(), [photos_job(f"job-{n}", "pet-1", {}) for n in range(5)])


async def test_a_worker_survives_a_restart_of_the_store(tmp_path: Path) -> None:
    """It waits, goes on where it was, and what was confirmed before is there."""
    with ExitStack() as stack:
        store = stack.enter_context(embedded_store(tmp_path / "store"))
        service = Service.at(store.url)
        async with service.worker():
            await done(service, photos_job("job-1", "pet-1", {"a": "milo 1"}))
            await service.queue.add(photos_job("job-2", "pet-1", {"b": "milo 2"}))
            os.kill(store.pid, signal.SIGKILL)
            await asyncio.sleep(0.5)
            stack.enter_context(embedded_store(tmp_path / "store"))
            assert (await service.ended("job-2")).status == "done"
            await done(service, photos_job("job-3", "pet-1", {"c": "milo 3"}))
            await service.empty()
        assert {part.image_id for part in (await service.answer()).images} == {"a", "b", "c"}
        assert_once(await service.results(), [photos_job(f"job-{n}", "pet-1", {}) for n in (1, 2, 3)])
        await service.connection.close()


@pytest.mark.slow
async def test_all_of_it_works_on_a_cluster() -> None:
    """Every script touches one slot."""
    service = Service.at(cluster_url())
    await service.connection.execute("FLUSHALL")
    async with service.worker():
        await service.raw(job=b"nonsense")
        jobs = [photos_job(f"job-{n}", f"pet-{n}", {f"milo-{n}": f"milo {n}"}) for n in range(8)]
        await done(service, *jobs, change("change-1", RemoveImage(image_id="milo-1")))
        await service.empty()
    assert_once(await service.results(), [*jobs, change("change-1", DeletePet())])
    assert len(await service.dead()) == 1
    await service.connection.close()
