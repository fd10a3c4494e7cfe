"""A worker's ports, measured: each passes everything on to another, and notes how it went."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from prometheus_client import Histogram

from sploot_media_clustering.adapters.worker_metrics import WorkerMetrics
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import SplootError, TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.applying import AlbumApplier, Applied, Prepared
from sploot_media_clustering.services.batching import PhotoEmbedder
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.desk import DeadLetter, JobState
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.job_ports import (
    Burial,
    Commit,
    CommitResult,
    DeadLetters,
    Ended,
    Entry,
    JobQueue,
    JobStream,
    PetStore,
    Queued,
    StoredAlbum,
)
from sploot_media_clustering.services.jobs import Job, Position
from sploot_media_clustering.services.ports import PhotoSource

_ENDED: Final = frozenset({"done", "superseded", "dead"})


@contextmanager
def _timed(histogram: Histogram) -> Iterator[None]:
    """Whether it succeeds or not."""
    started_s = time.perf_counter()
    try:
        yield
    finally:
        histogram.observe(time.perf_counter() - started_s)


class MeasuredStream:
    """A :class:`~sploot_media_clustering.services.job_ports.JobStream`: messages, and how old they became."""

    def __init__(self, stream: JobStream, metrics: WorkerMetrics) -> None:
        self._stream = stream
        self._metrics = metrics

    async def read(self, count: int, wait_s: float) -> list[Entry]:
        """At most ``count`` new entries, waiting for the first."""
        entries = await self._stream.read(count, wait_s)
        self._metrics.taken.inc(len(entries))
        return entries

    async def claim(self, count: int) -> list[Entry]:
        """At most ``count`` entries of workers that fell silent."""
        entries = await self._stream.claim(count)
        self._metrics.claims.inc(len(entries))
        return entries

    async def attempt(self, entry_id: str) -> int:
        """Count one more attempt at an entry that is worked on alone, this one included."""
        self._metrics.attempts.inc()
        return await self._stream.attempt(entry_id)

    async def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """The entries are done with and go."""
        await self._stream.acknowledge(entry_ids)
        for entry_id in entry_ids:
            self._metrics.job_seconds.observe(max(0.0, time.time() - Position.parse(entry_id).ms / 1000))


class MeasuredQueue:
    """A :class:`~sploot_media_clustering.services.job_ports.JobQueue`: jobs by how they ended."""

    def __init__(self, queue: JobQueue, metrics: WorkerMetrics) -> None:
        self._queue = queue
        self._metrics = metrics

    async def add(self, job: Job, position: Position | None = None) -> Queued:
        """Store a job, which has an id; one that is known is not stored again."""
        return await self._queue.add(job, position)

    async def state(self, job_id: str) -> JobState | None:
        """How far a job is; None where it is not known, or no longer."""
        return await self._queue.state(job_id)

    async def tell(self, states: Sequence[JobState]) -> None:
        """Note how far jobs are; a job that has ended stays as it ended."""
        await self._queue.tell(states)
        for state in states:
            if state.status in _ENDED:
                self._metrics.jobs.labels(state.status).inc()


class MeasuredLetters:
    """:class:`~sploot_media_clustering.services.job_ports.DeadLetters`: how many are added."""

    def __init__(self, letters: DeadLetters, metrics: WorkerMetrics) -> None:
        self._letters = letters
        self._metrics = metrics

    async def add(self, burial: Burial) -> str:
        """Keep a message; of one job, or one message without, there is one letter."""
        letter_id = await self._letters.add(burial)
        self._metrics.letters.inc()
        return letter_id

    async def page(self, limit: int, cursor: str | None) -> tuple[tuple[DeadLetter, ...], str | None]:
        """The newest letters first, and the cursor of the next page."""
        return await self._letters.page(limit, cursor)

    async def opened(self, letter_id: str) -> Burial | None:
        """A letter with its message as it came."""
        return await self._letters.opened(letter_id)

    async def drop(self, letter_id: str) -> bool:
        """Throw a letter away; False where there is none."""
        return await self._letters.drop(letter_id)


class MeasuredStore:
    """A :class:`~sploot_media_clustering.services.job_ports.PetStore`: commits."""

    def __init__(self, store: PetStore, metrics: WorkerMetrics) -> None:
        self._store = store
        self._metrics = metrics

    async def read(self, pet_id: str, job_ids: Collection[str] = ()) -> StoredAlbum:
        """The album at one moment, and which of some jobs have ended."""
        return await self._store.read(pet_id, job_ids)

    async def ended(self, pet_id: str, job_ids: Collection[str]) -> Ended:
        """Which of some jobs have ended."""
        return await self._store.ended(pet_id, job_ids)

    async def payload(self, pet_id: str) -> bytes | None:
        """The answer kept ready; None where it expired, or there is no album."""
        return await self._store.payload(pet_id)

    async def keep_payload(self, pet_id: str, version: int, payload: bytes) -> None:
        """Keep an answer ready that was made again, if the album is still of that version."""
        await self._store.keep_payload(pet_id, version, payload)

    async def commit(self, commit: Commit) -> CommitResult:
        """Store the next version and what is to be published of it."""
        with _timed(self._metrics.commit_seconds):
            result = await self._store.commit(commit)
        self._metrics.commits.labels(result).inc()
        return result

    async def relay(self, pet_id: str) -> int:
        """Publish what waits of an album, in order, each version once; how much that was."""
        return await self._store.relay(pet_id)

    async def bury(self, pet_id: str, job_id: str) -> bool:
        """Mark a job as dead, so that no commit holds it; False where one does already."""
        return await self._store.bury(pet_id, job_id)

    async def revive(self, pet_id: str, job_id: str) -> None:
        """Take that mark away."""
        await self._store.revive(pet_id, job_id)


class MeasuredSource:
    """A :class:`~sploot_media_clustering.services.ports.PhotoSource`: photos by how they came."""

    def __init__(self, source: PhotoSource, metrics: WorkerMetrics) -> None:
        self._source = source
        self._metrics = metrics

    def read(self, uri: str) -> bytes:
        """All bytes of one photo."""
        outcome = "failed"
        try:
            with _timed(self._metrics.fetch_seconds):
                data = self._source.read(uri)
            outcome = "read"
        except TemporaryError:
            outcome = "unavailable"
            raise
        except SplootError:
            outcome = "unreadable"
            raise
        finally:
            self._metrics.fetches.labels(outcome).inc()
        return data


class MeasuredEmbedder:
    """A :class:`~sploot_media_clustering.services.batching.PhotoEmbedder`: batches, and what came of them."""

    def __init__(self, embedder: PhotoEmbedder, metrics: WorkerMetrics) -> None:
        self._embedder = embedder
        self._metrics = metrics

    @property
    def version(self) -> str:
        """Of the networks."""
        return self._embedder.version

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        """Embed photos, in their order; one that can't be read yields its failure."""
        with _timed(self._metrics.embedding_seconds):
            results = list(self._embedder.embed(photos))
        self._metrics.batch_photos.observe(len(results))
        failed = sum(isinstance(result, PhotoFailure) for result in results)
        self._metrics.photos.labels("unreadable").inc(failed)
        self._metrics.photos.labels("embedded").inc(len(results) - failed)
        return iter(results)

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        """Embed one photo with the least delay."""
        self._metrics.batch_photos.observe(1)
        try:
            with _timed(self._metrics.embedding_seconds):
                embedding = self._embedder.embed_one(photo)
        except UnreadablePhotoError:
            self._metrics.photos.labels("unreadable").inc()
            raise
        self._metrics.photos.labels("embedded").inc()
        return embedding


class MeasuredApplier(AlbumApplier):
    """Applies jobs to albums, and notes how long that takes."""

    def __init__(self, clustering: ClusteringService, metrics: WorkerMetrics, *, questions: int = 0) -> None:
        super().__init__(clustering, questions=questions)
        self._metrics = metrics

    def apply(
        self, record: AlbumRecord, jobs: Sequence[Prepared], *, pet_id: str, version: int, settle: bool
    ) -> Applied:
        """The album with some jobs more."""
        with _timed(self._metrics.clustering_seconds):
            return super().apply(record, jobs, pet_id=pet_id, version=version, settle=settle)
