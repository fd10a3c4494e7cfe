"""How fast the API reads a cached album: latency of GET clusters at a steady rate, from request to last byte.

    .venv/bin/python benchmarks/api_speed.py [--rate 200] [--seconds 20] [--photos 100] [--query Q] [--busy]

A real server process over a real store of its own; requests are sent on time over connections that stay open,
whether earlier ones have been answered or not, and a request that had to wait counts from when it was due.
``--busy`` has a worker with one thread beside it, which always has photos of 12 megapixels to embed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from service_freshness import write_photos

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.services.answer import (
    Answer,
    Cluster,
    Descriptor,
    Hero,
    Image,
    Level,
    Member,
    Metrics,
    SeenAnimal,
)
from sploot_media_clustering.services.job_ports import Commit
from sploot_media_clustering.services.job_request import JobImage, JobRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = 8765
CONNECTIONS = 8
LOOKS = 10
DIFFERENT, HANDED_IN = 20, 2000
"""Photos that keep a worker busy, and jobs of them."""
START_S = 60.0
WARM_UP_S = 2.0
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOX = (0.1234, 0.2345, 0.8765, 0.9876)
SIGNALS = {f"signal_{number}": 0.8765 for number in range(15)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--query", default="level=look&members=full")
    parser.add_argument("--busy", action="store_true", help="beside a worker that is never idle")
    parser.add_argument("--nice", type=int, default=0, help="by how much that worker gives way")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, embedded_store(Path(folder)) as store:
        asyncio.run(keep(store.url, album(told.photos)))
        with command(store.url, "serve", "--port", str(PORT)), ExitStack() as stack:
            if told.busy:
                stack.enter_context(worked(store.url, Path(folder) / "photos", told.nice))
            latencies_ms, size_bytes = asyncio.run(asked(told.rate, told.seconds, told.query))
            done = asyncio.run(photos_done(store.url)) if told.busy else 0
    p50, p95, p99 = np.percentile(latencies_ms, (50, 95, 99))
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: "
        f"{len(latencies_ms)} answers of {size_bytes} bytes at {told.rate}/s: "
        f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms, worst {max(latencies_ms):.2f} ms"
        + (f"; {done} photos embedded beside it" if told.busy else "")
    )


def album(photos: int) -> Answer:
    """An album of one animal with some looks, as large as real ones."""
    names = [f"2026/01/IMG_{number:05d}.jpg" for number in range(photos)]
    return Answer(
        pet_id="bench",
        version=1,
        updated_at=NOON,
        model_version="benchmark",
        pipeline="mixture",
        clusters=(
            cluster("subject", None, names),
            *(cluster(f"look-{number}", "subject", names[number::LOOKS]) for number in range(LOOKS)),
        ),
        unclustered=(),
        metrics=Metrics(coverage={}, quality_score=0.9, processed_at=NOON),
        images=tuple(
            Image(
                image_id=name,
                captured_at=NOON,
                width_px=4032,
                height_px=3024,
                moment=number,
                sightings=(SeenAnimal(box=BOX, species="cat", score=0.9),),
            )
            for number, name in enumerate(names)
        ),
    )


def cluster(cluster_id: str, parent_id: str | None, names: list[str]) -> Cluster:
    """A cluster with three heroes."""
    level: Level = "look" if parent_id else "subject"
    return Cluster(
        id=cluster_id,
        level=level,
        parent_id=parent_id,
        label="asleep on the sofa",
        name=None,
        provisional=False,
        descriptors=tuple(Descriptor(attribute=f"a{i}", value="value", share=0.9) for i in range(5)),
        size=len(names),
        cohesion=0.8,
        hero_image_id=names[0],
        heroes=tuple(
            Hero(
                image_id=name,
                rank=rank,
                score=0.9,
                reasons=("Facing the camera, nothing distracting, eyes open.",),
                signals=SIGNALS,
                box=BOX,
                focal_point=(0.5, 0.4),
            )
            for rank, name in enumerate(names[:3], start=1)
        ),
        members=tuple(
            Member(
                image_id=name,
                score=0.8765,
                position=position,
                probability=0.9876,
                box=BOX,
                species="cat",
                moment=position,
            )
            for position, name in enumerate(names, start=1)
        ),
    )


async def keep(url: str, answer: Answer) -> None:
    """Put the album into the store."""
    connection = connect(url)
    payload = msgspec.json.encode(answer)
    commit = Commit("bench", ("job",), 0, answer.version, b"record", payload, b"{}")
    await RedisPetStore(connection).commit(commit)
    await connection.close()


@contextmanager
def command(url: str, *words: str, nice: int = 0, **more: str) -> Iterator[None]:
    """A command of ours in a process of its own, which gives way to others by so much."""
    code = "from sploot_media_clustering.entrypoints.cli import main; main()"
    settings = {"REDIS_URL": url, "SPLOOT_LOCAL": "1", "SPLOOT_API_REQUESTS_PER_S": "0", **more}
    process = subprocess.Popen(  # noqa: S603 - our own command
        ["nice", "-n", str(nice), sys.executable, "-c", code, *words],  # noqa: S607 - of every Unix
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def worked(url: str, folder: Path, nice: int) -> Iterator[None]:
    """A worker with one thread, and more photos than it can embed meanwhile; it has begun."""
    folder.mkdir()
    write_photos(folder, DIFFERENT)
    asyncio.run(hand_in(url, folder))
    settings = {"SPLOOT_THREADS": "1", "SPLOOT_FILE_ROOT": str(folder), "SPLOOT_CACHE": f"{folder}/kept"}
    with command(url, "worker", nice=nice, **settings):
        end = time.monotonic() + START_S
        while not asyncio.run(photos_done(url)):
            if time.monotonic() > end:
                raise TimeoutError("the worker did not begin")
            time.sleep(0.1)
        yield


async def hand_in(url: str, folder: Path) -> None:
    """Many jobs of one photo each, for albums of their own; no photo is known by the time it comes."""
    connection = connect(url)
    for number in range(HANDED_IN):
        image = JobImage(image_id=f"{number}.jpg", uri=f"file://{folder}/{number % DIFFERENT}.jpg")
        job = JobRequest(job_id=f"busy-{number}", pet_id=f"busy-{number}", images=(image,), force=True)
        await RedisJobQueue(connection).add(job)
    await connection.close()


async def photos_done(url: str) -> int:
    """Published so far."""
    connection = connect(url)
    count = int(await connection.execute("XLEN", keys.RESULTS))
    await connection.close()
    return count


async def asked(rate: int, seconds: float, query: str) -> tuple[list[float], int]:
    """Latencies at a steady rate, and how large an answer is."""
    request = f"GET /internal/pets/bench/clusters?{query} HTTP/1.1\r\nHost: localhost:{PORT}\r\n\r\n".encode()
    streams = [await opened() for _ in range(CONNECTIONS)]
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for stream in streams:
        free.put_nowait(stream)
    latencies_ms, sizes = [], [0]
    started = time.perf_counter()

    async def one(due: float) -> None:
        reader, writer = await free.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(head.decode())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        free.put_nowait((reader, writer))
        if due > started + WARM_UP_S:
            latencies_ms.append((time.perf_counter() - due) * 1000)
            sizes[0] = length

    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * (seconds + WARM_UP_S))):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due))
    for _, writer in streams:
        writer.close()
    return latencies_ms, sizes[0]


async def opened() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection, once the server listens."""
    for _ in range(300):
        try:
            return await asyncio.open_connection("127.0.0.1", PORT, limit=1 << 22)
        except OSError:
            await asyncio.sleep(0.1)
    raise RuntimeError("the server did not start")


if __name__ == "__main__":
    main()
