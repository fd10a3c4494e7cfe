"""A machine is lost, with the end of the append-only file: what is left is an earlier moment, whole."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from fake_worker import MANNER, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap_worker import Tools, open_consumer
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.results import AlbumResult

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PETS = 3
JOBS = [photos_job(f"job-{n}", f"pet-{n % PETS}", {f"photo-{n % 7}": f"milo {n}"}) for n in range(30)]
CUTS = 24
TOGETHER = 5
"""Jobs that are handed in while a worker does those before."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def log_of(folder: Path) -> Path:
    """The file that changes are appended to."""
    (found,) = (folder / "appendonlydir").glob("*.incr.aof")
    return found


async def worked_off(url: str) -> None:
    """A worker does what is there."""
    stop, connection = asyncio.Event(), connect(url)
    tools = Tools(sketch_clustering(), SketchEmbedder(), SketchSource(), MemoryPetEmbeddings())
    async with open_consumer(url, tools, MANNER) as consumer:
        running = asyncio.create_task(consumer.run(stop))
        while await connection.execute("XLEN", keys.JOBS):  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.02)
        stop.set()
        await running
    await connection.close()


async def history(folder: Path) -> tuple[list[int], list[int]]:
    """Length of the log once each job was confirmed, and once it was seen to be done."""
    stored: list[int] = []
    done: list[int] = []
    with embedded_store(folder) as store:
        connection = connect(store.url)
        working, in_work = asyncio.create_task(asyncio.sleep(0)), 0
        for number, job in enumerate(JOBS, start=1):
            await RedisJobQueue(connection).add(job)
            stored.append(log_of(folder).stat().st_size)
            if number % TOGETHER == 0:
                await working
                done += [log_of(folder).stat().st_size] * (in_work - len(done))
                working, in_work = asyncio.create_task(worked_off(store.url)), number
        await working
        done += [log_of(folder).stat().st_size] * (in_work - len(done))
        await connection.close()
    return stored, done


async def test_what_is_left_is_an_earlier_moment(tmp_path: Path) -> None:
    """Wherever it was cut: confirmed jobs are there, each album is whole, and all goes on from there."""
    stored, done = await history(tmp_path / "whole")
    rng = random.Random(5)  # noqa: S311 - the same cuts again
    whole = log_of(tmp_path / "whole").stat().st_size
    cuts = rng.sample(stored + done, CUTS // 2) + [rng.randrange(stored[0], whole) for _ in range(CUTS // 2)]
    for number, cut in enumerate(cuts):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "whole", folder, ignore=shutil.ignore_patterns("*.lock", "server.json"))
        with log_of(folder).open("r+b") as log:
            log.truncate(cut)
        with embedded_store(folder) as store:
            connection = connect(store.url)
            await assert_whole(connection, until(cut, stored), until(cut, done))
            await worked_off(store.url)
            for job in JOBS:  # publishers hand in again, since they can't tell what was lost
                await connection.execute("DEL", keys.job(str(job.job_id)))
                await RedisJobQueue(connection).add(job)
            await worked_off(store.url)
            await assert_whole(connection, set(), until(whole, done))
            assert sorted(committed(await results(connection))) == sorted(until(whole, done))
            await connection.close()


def until(cut: int, lengths: Sequence[int]) -> set[str]:
    """Jobs of which the log told, as far as it goes."""
    return {str(job.job_id) for job, length in zip(JOBS, lengths, strict=True) if length <= cut}


async def assert_whole(connection: RedisConnection, confirmed: set[str], ended: set[str]) -> None:
    """Confirmed jobs wait or are in an album; an album is of one version with all that belongs to it."""
    waiting = {
        msgspec.json.decode(fields[b"job"])["job_id"]
        for _, fields in await connection.execute("XRANGE", keys.JOBS, "-", "+")
    }
    published = await results(connection)
    stored = RedisPetStore(connection)
    done: set[str] = set()
    for pet_id in (f"pet-{number}" for number in range(PETS)):
        album = await stored.read(pet_id, [str(job.job_id) for job in JOBS])
        record = album_record.unpack(album.record)
        assert record.version == album.version == max(album.done.values(), default=0)
        assert (await stored.payload(pet_id) is not None) == bool(album.version)
        items = await connection.execute("LRANGE", keys.outbox(pet_id), 0, -1)
        outbox = [int(item.split()[0]) for item in items]
        versions = [result.version for result in published if result.pet_id == pet_id]
        assert sorted({*versions, *outbox}) == sorted(set(album.done.values()))
        assert versions == sorted(set(versions))
        done |= set(album.done)
    assert confirmed <= waiting | done
    assert ended <= done
    assert set(committed(published)) <= done


async def results(connection: RedisConnection) -> list[AlbumResult]:
    found = await connection.execute("XRANGE", keys.RESULTS, "-", "+")
    return [msgspec.json.decode(fields[b"result"], type=AlbumResult) for _, fields in found]


def committed(found: Sequence[AlbumResult]) -> list[str]:
    return [name for result in found for name in result.job_ids]
