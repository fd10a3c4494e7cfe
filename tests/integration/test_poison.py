"""Messages and photos that are no good: no worker ends of them, and those beside them lose nothing."""

from __future__ import annotations

import asyncio
import io
import random
import struct
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from embedded_server import server_url
from fake_worker import MANNER, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings
from mutated_jobs import message
from PIL import Image

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap_worker import Tools, open_consumer, open_tools
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.batching import PhotoEmbedder
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.decision_records import Said, Sighted
from sploot_media_clustering.services.desk import Decide, DeletePet, RemoveImage
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import ChangeJob, encode
from sploot_media_clustering.settings import Settings, UriSettings

pytestmark = pytest.mark.anyio

PATIENCE_S = 90.0
MESSAGES = 400
GOOD, JOBS = 200, 20
SIDE_PX = 256
SHIFTS = 20


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def worker(tools: Tools) -> AsyncIterator[RedisConnection]:
    """A worker on an empty store; leaving fails where it ended by itself."""
    connection, stop = connect(server_url()), asyncio.Event()
    await connection.execute("FLUSHALL")
    async with open_consumer(server_url(), tools, MANNER) as consumer:
        running = asyncio.create_task(consumer.run(stop))
        yield connection
        assert not running.done()
        stop.set()
        await running
    await connection.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not await holds():
        assert time.monotonic() < end, "it did not come"
        await asyncio.sleep(0.02)


async def empty(connection: RedisConnection) -> None:
    """No entry is waiting or in hand."""

    async def nothing() -> bool:
        return not await connection.execute("XLEN", keys.JOBS)

    await until(nothing)


def good_messages() -> Iterator[dict[str, Any]]:
    """One job of each kind, as JSON."""
    at = datetime(2026, 5, 1, tzinfo=UTC)
    sighted = (Sighted(image_id="a", box=(0.1, 0.1, 0.9, 0.9)),)
    changes = (
        Decide(said=Said(kind="name", name="Milo", sightings=sighted)),
        RemoveImage(image_id="a"),
        DeletePet(),
    )
    photos = photos_job(
        "job-1", "pet-1", {"a": "milo 1", "b": "bella 2"}, remove_image_ids=("c",), expected_animals=2
    )
    for job in (
        photos,
        *(ChangeJob(job_id="job-1", pet_id="pet-1", change=change, at=at) for change in changes),
    ):
        yield msgspec.json.decode(encode(job))
    yield {"pet_id": "pet-1", "image_ids": ["a", "b"], "reason": "old"}


async def test_no_message_ends_a_worker() -> None:
    """Each is done or in the dead letters, and a good job after them is done."""
    rng = random.Random(11)  # noqa: S311 - the same messages again
    bodies = list(good_messages())
    tools = Tools(sketch_clustering(), SketchEmbedder(), SketchSource(), MemoryPetEmbeddings())
    async with worker(tools) as connection:
        for number in range(MESSAGES):
            body = rng.choice(bodies)
            if "job_id" in body:
                body = body | {"job_id": f"job-{number}", "pet_id": f"pet-{number % 5}"}
            flat = [part for pair in message(rng, body).items() for part in pair]
            await connection.execute("XADD", keys.JOBS, "*", *flat)
        await RedisJobQueue(connection).add(photos_job("good", "pet-good", {"a": "milo 1"}))
        await empty(connection)
        state = await RedisJobQueue(connection).state("good")
        assert state is not None
        assert state.status == "done"
        dead = await connection.execute("XLEN", keys.LETTERS)
        assert MESSAGES / 4 < dead < MESSAGES
        letters, _ = await RedisDeadLetters(connection).page(MESSAGES, None)
        assert all(letter.reason for letter in letters)


def _png(width_px: int, height_px: int) -> bytes:
    """A picture whose header claims a size, and whose rows are not there."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def poison() -> dict[str, bytes]:
    """By name."""
    cat = _jpeg(canary_picture(SIDE_PX))
    return {
        "empty": b"",
        "text": b"no picture at all",
        "bomb": _png(30_000, 30_000),
        "wide": _png(1 << 30, 1),
        "hollow": _png(400, 400),
        "truncated": cat[: len(cat) // 3],
        "head-alone": cat[:30],
        "torn": cat[: len(cat) // 2] + bytes(range(256)) + cat[len(cat) // 2 + 256 :],
        "dot": _jpeg(np.zeros((1, 1, 3), np.uint8)),
        "line": _jpeg(np.zeros((2000, 1, 3), np.uint8)),
    }


@dataclass
class CountedEmbedder:
    """The networks; which photos shared a batch is remembered."""

    inner: PhotoEmbedder
    batches: list[set[str]] = field(default_factory=list)

    @property
    def version(self) -> str:
        return self.inner.version

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        listed = list(photos)
        self.batches.append({photo.image_id for photo in listed})
        return self.inner.embed(listed)

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        return self.inner.embed_one(photo)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_poison_among_good_photos_harms_no_other(tmp_path: Path) -> None:
    """They share batches with them; in the end the album is the one without them, and they are told apart."""
    cat, good = canary_picture(SIDE_PX), [f"good-{number}" for number in range(GOOD)]
    for number, name in enumerate(good):
        (tmp_path / name).write_bytes(_jpeg(np.roll(cat, (number % SHIFTS, number // SHIFTS), (0, 1))))
    for name, data in poison().items():
        (tmp_path / name).write_bytes(data)
    settings = Settings(model=None, cache=str(tmp_path / "kept"), threads=1)
    with open_tools(settings, UriSettings(file_root=tmp_path)) as real:
        embedder = CountedEmbedder(real.embedder)
        tools = Tools(real.clustering, embedder, real.source, MemoryPetEmbeddings())
        async with worker(tools) as connection:
            for pet_id, bad in (("mixed", list(poison())), ("pure", [])):
                for number in range(JOBS):
                    names = good[number::JOBS] + bad[number::JOBS]
                    images = tuple(JobImage(image_id=name, uri=f"file://{tmp_path}/{name}") for name in names)
                    job = JobRequest(job_id=f"{pet_id}-{number}", pet_id=pet_id, images=images)
                    await RedisJobQueue(connection).add(job)
                await empty(connection)
            mixed, pure = [await answer_of(connection, pet_id) for pet_id in ("mixed", "pure")]
            assert (await RedisDeadLetters(connection).page(1, None))[0] == ()
            record = album_record.unpack((await RedisPetStore(connection).read("mixed")).record)
    unreadable = {part.image_id for part in mixed.failed_images}
    assert unreadable == record.failed.keys() <= poison().keys()
    assert {"empty", "text", "bomb", "wide", "hollow", "head-alone"} <= unreadable
    assert {part.image_id for part in mixed.images} == {*good, *poison()} - unreadable
    assert {part.image_id for part in pure.images} == set(good)
    assert clusters(mixed, set(good)) == clusters(pure, set(good)) != set()
    assert any(batch & poison().keys() and batch & set(good) for batch in embedder.batches)


async def answer_of(connection: RedisConnection, pet_id: str) -> Answer:
    payload = await RedisPetStore(connection).payload(pet_id)
    assert payload is not None
    return msgspec.json.decode(payload, type=Answer)


def clusters(answer: Answer, among: set[str]) -> set[frozenset[str]]:
    """Subjects as sets of photos."""
    found = (
        frozenset(part.image_id for part in cluster.members if part.image_id in among)
        for cluster in answer.clusters
        if cluster.level == "subject"
    )
    return {members for members in found if members}
