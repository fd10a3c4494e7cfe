"""A worker's ports, measured: each passes everything on to another, and notes how it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from sploot_media_clustering.adapters.telemetry import Telemetry
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import SplootError, TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.album_record import AlbumRecord, Failed, Source
from sploot_media_clustering.services.answer import Answer, FailedImage
from sploot_media_clustering.services.applying import AlbumApplier, Applied, Prepared, ReadyPhoto
from sploot_media_clustering.services.batching import Batcher, PhotoEmbedder
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.committing import Committer
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
    PetEmbeddings,
    PetStore,
    Queued,
    StoredAlbum,
)
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import Job, Position, name_of
from sploot_media_clustering.services.lanes import Lane, located
from sploot_media_clustering.services.ports import ImageDecoder, PhotoSource, Picture
from sploot_media_clustering.services.preparing import Preparer
from sploot_media_clustering.services.processing import Limits, Ports, Processor, Work
from sploot_media_clustering.services.rollout import Pipelines
from sploot_media_clustering.services.shadow import Difference

_ENDED: Final = frozenset({"done", "superseded", "dead"})


class MeasuredStream:
    """A :class:`~sploot_media_clustering.services.job_ports.JobStream`: messages, and how old they became."""

    def __init__(self, stream: JobStream, telemetry: Telemetry) -> None:
        self._stream = stream
        self._telemetry = telemetry

    async def lanes(self) -> Sequence[Lane]:
        """Where entries come in."""
        return await self._stream.lanes()

    async def read(self, lane: Lane, count: int, wait_s: float) -> list[Entry]:
        """At most ``count`` new entries of a lane, waiting for the first."""
        entries = await self._stream.read(lane, count, wait_s)
        self._telemetry.metrics.taken.inc(len(entries))
        return entries

    async def claim(self, lane: Lane, count: int) -> list[Entry]:
        """At most ``count`` entries of workers that fell silent."""
        entries = await self._stream.claim(lane, count)
        self._telemetry.metrics.claims.inc(len(entries))
        return entries

    async def attempt(self, entry_id: str) -> int:
        """Count one more attempt at an entry that is worked on alone, this one included."""
        self._telemetry.metrics.attempts.inc()
        return await self._stream.attempt(entry_id)

    async def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """The entries are done with and go."""
        with self._telemetry.stage("acknowledge"):
            await self._stream.acknowledge(entry_ids)
        for entry_id in entry_ids:
            age_s = max(0.0, time.time() - Position.parse(entry_id).ms / 1000)
            self._telemetry.metrics.job_seconds.labels(located(entry_id)[0].name).observe(age_s)


class MeasuredQueue:
    """A :class:`~sploot_media_clustering.services.job_ports.JobQueue`: jobs by how they ended."""

    def __init__(self, queue: JobQueue, telemetry: Telemetry) -> None:
        self._queue = queue
        self._telemetry = telemetry

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
                self._telemetry.metrics.jobs.labels(state.status).inc()

    async def coming(self, pet_id: str) -> list[JobRequest]:
        """Photos on their way to an album: its jobs that have not ended, the oldest first."""
        return await self._queue.coming(pet_id)


class MeasuredLetters:
    """:class:`~sploot_media_clustering.services.job_ports.DeadLetters`: how many are added."""

    def __init__(self, letters: DeadLetters, telemetry: Telemetry) -> None:
        self._letters = letters
        self._telemetry = telemetry

    async def add(self, burial: Burial) -> str:
        """Keep a message; of one job, or one message without, there is one letter."""
        letter_id = await self._letters.add(burial)
        self._telemetry.metrics.letters.inc()
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

    def __init__(self, store: PetStore, telemetry: Telemetry) -> None:
        self._store = store
        self._telemetry = telemetry

    async def read(self, pet_id: str, job_ids: Collection[str] = ()) -> StoredAlbum:
        """The album at one moment, and which of some jobs have ended."""
        with self._telemetry.stage("read"):
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
        with self._telemetry.stage("commit"):
            result = await self._store.commit(commit)
        self._telemetry.metrics.commits.labels(result).inc()
        return result

    async def relay(self, pet_id: str) -> int:
        """Publish what waits of an album, in order, each version once; how much that was."""
        with self._telemetry.stage("publish"):
            return await self._store.relay(pet_id)

    async def bury(self, pet_id: str, job_id: str) -> bool:
        """Mark a job as dead, so that no commit holds it; False where one does already."""
        return await self._store.bury(pet_id, job_id)

    async def revive(self, pet_id: str, job_id: str) -> None:
        """Take that mark away."""
        await self._store.revive(pet_id, job_id)


class MeasuredSource:
    """A :class:`~sploot_media_clustering.services.ports.PhotoSource`: photos by how they came."""

    def __init__(self, source: PhotoSource, telemetry: Telemetry) -> None:
        self._source = source
        self._telemetry = telemetry

    def read(self, uri: str) -> bytes:
        """All bytes of one photo."""
        outcome = "failed"
        try:
            with self._telemetry.stage("fetch"):
                data = self._source.read(uri)
            outcome = "read"
        except TemporaryError:
            outcome = "unavailable"
            raise
        except SplootError:
            outcome = "unreadable"
            raise
        finally:
            self._telemetry.metrics.fetches.labels(outcome).inc()
        return data


class MeasuredEmbedder:
    """A :class:`~sploot_media_clustering.services.batching.PhotoEmbedder`: batches, and what came of them."""

    def __init__(self, embedder: PhotoEmbedder, telemetry: Telemetry) -> None:
        self._embedder = embedder
        self._telemetry = telemetry

    @property
    def version(self) -> str:
        """Of the networks."""
        return self._embedder.version

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        """Embed photos, in their order; one that can't be read yields its failure."""
        listed = list(photos)
        with self._telemetry.stage("embed", [photo.data for photo in listed]):
            results = list(self._embedder.embed(listed))
        self._telemetry.metrics.batch_photos.observe(len(results))
        failed = sum(isinstance(result, PhotoFailure) for result in results)
        self._telemetry.metrics.photos.labels("unreadable").inc(failed)
        self._telemetry.metrics.photos.labels("embedded").inc(len(results) - failed)
        return iter(results)

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        """Embed one photo with the least delay."""
        self._telemetry.metrics.batch_photos.observe(1)
        try:
            with self._telemetry.stage("embed", [photo.data]):
                embedding = self._embedder.embed_one(photo)
        except UnreadablePhotoError:
            self._telemetry.metrics.photos.labels("unreadable").inc()
            raise
        self._telemetry.metrics.photos.labels("embedded").inc()
        return embedding


class MeasuredDecoder:
    """An :class:`~sploot_media_clustering.services.ports.ImageDecoder`: how long it takes."""

    def __init__(self, decoder: ImageDecoder, telemetry: Telemetry) -> None:
        self._decoder = decoder
        self._telemetry = telemetry

    def decode(self, data: bytes) -> Picture:
        """Decode one photo."""
        with self._telemetry.stage("decode", [data]):
            return self._decoder.decode(data)


class MeasuredEmbeddings:
    """:class:`~sploot_media_clustering.services.job_ports.PetEmbeddings`: what is asked for, is it kept?"""

    def __init__(self, kept: PetEmbeddings, telemetry: Telemetry) -> None:
        self._kept = kept
        self._telemetry = telemetry

    def load(self, pet_id: str, image_id: str, key: str) -> PhotoEmbedding | None:
        """What was kept of a photo under a key, or None."""
        with self._telemetry.stage("recall"):
            found = self._kept.load(pet_id, image_id, key)
        self._telemetry.metrics.recalled.labels("missed" if found is None else "found").inc()
        return found

    def save(self, pet_id: str, image_id: str, key: str, embedding: PhotoEmbedding) -> None:
        """Keep an embedding."""
        with self._telemetry.stage("keep"):
            self._kept.save(pet_id, image_id, key, embedding)

    def erase(self, pet_id: str, image_ids: Collection[str] | None = None) -> None:
        """Delete those of some photos, or of the album."""
        self._kept.erase(pet_id, image_ids)


class MeasuredBatcher(Batcher):
    """A batcher that knows whose photos it has."""

    def __init__(self, embedder: PhotoEmbedder, telemetry: Telemetry) -> None:
        super().__init__(MeasuredEmbedder(embedder, telemetry))
        self._spans = telemetry.spans

    async def embed(self, photo: PhotoInput) -> PhotoEmbedding | PhotoFailure:
        """The embedding of a photo, or why it can't be read."""
        with self._spans.hold(photo.data):
            return await super().embed(photo)


class MeasuredPreparer:
    """A :class:`~sploot_media_clustering.services.preparing.Preparer` that knows whose photos it prepares."""

    def __init__(self, preparer: Preparer, telemetry: Telemetry) -> None:
        self._preparer = preparer
        self._spans = telemetry.spans

    async def prepare(self, job: JobRequest) -> Mapping[str, ReadyPhoto | FailedImage]:
        """Of each image of a job, what the networks saw, or why there is nothing."""
        with self._spans.job(name_of(job)):
            return await self._preparer.prepare(job)

    async def prepare_again(
        self, pet_id: str, sources: Mapping[str, Source]
    ) -> Mapping[str, ReadyPhoto | FailedImage]:
        """Photos that an album holds, as this model's networks see them."""
        return await self._preparer.prepare_again(pet_id, sources)

    async def erase(self, pet_id: str, image_ids: Sequence[str] | None) -> None:
        """Forget what was remembered of some photos, or of the album."""
        await self._preparer.erase(pet_id, image_ids)


class MeasuredApplier(AlbumApplier):
    """Applies jobs to albums, and notes how long that takes and what comes of it."""

    def __init__(
        self,
        clustering: ClusteringService,
        telemetry: Telemetry,
        *,
        questions: int = 0,
        pipelines: Pipelines | None = None,
    ) -> None:
        super().__init__(clustering, questions=questions, pipelines=pipelines)
        self._telemetry = telemetry

    def apply(
        self, record: AlbumRecord, jobs: Sequence[Prepared], *, pet_id: str, version: int, settle: bool
    ) -> Applied:
        """The album with some jobs more."""
        with self._telemetry.stage("cluster"):
            applied = super().apply(record, jobs, pet_id=pet_id, version=version, settle=settle)
        if applied.answer is not None:
            self._telemetry.metrics.answered(applied.answer)
        return applied

    def _answer(
        self, state: AlbumState | None, failed: Mapping[str, Failed], pet_id: str, version: int
    ) -> Answer | None:
        with self._telemetry.stage("heroes"):
            return super()._answer(state, failed, pet_id, version)

    def _compare(self, pet_id: str, old: Answer, new: Answer) -> tuple[Difference, ...]:
        found = super()._compare(pet_id, old, new)
        for one in found:
            self._telemetry.metrics.shadowed(one)
        return found


class MeasuredProcessor(Processor):
    """Takes messages through the protocol, each a span of its publisher's trace."""

    def __init__(
        self,
        ports: Ports,
        committer: Committer,
        preparer: Preparer,
        limits: Limits | None = None,
        *,
        telemetry: Telemetry,
        after: Callable[[str], None],
    ) -> None:
        super().__init__(ports, committer, MeasuredPreparer(preparer, telemetry), limits, after=after)
        self._spans = telemetry.spans

    async def process(self, works: Sequence[Work], *, settle: Callable[[], bool] = lambda: True) -> None:
        """Messages of one album, all the way to their acknowledgement."""
        with self._spans.jobs(works):
            await super().process(works, settle=settle)
