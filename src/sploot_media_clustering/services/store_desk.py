"""The desk over the store: what callers ask for becomes entries of the stream, done at once where it can be.

A change is stored first and done then, under the same job id: should this process end in between, a worker
finds the entry and does it, and should both do it, the store takes it once.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, Protocol, runtime_checkable

import msgspec
from msgspec import structs

from sploot_media_clustering.errors import (
    OtherModelError,
    StateError,
    StoreUnavailableError,
    TemporaryError,
    UnknownError,
)
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.decision_records import decision_of
from sploot_media_clustering.services.desk import (
    AnsweringModel,
    Change,
    Changed,
    DeadLetter,
    Decide,
    DeletePet,
    Invalidate,
    JobState,
    JobStatusName,
    RemoveImage,
    Submitted,
    Undo,
)
from sploot_media_clustering.services.job_ports import Burial, DeadLetters, JobQueue, PetStore, Queued
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import ChangeJob, Position, name_of, parse, position_of
from sploot_media_clustering.services.letters import shown_letter
from sploot_media_clustering.services.rollout import Pipelines, Shares, answered_by

_log = logging.getLogger(__name__)

APPLY_TIMEOUT_S: Final = 5.0
"""After which a change is left to a worker."""

_ID_DIGITS: Final = 32
"""Of a digest in a job's id."""


@runtime_checkable
class AlbumWork(Protocol):
    """Albums worked on in this process."""

    async def answer(self, pet_id: str) -> Answer | None:
        """The answer made from the album's record; None where there is no album."""
        ...

    async def apply(self, job: ChangeJob, position: Position) -> int:
        """Commit a change; the version that holds it.

        Raises:
            InputError: it says nothing that could be meant; it was not done.
            StateError: the album is of another model, and a worker has to do it.
            TemporaryError: a worker has to do it.
        """
        ...


class StoreIntake:
    """Implements :class:`~sploot_media_clustering.services.desk.Intake`.

    Args:
        queue: of jobs.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    async def submit(self, job: JobRequest) -> Submitted:
        """Store a job, which has an id; a job that is known is not stored again."""
        return _submitted(job, await self._queue.add(job))

    async def state(self, job_id: str) -> JobState | None:
        """How far a job is; None where it is not known, or no longer."""
        return await self._queue.state(job_id)


class StoreAlbums:
    """Implements :class:`~sploot_media_clustering.services.desk.Albums`.

    Args:
        queue: of jobs.
        pets: albums as they are stored.
        work: on albums in this process.
        health: reaches the store, and raises where it does not answer or can't be trusted.
        clock: the time of day.
        pipelines: which pipeline answers for which album; by default the mixture for all.
    """

    def __init__(
        self,
        queue: JobQueue,
        pets: PetStore,
        work: AlbumWork,
        health: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        pipelines: Pipelines | None = None,
    ) -> None:
        self._queue = queue
        self._pets = pets
        self._work = work
        self._pipelines = pipelines or Shares()
        self._health = health
        self._clock = clock

    async def answer(self, pet_id: str) -> Answer | None:
        """The album as it stands; from the answer kept ready, else made again."""
        payload = await self._pets.payload(pet_id)
        if payload is not None:
            kept = msgspec.json.decode(payload, type=Answer)
            if kept.pipeline == answered_by(self._pipelines.of(pet_id)):
                return kept
        try:
            answer = await self._work.answer(pet_id)
        except OtherModelError as error:
            await self._have_carried(pet_id, str(error))
            raise StoreUnavailableError(
                f"the album {pet_id} is on its way to another model; ask again in a moment"
            ) from error
        if answer is not None:
            await self._pets.keep_payload(pet_id, answer.version, msgspec.json.encode(answer))
        return answer

    async def models(self, pet_id: str) -> tuple[AnsweringModel, ...]:
        """Which models answered for the album, the oldest first; none where it was deleted."""
        stored = await self._pets.read(pet_id)
        if stored.record is None:
            raise UnknownError("there is no such album")
        terms = album_record.unpack(stored.record).answered
        began = [datetime.fromtimestamp(term.since / 1000, UTC) for term in terms]
        ended: list[datetime | None] = [*began[1:], None]
        return tuple(
            AnsweringModel(model_version=term.model_version, since=since, until=until)
            for term, since, until in zip(terms, began, ended, strict=True)
        )

    async def _have_carried(self, pet_id: str, models: str) -> None:
        """Have a worker bring the album over; asked for once, however many wait for the answer."""
        about = hashlib.sha256(f"{pet_id} {models}".encode()).hexdigest()[:_ID_DIGITS]
        await self._queue.add(JobRequest(job_id=f"carry-{about}", pet_id=pet_id, reason="another model"))

    async def change(self, pet_id: str, change: Change) -> Changed:
        """Store a change, and do it at once where that can be.

        What is deleted is in no answer any more where a version is told; it is done once a worker has erased
        the embeddings.
        """
        at = self._clock()
        decision_id = await self._checked(pet_id, change, at)
        job = ChangeJob(job_id=f"change-{uuid.uuid4().hex}", pet_id=pet_id, change=change, at=at)
        queued = await self._queue.add(job)
        is_left = isinstance(change, Invalidate) and change.rebuild  # embeddings are with the workers
        version = None if is_left else await self._applied(job, queued.position)
        is_done = version is not None and not isinstance(change, DeletePet | RemoveImage)
        if version is not None:
            status: JobStatusName = "done" if is_done else "running"
            told = structs.replace(queued.state, status=status, version=version, updated_at=self._clock())
            await self._queue.tell([told])
        return Changed(
            job_id=job.job_id,
            pet_id=pet_id,
            status="done" if is_done else "queued",
            version=version,
            decision_id=decision_id,
        )

    async def ready(self) -> None:
        """Reach the store, which has to keep what it is given."""
        await self._health()

    async def _checked(self, pet_id: str, change: Change, at: datetime) -> str | None:
        """The id of a decision. Deletions need no album: they hold for jobs that are still on their way."""
        if isinstance(change, DeletePet | RemoveImage):
            return None
        answer = await self.answer(pet_id)
        if answer is None:
            raise UnknownError("there is no such album")
        if isinstance(change, Decide):
            return decision_of(change.said, at).id
        if isinstance(change, Undo) and all(part.id != change.decision_id for part in answer.decisions):
            raise UnknownError("the album has no such decision")
        return None

    async def _applied(self, job: ChangeJob, position: Position) -> int | None:
        try:
            async with asyncio.timeout(APPLY_TIMEOUT_S):
                return await self._work.apply(job, position)
        except (TemporaryError, StateError, TimeoutError) as error:
            _log.warning("job %s is left to a worker: %s", job.job_id, str(error) or type(error).__name__)
            return None


class StoreLetters:
    """Implements :class:`~sploot_media_clustering.services.desk.DeadLetterBox`.

    Args:
        letters: as they are stored.
        queue: of jobs.
        pets: that know which jobs are dead.
        uri_template: of photos that are told by id alone.
    """

    def __init__(
        self, letters: DeadLetters, queue: JobQueue, pets: PetStore, uri_template: str | None = None
    ) -> None:
        self._letters = letters
        self._queue = queue
        self._pets = pets
        self._uri_template = uri_template

    async def page(self, limit: int, cursor: str | None) -> tuple[tuple[DeadLetter, ...], str | None]:
        """The newest letters first, and the cursor of the next page."""
        return await self._letters.page(limit, cursor)

    async def letter(self, letter_id: str) -> DeadLetter | None:
        """One letter with its message."""
        burial = await self._letters.opened(letter_id)
        if burial is None:
            return None
        return shown_letter(letter_id, burial)

    async def requeue(self, letter_id: str) -> Submitted:
        """Hand its job in again, at the position it had; the letter goes last, so that no crash loses it."""
        burial = await self._letters.opened(letter_id)
        if burial is None:
            raise UnknownError("there is no such dead letter")
        job = parse(burial.entry.fields, burial.entry.entry_id, self._uri_template)
        await self._pets.revive(job.pet_id, name_of(job))
        queued = await self._queue.add(job, _position(burial))
        await self._letters.drop(letter_id)
        return _submitted(job, queued)

    async def drop(self, letter_id: str) -> None:
        """Throw it away."""
        if not await self._letters.drop(letter_id):
            raise UnknownError("there is no such dead letter")


def _position(burial: Burial) -> Position:
    return burial.position or position_of(burial.entry.fields, burial.entry.entry_id)


def _submitted(job: JobRequest | ChangeJob, queued: Queued) -> Submitted:
    return Submitted(
        job_id=name_of(job), pet_id=job.pet_id, status=queued.state.status, duplicate=queued.known
    )
