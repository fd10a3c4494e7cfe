"""Live photos go first, back-fill goes on, and neither lanes nor partitions change what albums come to."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from album_view import CLUSTERING, seen
from chaos.findings import photos_of
from chaos.traffic import jobs_of, poison
from fake_worker import NETWORKS, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_store import (
    MemoryDeadLetters,
    MemoryJobQueue,
    MemoryJobStream,
    MemoryPetEmbeddings,
    MemoryPetStore,
    MemoryServer,
)
from msgspec import structs

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.applying import AlbumApplier, Prepared
from sploot_media_clustering.services.batching import Batcher
from sploot_media_clustering.services.committing import Committed, Committer
from sploot_media_clustering.services.consuming import Consumer, Pace, _next
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.job_ports import Entry
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import JOB_FIELD, Job, Position, encode
from sploot_media_clustering.services.lanes import LIVE, Lane
from sploot_media_clustering.services.preparing import FETCHES, Patience, PhotoPreparer
from sploot_media_clustering.services.processing import Ports, Processor, work_of

PATIENCE_S = 20.0
PACE = Pace(in_hand=4, backfill=2, wait_s=0.02, claim_every_s=0.5)


class Nobody:
    def hold(self, entry_ids: Collection[str]) -> None:
        del entry_ids

    def drop(self, entry_ids: Collection[str]) -> None:
        del entry_ids


@dataclass
class OrderedEmbedder(SketchEmbedder):
    """Takes its time, and remembers in which order photos came."""

    order: list[str] = field(default_factory=list)
    photo_s: float = 0.0

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        listed = list(photos)
        self.order += [photo.image_id for photo in listed]
        time.sleep(self.photo_s * len(listed))
        return super().embed(listed)

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        self.order.append(photo.image_id)
        time.sleep(self.photo_s)
        return super().embed_one(photo)


class Skipping(Committer):
    """Makes no albums, where a test is about what comes before."""

    async def commit(self, pet_id: str, jobs: Sequence[Prepared], *, settle: bool) -> Committed:
        del pet_id, settle
        return Committed({part.job_id: 1 for part in jobs})


@asynccontextmanager
async def working(
    server: MemoryServer, embedder: SketchEmbedder, name: str = "w", committer: type[Committer] = Committer
) -> AsyncIterator[None]:
    """A worker of a store in memory."""
    stop, pets, stream = asyncio.Event(), MemoryPetStore(server), MemoryJobStream(server, name)
    ports = Ports(MemoryJobQueue(server), stream, pets, MemoryDeadLetters(server))
    with ThreadPoolExecutor(FETCHES) as threads:
        batcher = Batcher(embedder)
        preparer = PhotoPreparer(
            SketchSource(), batcher, MemoryPetEmbeddings(), threads, Patience(first_wait_s=0.001)
        )
        processor = Processor(ports, committer(pets, AlbumApplier(sketch_clustering())), preparer)
        consumer = Consumer(stream, processor, Nobody(), PACE)
        async with batcher.running(), asyncio.timeout(PATIENCE_S):
            running = asyncio.create_task(consumer.run(stop))
            yield
            stop.set()
            await running


async def nothing_waits(server: MemoryServer) -> None:
    while server.entries:  # noqa: ASYNC110 - the store sets no event
        await asyncio.sleep(0.005)


def bulk(number: int, photos: int = 1) -> JobRequest:
    texts = {f"bulk-{number}-{photo}": f"milo {photo}" for photo in range(photos)}
    return photos_job(f"bulk-{number}", f"pet-{number}", texts, lane="backfill")


def live(number: int) -> JobRequest:
    return photos_job(f"live-{number}", f"live-pet-{number}", {f"live-{number}": "bella 1"})


async def embedded(jobs: Sequence[Job]) -> list[str]:
    """The order in which one worker embeds the photos of jobs that wait."""
    server, embedder = MemoryServer(), OrderedEmbedder(photo_s=0.001)
    for job in jobs:
        await MemoryJobQueue(server).add(job)
    async with working(server, embedder, committer=Skipping):
        await nothing_waits(server)
    return embedder.order


def test_a_live_photo_goes_before_backfill_that_waits() -> None:
    """However much there is of it; what is in hand is all that comes before."""
    order = asyncio.run(embedded([*map(bulk, range(40)), live(0)]))
    assert len(order) == 41
    assert order.index("live-0") <= PACE.backfill


def test_backfill_goes_on_while_live_photos_never_end() -> None:
    """It has hands of its own, and its photos stand in the same line."""
    order = asyncio.run(embedded([*map(bulk, range(10)), *map(live, range(80))]))
    assert order.index("bulk-9-0") < 70


def test_a_live_photo_goes_before_those_of_a_job_in_hand() -> None:
    """A job of back-fill may have a thousand; of these one stands in line, and a few are in the networks."""

    async def steps() -> int:
        server, embedder = MemoryServer(), OrderedEmbedder(photo_s=0.002)
        queue = MemoryJobQueue(server)
        await queue.add(bulk(0, photos=100))
        async with working(server, embedder, committer=Skipping):
            while len(embedder.order) < FETCHES:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.001)
            before = len(embedder.order)
            await queue.add(live(0))
            await nothing_waits(server)
        return embedder.order.index("live-0") - before

    # A worker looks for new messages at once; until it read this one, a batch or two went through.
    assert asyncio.run(steps()) <= 4 * FETCHES


def test_live_jobs_of_an_album_go_before_its_backfill() -> None:
    """They share a commit among themselves, so that none waits for photos of the others."""
    lanes = (Lane(0, "backfill"), LIVE, Lane(0, "backfill"), LIVE, LIVE)
    entries = [
        Entry(lane.named(f"{n}-0"), {JOB_FIELD: encode(live(n))}, again=False) for n, lane in enumerate(lanes)
    ]
    waiting = deque(work_of(entry, None) for entry in entries)
    rounds = [[work.job_id for work in _next(waiting, 2)] for _ in range(3)]
    assert rounds == [["live-1", "live-3"], ["live-4"], ["live-0", "live-2"]]
    assert not waiting


def test_lanes_and_partitions_do_not_change_an_album() -> None:
    """One draw of what follows."""
    _require_calm(seed=7, partitions=3, count=8)


@pytest.mark.slow
@given(seed=st.integers(0, 1 << 32), partitions=st.integers(1, 4))
@settings(max_examples=4, deadline=None)
def test_albums_are_what_one_stream_in_order_makes_them(seed: int, partitions: int) -> None:
    """Photos, words, deletions; some as back-fill, some where no partition was known; two workers."""
    _require_calm(seed, partitions, count=20)


def _require_calm(seed: int, partitions: int, count: int) -> None:
    rng, server = random.Random(seed), MemoryServer(partitions=partitions)  # noqa: S311 - the same jobs again
    jobs = [job for job in jobs_of(rng, 2, count) if job.job_id not in poison([job])]
    jobs = [structs.replace(job, lane="backfill") if _is_bulk(rng, job) else job for job in jobs]
    positions: dict[str, Position] = {}

    async def steps() -> None:
        queue = MemoryJobQueue(server)
        async with working(server, SketchEmbedder(), "w1"), working(server, SketchEmbedder(), "w2"):
            for job in jobs:
                if rng.random() < 0.2:
                    lane = Lane(rng.randrange(partitions), "live")
                    place = Position.parse(server.add({JOB_FIELD: encode(job)}, lane))
                else:
                    place = (await queue.add(job)).position
                positions[str(job.job_id)] = place
                await asyncio.sleep(0)
            await nothing_waits(server)

    asyncio.run(steps())
    assert not server.letters
    assert len(set(positions.values())) == len(jobs)
    for pet_id in {job.pet_id for job in jobs}:
        own = [job for job in jobs if job.pet_id == pet_id]
        record = album_record.unpack(server.albums[pet_id][1])
        assert seen(record) == seen(_calm(own, positions, record.version)), pet_id


def _is_bulk(rng: random.Random, job: Job) -> bool:
    return isinstance(job, JobRequest) and rng.random() < 0.5


def _calm(jobs: Sequence[Job], positions: dict[str, Position], version: int) -> AlbumRecord:
    """One job after the other."""
    parts = [Prepared(job, positions[str(job.job_id)], photos_of(job, NETWORKS)) for job in jobs]
    record, applier = AlbumRecord(), AlbumApplier(CLUSTERING)
    for part in sorted(parts, key=lambda part: part.position):
        record = applier.apply(record, [part], pet_id=part.job.pet_id, version=version, settle=False).record
    return record
