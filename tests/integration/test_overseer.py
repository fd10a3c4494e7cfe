"""The service seen and steered from outside, on a real server: pauses, open jobs, dead letters, figures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from embedded_server import server_url
from fake_worker import MANNER, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_overseer import RedisOverseer
from sploot_media_clustering.adapters.redis_stream import RedisJobStream
from sploot_media_clustering.bootstrap_worker import Manner, Tools, Worker, open_worker
from sploot_media_clustering.entrypoints.worker_health import health_app
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.job_ports import Burial, Entry
from sploot_media_clustering.services.lanes import Lane

PATIENCE_S = 20.0
WAITING = 'sploot_jobs_waiting{lane="live",partition="0"}'
DONE = 'sploot_worker_job_seconds_count{lane="live"}'
Ask = Callable[[str], Awaitable[httpx.Response]]


@dataclass
class Service:
    connection: RedisConnection
    queue: RedisJobQueue
    overseer: RedisOverseer

    async def submit(self, *job_ids: str, photo: str = "milo 1") -> None:
        for job_id in job_ids:
            await self.queue.add(photos_job(job_id, f"pet-{job_id}", {"1": photo}))

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await holds():  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.02)

    async def is_done(self, job_id: str) -> bool:
        state = await self.queue.state(job_id)
        return state is not None and state.status == "done"

    @asynccontextmanager
    async def working(self, manner: Manner = MANNER) -> AsyncIterator[tuple[Worker, Ask]]:
        """A worker that consumes, and what its own port answers."""
        tools = Tools(sketch_clustering(), SketchEmbedder(), SketchSource(), MemoryPetEmbeddings())
        async with open_worker(server_url(), tools, manner) as worker:
            stop = asyncio.Event()
            running = asyncio.create_task(worker.consumer.run(stop))
            transport = httpx.ASGITransport(health_app(worker))
            async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
                await asyncio.sleep(0)
                yield worker, client.get
                stop.set()
                await running


def run(steps: Callable[[Service], Coroutine[None, None, None]]) -> None:
    async def running() -> None:
        connection = connect(server_url())
        try:
            await connection.execute("FLUSHALL")
            await steps(Service(connection, RedisJobQueue(connection), RedisOverseer(connection)))
        finally:
            await connection.close()

    asyncio.run(running())


def figures(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_a_store_that_nobody_used_yet_has_nothing_to_show() -> None:
    """No stream, no group, no keys: all of that comes with the first job and the first worker."""

    async def steps(service: Service) -> None:
        overview = await service.overseer.overview()
        assert (overview.waiting, overview.in_hand, overview.oldest_s, overview.workers) == (0, 0, 0.0, ())
        assert (overview.paused_at, overview.dead_letters, overview.alarm) == (None, 0, None)
        assert await service.overseer.open_jobs(10) == ()
        await service.submit("a", "b")
        assert (await service.overseer.overview()).waiting == 2

    run(steps)


def test_what_is_paused_is_not_taken_up_until_it_is_resumed() -> None:
    """A worker that runs heeds it, and tells so; what it has in hand it finishes."""

    async def steps(service: Service) -> None:
        async with service.working() as (worker, _):
            await service.submit("a")
            await service.until(lambda: service.is_done("a"))
            await service.overseer.pause()
            await service.until(lambda: _is(worker.consumer.shut is not None))
            since = (await service.overseer.overview()).paused_at
            await service.submit("b")
            await asyncio.sleep(0.3)
            await service.overseer.pause()
            overview = await service.overseer.overview()
            assert (overview.waiting, overview.in_hand, len(overview.workers)) == (1, 0, 1)
            assert overview.paused_at == since is not None
            await service.overseer.resume()
            await service.until(lambda: service.is_done("b"))

    run(steps)


async def _is(told: bool) -> bool:
    return told


async def _is_empty(service: Service) -> bool:
    return await service.overseer.open_jobs(1) == ()


def test_open_jobs_are_those_in_hand_and_those_that_wait() -> None:
    """The oldest first, as many as are asked for, messages that can't be read among them."""

    async def steps(service: Service) -> None:
        await service.submit("a", "b", "c")
        await service.connection.execute("XADD", keys.JOBS, "*", "nonsense", "1")
        await service.connection.execute("XGROUP", "CREATE", keys.JOBS, keys.GROUP, "0")
        read = ("XREADGROUP", "GROUP", keys.GROUP, "w", "COUNT", 2, "STREAMS", keys.JOBS, ">")
        await service.connection.execute(*read)
        jobs = await service.overseer.open_jobs(10)
        assert [(job.job_id, job.status, job.worker) for job in jobs] == [
            ("a", "in_hand", "w"),
            ("b", "in_hand", "w"),
            ("c", "waiting", None),
            (None, "waiting", None),
        ]
        assert jobs[0].deliveries == 1
        assert jobs[0].pet_id == "pet-a"
        for count in (1, 3):
            assert [job.job_id for job in await service.overseer.open_jobs(count)] == ["a", "b", "c"][:count]

    run(steps)


def test_lanes_are_told_apart() -> None:
    """Back-fill that was set aside waits in its lane, listed beside the live jobs; a pause holds both."""

    async def steps(service: Service) -> None:
        await service.connection.execute("SET", keys.PARTITIONS, 2)
        for number in range(3):
            job = photos_job(f"bulk-{number}", "pet-1", {"1": "milo 1"}, lane="backfill")
            await service.queue.add(job)
        await RedisJobStream(service.connection, "w").read(Lane(0, "live"), 10, 0.01)
        await service.submit("now")
        overview = await service.overseer.overview()
        told = [(lane.partition, lane.lane, lane.waiting) for lane in overview.lanes]
        assert told == [(0, "live", 0), (1, "live", 1), (0, "backfill", 3), (1, "backfill", 0)]
        assert (overview.waiting, overview.oldest_s) == (4, max(lane.oldest_s for lane in overview.lanes))
        jobs = await service.overseer.open_jobs(10)
        assert [(job.job_id, job.lane) for job in jobs][-1] == ("now", "live")
        await service.overseer.pause()
        async with service.working() as (worker, ask):
            await service.until(lambda: _is(worker.consumer.shut is not None))
            assert (await service.overseer.overview()).in_hand == 0
            await service.overseer.resume()
            for job_id in ("now", "bulk-0", "bulk-1", "bulk-2"):
                await service.until(lambda job_id=job_id: service.is_done(job_id))  # type: ignore[misc]
            await service.until(lambda: _is_empty(service))
            told_figures = figures((await ask("/metrics")).text)
        assert told_figures['sploot_jobs_waiting{lane="backfill",partition="0"}'] == 0
        assert told_figures['sploot_worker_job_seconds_count{lane="backfill"}'] == 3

    run(steps)


def test_a_full_box_of_dead_letters_takes_no_more_and_loses_none() -> None:
    """The job that should go there waits, until somebody made room."""

    async def steps(service: Service) -> None:
        letters = RedisDeadLetters(service.connection, most=1)
        first = await letters.add(Burial(Entry("1-0", {b"job": b"{"}, again=False), "no JSON", 0))
        with pytest.raises(StoreUnavailableError, match="requeue or drop"):
            await letters.add(Burial(Entry("2-0", {b"job": b"["}, again=False), "no JSON", 0))
        again = await letters.add(Burial(Entry("1-0", {b"job": b"{"}, again=False), "no JSON", 0))
        assert again == first
        await service.submit("a", photo="crash 1")
        async with service.working(replace(MANNER, letters_most=1)) as (worker, _):
            await service.until(lambda: _is(worker.consumer.in_hand_count == 1))
            await asyncio.sleep(0.5)
            assert [job.job_id for job in await service.overseer.open_jobs(5)] == ["a"]
            await letters.drop(first)
            await service.until(lambda: _is_empty(service))
        (letter,) = (await letters.page(5, None))[0]
        assert letter.job_id == "a"

    run(steps)


def test_a_worker_tells_on_its_own_port_how_it_is_and_what_it_measured() -> None:
    """Fit while it consumes; figures of jobs, photos, batches and queue, none of which names an album."""

    async def steps(service: Service) -> None:
        async with service.working() as (_, ask):
            assert (await ask("/healthz")).json() == {"status": "ok", "reasons": []}
            assert (await ask("/readyz")).status_code == 200
            await service.submit("a", "b")
            await service.submit("c", photo="nobody 1")
            for job_id in "abc":
                await service.until(lambda job_id=job_id: service.is_done(job_id))  # type: ignore[misc]
            await service.until(lambda: _has_acknowledged(ask, 3))
            await service.overseer.pause()
            text = (await ask("/metrics")).text
            told = figures(text)
        assert told['sploot_worker_jobs_total{status="done"}'] == 3
        assert told["sploot_worker_messages_taken_total"] == 3
        assert told['sploot_worker_photos_total{outcome="embedded"}'] == 2
        assert told['sploot_worker_photos_total{outcome="unreadable"}'] == 1
        assert told['sploot_worker_fetches_total{outcome="read"}'] == 3
        assert told['sploot_worker_commits_total{result="ok"}'] == 3
        assert told["sploot_worker_batch_photos_sum"] == 3
        assert told["sploot_worker_clustering_seconds_count"] >= 3
        assert (told["sploot_workers"], told[WAITING]) == (1, 0)
        assert told["sploot_consumption_paused"] == 1
        assert "pet-a" not in text

    async def _has_acknowledged(ask: Ask, count: int) -> bool:
        return figures((await ask("/metrics")).text).get(DONE) == count

    run(steps)


def test_a_worker_that_takes_no_jobs_is_not_ready() -> None:
    """Before it begins, and while it finishes what it has, nobody counts on it."""

    async def asked(_service: Service) -> None:
        tools = Tools(sketch_clustering(), SketchEmbedder(), SketchSource(), MemoryPetEmbeddings())
        async with open_worker(server_url(), tools, MANNER) as worker:
            transport = httpx.ASGITransport(health_app(worker))
            async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
                response = await client.get("/readyz")
        told = response.json()
        assert (response.status_code, told["reasons"]) == (503, ["the consumer: it takes no jobs"])

    run(asked)
