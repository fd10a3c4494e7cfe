"""Messages of one album: prepared, committed, published, let go; or given up, with the reason."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_size import MOST_PHOTOS, may_be_full, without_room
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.applying import Prepared, ReadyPhoto
from sploot_media_clustering.services.committing import Committed, Committer
from sploot_media_clustering.services.desk import DeletePet, JobState, JobStatusName, RemoveImage
from sploot_media_clustering.services.job_ports import (
    Burial,
    DeadLetters,
    Ended,
    Entry,
    JobQueue,
    JobStream,
    PetStore,
)
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import Job, Position, name_of, parse, position_of
from sploot_media_clustering.services.preparing import Preparer, gravest
from sploot_media_clustering.services.telling import facts

_log = logging.getLogger(__name__)

_MAX_REASON_CHARACTERS: Final = 1000
_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Work:
    """A message that could be read.

    Attributes:
        entry: of the stream.
        job: that it holds.
        position: of the job.
    """

    entry: Entry
    job: Job
    position: Position

    @property
    def job_id(self) -> str:
        """Of the job."""
        return name_of(self.job)


def work_of(entry: Entry, uri_template: str | None) -> Work:
    """What a message asks for.

    Raises:
        InputError: it can't be read.
    """
    return Work(
        entry,
        parse(entry.fields, entry.entry_id, uri_template),
        position_of(entry.fields, entry.entry_id),
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """When a job is given up.

    Attributes:
        job_s: time for the photos of one job.
        age_s: of a job; less than jobs that are done are remembered.
        attempts: at a job that is worked on alone.
        album_photos: that an album may have; a job that would bring in more is given up.
    """

    job_s: float = 600.0
    age_s: float = 7 * 24 * 3600.0
    attempts: int = 3
    album_photos: int = MOST_PHOTOS


@dataclass(frozen=True, slots=True)
class Ports:
    """What processing needs of the store."""

    queue: JobQueue
    stream: JobStream
    store: PetStore
    letters: DeadLetters


class Processor:
    """Takes messages through the protocol; whatever it was interrupted at, it may begin again.

    Args:
        ports: of the store.
        committer: jobs into albums.
        preparer: photos of jobs made ready.
        limits: when a job is given up.
        after: called with the name of each step of the protocol that was done.
    """

    def __init__(
        self,
        ports: Ports,
        committer: Committer,
        preparer: Preparer,
        limits: Limits | None = None,
        *,
        after: Callable[[str], None] = lambda _step: None,
    ) -> None:
        self._ports = ports
        self._committer = committer
        self._preparer = preparer
        self.limits = limits or Limits()
        self._after = after

    async def process(self, works: Sequence[Work], *, settle: Callable[[], bool] = lambda: True) -> None:
        """Messages of one album, all the way to their acknowledgement.

        Args:
            works: of one album.
            settle: asked before the commit: is no more waiting for the album?

        Raises:
            TemporaryError: try again later.
            SplootError: trying again may not help.
            TimeoutError: a job took too long.
        """
        pet_id, began_s = works[0].job.pet_id, time.perf_counter()
        known = await self._ports.store.ended(pet_id, [work.job_id for work in works])
        fresh: list[Work] = []
        late: list[Work] = []
        for work in works:
            is_late = work.job_id not in known.done and self._is_late(work, known.now_ms)
            (late if is_late else fresh).append(work)
        for work in late:
            await self.give_up(
                work, f"expected a job of at most {self.limits.age_s:.0f} s, got an older one", 0
            )
        refused = await self._without_room(pet_id, fresh, known)
        for work in fresh:
            if work.job_id in refused:
                await self.give_up(work, refused[work.job_id], 1)
        fresh = [work for work in fresh if work.job_id not in refused]
        if fresh:
            ended = known.done.keys() | known.dead
            todo = [work for work in fresh if work.job_id not in ended]
            await self._tell(todo, "running")
            photos = await self._all_photos(todo)
            self._after("prepare")
            ready = [Prepared(work.job, work.position, photos.get(work.job_id, {})) for work in fresh]
            committed = await self._committer.commit(pet_id, ready, settle=settle())
            await self._finish(fresh, committed, photos)
            _log.info("album brought up to date", extra=_facts(fresh, committed, photos, began_s))

    async def _without_room(self, pet_id: str, works: Sequence[Work], known: Ended) -> dict[str, str]:
        """Jobs that the album has no room for, and why; before any of their photos is fetched."""
        ended, most = known.done.keys() | known.dead, self.limits.album_photos
        waiting = sorted((w for w in works if w.job_id not in ended), key=lambda work: work.position)
        jobs = [work.job for work in waiting]
        if not may_be_full(known.record_bytes, jobs, most):
            return {}
        stored = await self._ports.store.read(pet_id)
        return without_room(album_record.unpack(stored.record), jobs, most)

    async def give_up(self, work: Work, reason: str, attempts: int) -> None:
        """A job into the dead letters; not one that an album holds already."""
        if not await self._ports.store.bury(work.job.pet_id, work.job_id):
            await self._committer.publish(work.job.pet_id)
        else:
            burial = Burial(
                work.entry,
                reason[:_MAX_REASON_CHARACTERS],
                attempts,
                work.job_id,
                work.job.pet_id,
                work.position,
            )
            await self._ports.letters.add(burial)
            self._after("letter")
            await self._ports.queue.tell([_state(work, "dead", error=burial.reason)])
        await self._ports.stream.acknowledge([work.entry.entry_id])

    async def give_up_unread(self, entry: Entry, error: InputError) -> None:
        """A message that can't be read into the dead letters."""
        await self._ports.letters.add(Burial(entry, str(error)[:_MAX_REASON_CHARACTERS], 0))
        self._after("letter")
        await self._ports.stream.acknowledge([entry.entry_id])

    def _is_late(self, work: Work, now_ms: int) -> bool:
        """By its entry, not its position: one that was handed in again is young again."""
        return now_ms - Position.parse(work.entry.entry_id).ms > self.limits.age_s * _MS

    async def _all_photos(self, works: Sequence[Work]) -> dict[str, Mapping[str, ReadyPhoto | FailedImage]]:
        """By job; of messages that came twice, once."""
        unique = list({work.job_id: work for work in works}.values())
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._photos(work)) for work in unique]
        except ExceptionGroup as errors:
            raise gravest(errors) from errors
        return {work.job_id: task.result() for work, task in zip(unique, tasks, strict=True)}

    async def _photos(self, work: Work) -> Mapping[str, ReadyPhoto | FailedImage]:
        if not isinstance(work.job, JobRequest) or not work.job.images:
            return {}
        async with asyncio.timeout(self.limits.job_s):
            return await self._preparer.prepare(work.job)

    async def _finish(
        self,
        works: Sequence[Work],
        committed: Committed,
        photos: Mapping[str, Mapping[str, ReadyPhoto | FailedImage]],
    ) -> None:
        """Steps 4 to 6, which repeat until they are done."""
        await self._committer.publish(works[0].job.pet_id)
        held = [work for work in works if work.job_id in committed.versions]
        for work in held:
            await self._erase(work, superseded=work.job_id in committed.superseded)
        await self._ports.queue.tell(
            [
                _state(
                    work,
                    "superseded" if work.job_id in committed.superseded else "done",
                    version=committed.versions[work.job_id],
                    failed=_failures(photos.get(work.job_id, {})),
                )
                for work in held
                if work.job_id in photos or not await self._is_told(work)
            ]
        )
        for work in works:
            if work.job_id in committed.refused:
                await self.give_up(work, committed.refused[work.job_id], 1)
            elif work.job_id in committed.dead:
                await self.give_up(work, "given up before", self.limits.attempts)
        self._after("tell")
        await self._ports.stream.acknowledge([work.entry.entry_id for work in held])
        self._after("acknowledge")

    async def _is_told(self, work: Work) -> bool:
        state = await self._ports.queue.state(work.job_id)
        return state is not None and state.status in {"done", "superseded"}

    async def _erase(self, work: Work, *, superseded: bool) -> None:
        """Embeddings of photos that an album does not hold, or no longer, go."""
        pet_id, job = work.job.pet_id, work.job
        if isinstance(job, JobRequest):
            gone = [*job.remove_image_ids, *(image.image_id for image in job.images if superseded)]
            if gone:
                await self._preparer.erase(pet_id, gone)
        elif isinstance(job.change, DeletePet):
            await self._preparer.erase(pet_id, None)
        elif isinstance(job.change, RemoveImage):
            await self._preparer.erase(pet_id, [job.change.image_id])

    async def _tell(self, works: Sequence[Work], status: JobStatusName) -> None:
        await self._ports.queue.tell([_state(work, status) for work in works])


def _facts(
    works: Sequence[Work],
    committed: Committed,
    photos: Mapping[str, Mapping[str, ReadyPhoto | FailedImage]],
    began_s: float,
) -> dict[str, dict[str, object]]:
    """What a line of the log tells of jobs that are done."""
    traces = sorted({work.job.traceparent for work in works if work.job.traceparent is not None})
    return facts(
        pet_id=works[0].job.pet_id,
        job_ids=[work.job_id for work in works],
        version=max(committed.versions.values(), default=None),
        model_version=committed.model_version or None,
        cluster_ids=list(committed.subjects) or None,
        photos=sum(map(len, photos.values())),
        failed_images=sum(len(_failures(part)) for part in photos.values()) or None,
        traceparents=traces or None,
        latency_ms=round((time.perf_counter() - began_s) * _MS, 2),
    )


def _state(
    work: Work,
    status: JobStatusName,
    *,
    version: int | None = None,
    failed: tuple[FailedImage, ...] = (),
    error: str | None = None,
) -> JobState:
    return JobState(
        job_id=work.job_id,
        pet_id=work.job.pet_id,
        status=status,
        version=version,
        updated_at=datetime.now(UTC),
        failed_images=failed,
        error=error,
    )


def _failures(photos: Mapping[str, ReadyPhoto | FailedImage]) -> tuple[FailedImage, ...]:
    return tuple(photo for photo in photos.values() if isinstance(photo, FailedImage))
