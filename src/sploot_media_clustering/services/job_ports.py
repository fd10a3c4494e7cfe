"""What the service needs of its store: a stream of jobs, one slot for each album, and dead letters.

``docs/redis.md`` argues why these steps lose nothing and double nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.services.desk import DeadLetter, JobState
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import Job, Position
from sploot_media_clustering.services.lanes import Lane

CommitResult: TypeAlias = Literal["ok", "stale", "done"]


@dataclass(frozen=True, slots=True)
class Queued:
    """A job that is stored.

    Attributes:
        position: of the job in the order of all jobs.
        state: how far it is.
        known: it was stored before.
    """

    position: Position
    state: JobState
    known: bool


@runtime_checkable
class JobQueue(Protocol):
    """Jobs in, and how far they are."""

    async def add(self, job: Job, position: Position | None = None) -> Queued:
        """Store a job, which has an id; one that is known is not stored again.

        Args:
            job: of any kind.
            position: that it had before, for one that is handed in again.

        Raises:
            ConflictError: a job of this id said something else.
            TemporaryError: the store did not answer.
        """
        ...

    async def state(self, job_id: str) -> JobState | None:
        """How far a job is; None where it is not known, or no longer."""
        ...

    async def tell(self, states: Sequence[JobState]) -> None:
        """Note how far jobs are; a job that has ended stays as it ended."""
        ...

    async def coming(self, pet_id: str) -> list[JobRequest]:
        """Photos on their way to an album: its jobs that have not ended, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A message in the hands of this worker.

    Attributes:
        entry_id: among those of all streams, see :mod:`.lanes`.
        fields: of the message.
        again: another delivery came before.
    """

    entry_id: str
    fields: Mapping[bytes, bytes]
    again: bool


@runtime_checkable
class JobStream(Protocol):
    """The worker's end of the streams; entries stay with a worker until it acknowledges or falls silent."""

    async def lanes(self) -> Sequence[Lane]:
        """Where entries come in."""
        ...

    async def read(self, lane: Lane, count: int, wait_s: float) -> list[Entry]:
        """At most ``count`` new entries of a lane, waiting for the first; none where all were set aside."""
        ...

    async def claim(self, lane: Lane, count: int) -> list[Entry]:
        """At most ``count`` entries of workers that fell silent."""
        ...

    async def attempt(self, entry_id: str) -> int:
        """Count one more attempt at an entry that is worked on alone, and tell all; 0 once it is gone."""
        ...

    async def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """The entries are done with and go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Which of some jobs of an album have ended.

    Attributes:
        now_ms: the store's clock.
        done: those that are committed, with the version that they made.
        dead: those in the dead letters.
        record_bytes: of the album's record; 0 without one.
    """

    now_ms: int
    done: Mapping[str, int]
    dead: frozenset[str]
    record_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlbum(Ended):
    """An album as it is stored, and which of some of its jobs have ended.

    The next version is the store's clock or ``version + 1``, whichever is more.

    Attributes:
        version: 0 where there never was one.
        record: the album's record, or None.
    """

    version: int
    record: bytes | None

    @property
    def next_version(self) -> int:
        """Of what is committed on top of this."""
        return max(self.version + 1, self.now_ms)


@dataclass(frozen=True, slots=True)
class Commit:
    """The next version of an album.

    Attributes:
        pet_id: the album.
        job_ids: of the jobs that it holds.
        base: version that it was made from.
        version: above ``base``.
        record: the album's record.
        payload: its answer, None for a deleted album.
        result: what is published of it.
    """

    pet_id: str
    job_ids: tuple[str, ...]
    base: int
    version: int
    record: bytes
    payload: bytes | None
    result: bytes


@runtime_checkable
class PetStore(Protocol):
    """Albums: each change whole or not at all, each job once."""

    async def read(self, pet_id: str, job_ids: Collection[str] = ()) -> StoredAlbum:
        """The album at one moment, and which of some jobs have ended."""
        ...

    async def ended(self, pet_id: str, job_ids: Collection[str]) -> Ended:
        """Which of some jobs have ended, without the album, which is large."""
        ...

    async def payload(self, pet_id: str) -> bytes | None:
        """The answer kept ready; None where it expired, or there is no album."""
        ...

    async def keep_payload(self, pet_id: str, version: int, payload: bytes) -> None:
        """Keep an answer ready that was made again, if the album is still of that version."""
        ...

    async def commit(self, commit: Commit) -> CommitResult:
        """Store the next version and what is to be published of it.

        Returns:
            ``ok``; ``done`` where one of its jobs has ended already, ``stale`` where the album is no longer
            of version ``base``: then nothing was stored.

        Raises:
            TemporaryError: the store did not answer, or too few replicas confirmed; it may be stored or not.
        """
        ...

    async def relay(self, pet_id: str) -> int:
        """Publish what waits of an album, in order, each version once; how much that was."""
        ...

    async def bury(self, pet_id: str, job_id: str) -> bool:
        """Mark a job as dead, so that no commit holds it; False where one does already."""
        ...

    async def revive(self, pet_id: str, job_id: str) -> None:
        """Take that mark away."""
        ...


@dataclass(frozen=True, slots=True)
class Burial:
    """A message that is given up.

    Attributes:
        entry: the message.
        reason: why, for people.
        attempts: made before.
        job_id: where it could be read.
        pet_id: where it could be read.
        position: of its job.
    """

    entry: Entry
    reason: str
    attempts: int
    job_id: str | None = None
    pet_id: str | None = None
    position: Position | None = None

    @property
    def about(self) -> str:
        """What a letter is of: a job, however often it was published; else a message."""
        return f"job {self.job_id}" if self.job_id else f"entry {self.entry.entry_id}"


@runtime_checkable
class DeadLetters(Protocol):
    """Messages that were given up; kept until somebody looks after them."""

    async def add(self, burial: Burial) -> str:
        """Keep a message; of one job, or one message without, there is one letter. Returns its id."""
        ...

    async def page(self, limit: int, cursor: str | None) -> tuple[tuple[DeadLetter, ...], str | None]:
        """The newest letters first, and the cursor of the next page."""
        ...

    async def opened(self, letter_id: str) -> Burial | None:
        """A letter with its message as it came."""
        ...

    async def drop(self, letter_id: str) -> bool:
        """Throw a letter away; False where there is none."""
        ...


@runtime_checkable
class PetEmbeddings(Protocol):
    """Embeddings of an album, which go when it goes; called from threads."""

    def load(self, pet_id: str, image_id: str, key: str) -> PhotoEmbedding | None:
        """What was kept of a photo under a key, or None.

        Raises:
            SourceUnavailableError: the store did not answer.
        """
        ...

    def save(self, pet_id: str, image_id: str, key: str, embedding: PhotoEmbedding) -> None:
        """Keep an embedding: of one photo, one.

        Raises:
            SourceUnavailableError: the store did not answer.
        """
        ...

    def erase(self, pet_id: str, image_ids: Collection[str] | None = None) -> None:
        """Delete those of some photos, or of the album; repeating it does no harm.

        Raises:
            SourceUnavailableError: the store did not answer.
        """
        ...
