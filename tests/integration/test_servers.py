"""All of the protocol on servers of several makes and set-ups, and a master that is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from fake_worker import MANNER, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings
from servers import SERVERS, serving, watched

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_health import RedisHealth
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_overseer import RedisOverseer
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap_worker import Manner, Tools, open_consumer
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.lanes import lanes_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PATIENCE_S = 40.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def worker(url: str, manner: Manner = MANNER) -> AsyncIterator[RedisConnection]:
    """A worker, and a connection beside it."""
    stop, connection = asyncio.Event(), connect(url)
    tools = Tools(sketch_clustering(), SketchEmbedder(), SketchSource(), MemoryPetEmbeddings())
    async with open_consumer(url, tools, manner) as consumer:
        running = asyncio.create_task(consumer.run(stop))
        try:
            yield connection
        finally:
            stop.set()
            await running
    await connection.close()


async def done(connection: RedisConnection, job_id: str) -> bool:
    state = await RedisJobQueue(connection).state(job_id)
    return state is not None and state.status == "done"


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Whatever the store does meanwhile."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if await holds():
                return
        except StoreUnavailableError:
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come")


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("name", [name for name in SERVERS if name != "embedded"])
async def test_jobs_become_albums(name: str, partitions: int) -> None:
    """A worker does jobs of both lanes, gives up what can't be read, and leaves nothing in the streams."""
    found = serving(name)
    admin = connect(found.admin)
    await admin.execute("FLUSHALL")
    await admin.close()
    async with worker(found.url, replace(MANNER, partitions=partitions)) as connection:
        await RedisHealth(connection)()
        await connection.execute("XADD", keys.JOBS, "*", "job", "nonsense")
        lanes = lanes_of(partitions)
        for number in range(4):
            told = {"lane": ("live", "backfill")[number % 2]}
            await RedisJobQueue(connection).add(
                photos_job(f"job-{number}", f"pet-{number}", {"a": "milo 1"}, **told)
            )
        for number in range(4):
            await until(lambda number=number: done(connection, f"job-{number}"))
            assert await RedisPetStore(connection).payload(f"pet-{number}") is not None

        async def empty() -> bool:
            left = [await connection.execute("XLEN", keys.stream(lane)) for lane in lanes]
            return not any(left)

        await until(empty)
        assert int(await connection.execute("GET", keys.PARTITIONS)) == partitions
        overview = await RedisOverseer(connection).overview()
        assert (len(overview.lanes), len(overview.workers)) == (2 * partitions, 1)
        assert len((await RedisDeadLetters(connection).page(10, None))[0]) == 1


async def test_a_replica_takes_over_from_a_master_that_is_lost(tmp_path: Path) -> None:
    """The worker finds the new one by itself; what was confirmed by the replica is there."""
    with watched(tmp_path) as store:
        async with worker(store.url) as connection:
            queue = RedisJobQueue(connection)
            await queue.add(photos_job("job-1", "pet-1", {"a": "milo 1"}))
            await until(lambda: done(connection, "job-1"))
            with redis.Redis(port=store.ports[0], protocol=2) as master:
                assert master.wait(1, 10_000) == 1
                master.shutdown(nosave=True, now=True, force=True)

            async def promoted() -> bool:
                return store.master_port() == store.ports[1]

            await until(promoted)

            async def added() -> bool:
                await queue.add(photos_job("job-2", "pet-1", {"b": "milo 2"}))
                return True

            await until(added)
            await until(lambda: done(connection, "job-2"))
            payload = await RedisPetStore(connection).payload("pet-1")
            assert payload is not None
            assert b'"a"' in payload
            assert b'"b"' in payload
