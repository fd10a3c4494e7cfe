"""What many albums cost: memory in the store, and the work of one photo that arrives in one of them.

    .venv/bin/python benchmarks/many_albums.py [--albums 10000] [--photos 100] [--arrivals 100]

Embeddings are drawn (two animals, several kinds of picture); all else is what runs in production, with the
built-in model. A few albums are made and stored under many names. Work is told in processor time of this
process, which is worker and client in one, and of the server, so that other work on the machine disturbs
it little.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import msgspec
import numpy as np

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap import built_in_heads
from sploot_media_clustering.bootstrap_service import QUESTIONS
from sploot_media_clustering.bootstrap_worker import Tools, open_consumer
from sploot_media_clustering.domain.album import Box, Photo, PhotoEmbedding, SightingEmbedding
from sploot_media_clustering.domain.quality import PIXEL_MEASURES
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord, Source
from sploot_media_clustering.services.applying import AlbumApplier, Applied, Prepared, ReadyPhoto
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.committing import Committer
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.job_ports import Commit
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import Position
from sploot_media_clustering.services.store_desk import StoreAlbums

DISTINCT: Final = 8
"""Albums that are made; the others are copies under other names."""
STEPS: Final = (1, 100, 1000, 10_000)
REBUILDS: Final = 100
DIMENSION: Final = 1280
ANIMALS: Final = 2
KINDS: Final = 6
HEADS: Final = built_in_heads()
LATER: Final = "2026/02/IMG_later.jpg"
"""The photo that arrives; where it arrives again, it replaces itself, and the album does not grow."""
MS: Final = 1000


@dataclass
class DrawnEmbedder:
    """A photo's bytes are ``ALBUM NUMBER``; what the networks would see in it is drawn."""

    version: str = HEADS.network_version
    photos: int = 0

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding]:
        """Photos that share a batch."""
        return map(self.embed_one, photos)

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        """One photo."""
        self.photos += 1
        of_album, number = (int(part) for part in photo.data.split())
        rng = np.random.default_rng([of_album, number])
        centres = np.random.default_rng(of_album).normal(size=(ANIMALS + KINDS, DIMENSION))
        crop = centres[number % ANIMALS] + 0.7 * centres[ANIMALS + number % KINDS]
        vectors = (crop + 0.5 * rng.normal(size=(2, DIMENSION))).astype(np.float16)
        seen = SightingEmbedding(
            box=Box(*(rng.uniform((0.0, 0.0, 0.6, 0.6), (0.4, 0.4, 1.0, 1.0)).tolist())),
            species=np.array([0.98, 0.015, 0.005], np.float32),
            detector_score=float(rng.uniform(0.5, 1.0)),
            embedding=vectors[0],
            pixels=rng.uniform(0.1, 0.9, len(PIXEL_MEASURES)).astype(np.float32),
        )
        return PhotoEmbedding(photo.image_id, None, 4032, 3024, vectors[1], (seen,), self.version)


class UriSource:
    """The photo is in its URI."""

    def read(self, uri: str) -> bytes:
        """Its bytes."""
        return uri.removeprefix("drawn:").encode()


class Nothing:
    """Keeps no embeddings."""

    def load(self, pet_id: str, image_id: str, key: str) -> None:
        """Never any."""

    def save(self, pet_id: str, image_id: str, key: str, embedding: PhotoEmbedding) -> None:
        """Not kept."""

    def erase(self, pet_id: str, image_ids: Collection[str] | None = None) -> None:
        """Nothing to erase."""


class CountingClustering(ClusteringService):
    """Counts what is done to albums."""

    projected = settled = 0

    def project(self, embedding: PhotoEmbedding) -> Photo:
        """Count and project."""
        self.projected += 1
        return super().project(embedding)

    def settle(self, state: AlbumState) -> AlbumState:
        """Count and settle."""
        self.settled += 1
        return super().settle(state)


@dataclass(frozen=True)
class Made:
    """An album that is stored under many names."""

    seed: int
    record: AlbumRecord
    payload: bytes


def made(seed: int, photos: int) -> Made:
    """An album of so many photos, as a worker makes it of one job."""
    embedder, names = DrawnEmbedder(), [f"2026/01/IMG_{number:05d}.jpg" for number in range(photos)]
    uris = {name: f"drawn:{seed} {number}" for number, name in enumerate(names)}
    images = tuple(JobImage(image_id=name, uri=uri) for name, uri in uris.items())
    ready = {}
    for name, uri in uris.items():
        data = UriSource().read(uri)
        ready[name] = ReadyPhoto(embedder.embed_one(PhotoInput(name, data)), Source(uri, bytes(32)))
    job = JobRequest(job_id="job", pet_id="pet-0", images=images)
    applied = applier_of(ClusteringService(HEADS)).apply(
        AlbumRecord(), [Prepared(job, Position(1, 0), ready)], pet_id="pet-0", version=2, settle=True
    )
    return Made(seed, applied.record, answer_of(applied))


def applier_of(clustering: ClusteringService) -> AlbumApplier:
    """As a worker has it."""
    return AlbumApplier(clustering, questions=QUESTIONS)


def answer_of(applied: Applied) -> bytes:
    """The answer that is kept ready."""
    return msgspec.json.encode(applied.answer)


async def stored(connection: RedisConnection, albums: list[Made], first: int, last: int) -> None:
    """Albums of some numbers into the store, committed and published as workers do it."""
    store = RedisPetStore(connection)
    for number in range(first, last):
        part = albums[number % len(albums)]
        record = album_record.pack(part.record)
        commit = Commit(f"pet-{number}", (f"job-{number}",), 0, 2, record, part.payload, b"{}")
        await store.commit(commit)


async def memory(connection: RedisConnection) -> int:
    """Bytes that the server holds."""
    return int((await connection.execute("INFO", "memory"))["used_memory"])


@dataclass(frozen=True)
class Work:
    """What one arrival costs, on average.

    Attributes:
        wall_ms: from handing in to the published result, median.
        process_ms: processor time of client and worker.
        server_ms: processor time of the server.
        commands: that the server was asked.
        kilobytes: to and from the server.
        projected: photos that went through the heads.
        settled: times that an album was settled.
    """

    wall_ms: float
    process_ms: float
    server_ms: float
    commands: float
    kilobytes: float
    projected: float
    settled: float


async def arrivals(
    connection: RedisConnection, counting: CountingClustering, numbers: list[int], begun: int
) -> Work:
    """One photo into each of some albums, one after the other."""
    queue, took_ms = RedisJobQueue(connection), []
    before, at = await server_work(connection), time.process_time()
    projected, settled = counting.projected, counting.settled
    for turn, number in enumerate(numbers, start=begun):
        image = JobImage(image_id=LATER, uri=f"drawn:{number % DISTINCT} {turn}")
        start = time.perf_counter()
        await queue.add(JobRequest(job_id=f"later-{turn}", pet_id=f"pet-{number}", images=(image,)))
        await connection.execute("XREAD", "BLOCK", 10_000, "STREAMS", keys.RESULTS, "$")
        took_ms.append((time.perf_counter() - start) * MS)
    process_s, after, count = time.process_time() - at, await server_work(connection), len(numbers)
    server_s, commands, transferred = (b - a for a, b in zip(before, after, strict=True))
    return Work(
        wall_ms=float(np.median(took_ms)),
        process_ms=process_s * MS / count,
        server_ms=server_s * MS / count,
        commands=commands / count,
        kilobytes=transferred / 1000 / count,
        projected=(counting.projected - projected) / count,
        settled=(counting.settled - settled) / count,
    )


async def server_work(connection: RedisConnection) -> tuple[float, int, int]:
    """Processor seconds, commands and bytes so far."""
    told = await connection.execute("INFO", "everything")
    return (
        float(told["used_cpu_user"]) + float(told["used_cpu_sys"]),
        int(told["total_commands_processed"]),
        int(told["total_net_input_bytes"]) + int(told["total_net_output_bytes"]),
    )


async def rebuilds(connection: RedisConnection) -> np.ndarray:
    """Milliseconds of an answer whose payload has expired: wall-clock and processor time."""

    async def well() -> None:
        return

    store = RedisPetStore(connection)
    work = Committer(store, applier_of(ClusteringService(HEADS)))
    desk, took_ms = StoreAlbums(RedisJobQueue(connection), store, work, well), []
    for _ in range(REBUILDS):
        await connection.execute("DEL", keys.payload("pet-0"))
        start, at = time.perf_counter(), time.process_time()
        await desk.answer("pet-0")
        took_ms.append(((time.perf_counter() - start) * MS, (time.process_time() - at) * MS))
    return np.array(took_ms)


async def measure(url: str, told: argparse.Namespace) -> None:
    """Print all figures."""
    connection = connect(url)
    await connection.execute("CONFIG", "SET", "appendonly", "no")  # memory is measured, not the disk
    albums = [made(seed, told.photos) for seed in range(DISTINCT)]
    sizes = [(len(m.record.state or b""), len(album_record.pack(m.record)), len(m.payload)) for m in albums]
    state, record, payload = np.mean(sizes, axis=0) / 1000
    print(f"{told.photos} photos: state {state:.1f} kB, record {record:.1f} kB, answer {payload:.1f} kB")
    counting, stop = CountingClustering(HEADS), asyncio.Event()
    async with open_consumer(url, Tools(counting, DrawnEmbedder(), UriSource(), Nothing())) as consumer:
        running = asyncio.create_task(consumer.run(stop))
        empty, there, begun = await memory(connection), 0, 0
        rng = np.random.default_rng(0)
        for count in [step for step in STEPS if step < told.albums] + [told.albums]:
            await stored(connection, albums, there, count)
            there, used = count, await memory(connection) - empty
            print(f"{count} albums: {used / 1e6:.1f} MB, {used / 1000 / count:.1f} kB each")
            chosen = rng.choice(count, told.arrivals, replace=count < told.arrivals).tolist()
            for name, numbers in (("the first", [0] * told.arrivals), ("any", chosen)):
                work = await arrivals(connection, counting, numbers, begun)
                print(f"  arrival in {name} album: {shown(work)}", flush=True)
                begun += told.arrivals
        stop.set()
        await running
    for number in range(there):
        await connection.execute("DEL", keys.payload(f"pet-{number}"))
    used = await memory(connection) - empty
    print(f"{there} albums, answers expired: {used / 1e6:.1f} MB, {used / 1000 / there:.1f} kB each")
    wall_ms, process_ms = (await rebuilds(connection)).T
    median, late = np.quantile(wall_ms, (0.5, 0.95))
    print(f"an expired answer made again: median {median:.1f} ms, p95 {late:.1f} ms, ", end="")
    print(f"processor time {np.median(process_ms):.1f} ms")
    await connection.close()


def shown(work: Work) -> str:
    """The figures in one line."""
    return (
        f"{work.wall_ms:.1f} ms, process {work.process_ms:.1f} ms, server {work.server_ms:.2f} ms, "
        f"{work.commands:.1f} commands, {work.kilobytes:.0f} kB, {work.projected:.2f} photos projected, "
        f"{work.settled:.2f} settlings"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--albums", type=int, default=10_000)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--arrivals", type=int, default=100)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, embedded_store(Path(folder)) as store:
        asyncio.run(measure(store.url, told))


if __name__ == "__main__":
    main()
