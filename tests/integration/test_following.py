"""A worker that goes on with the model in charge, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_server import server_url
from fake_worker import MANNER, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings

from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.bootstrap_worker import Tools
from sploot_media_clustering.entrypoints.worker import attend
from sploot_media_clustering.errors import SourceUnavailableError
from sploot_media_clustering.services import following

PATIENCE_S = 100.0
ALBUM = {f"milo-{n}": f"milo {n}" for n in range(3)}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(following.successor.__kwdefaults__, "look_every_s", 0.05)
    yield
    asyncio.run(emptied())


async def emptied() -> None:
    connection = connect(server_url())
    await connection.execute("FLUSHALL")
    await connection.close()


def tools(model: str) -> Tools:
    return Tools(
        sketch_clustering(model, "networks-1"),
        SketchEmbedder("networks-1"),
        SketchSource(),
        MemoryPetEmbeddings(),
    )


async def done(connection: RedisConnection, job_id: str) -> None:
    """The job handed in and done."""
    queue = RedisJobQueue(connection)
    await queue.add(photos_job(job_id, "pet", ALBUM))
    while True:
        state = await queue.state(job_id)
        if state is not None and state.status not in {"queued", "running"}:
            assert state.status == "done"
            return
        await asyncio.sleep(0.02)


def test_a_worker_fetches_the_model_that_took_charge_and_goes_on_with_it() -> None:
    """Though the registry does not answer at first; no job is dropped, and told to stop, it stops."""
    asked: list[str] = []

    def fetch(version: str) -> Path:
        asked.append(version)
        if len(asked) == 1:
            raise SourceUnavailableError("expected an answer")
        return Path(version)

    async def all_of_it() -> None:
        connection = connect(server_url())
        await connection.execute("FLUSHALL")
        stop = asyncio.Event()
        first = asyncio.create_task(attend(server_url(), tools("model-1"), stop, manner=MANNER, fetch=fetch))
        await done(connection, "job-1")
        await RedisModels(connection).activate("model-2")
        assert await first == Path("model-2")
        assert asked == ["model-2", "model-2"]
        second = asyncio.create_task(attend(server_url(), tools("model-2"), stop, manner=MANNER, fetch=fetch))
        await done(connection, "job-2")
        stop.set()
        assert await second is None
        await connection.close()

    async def patient() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await all_of_it()

    asyncio.run(patient())
