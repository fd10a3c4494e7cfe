"""What callers ask of the service: jobs handed in, albums read and corrected, dead letters looked after.

These are the ports of the API; :mod:`~sploot_media_clustering.services.store_desk` puts them over the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from sploot_media_clustering.services.answer import Answer, FailedImage
from sploot_media_clustering.services.decision_records import Said
from sploot_media_clustering.services.job_request import JobImage, JobRequest

JobStatusName: TypeAlias = Literal["queued", "running", "done", "superseded", "dead"]


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is stored.

    Attributes:
        job_id: of the job.
        pet_id: the album.
        status: ``queued``, or how far it is where it was handed in before.
        duplicate: it was handed in before, and is not done twice.
    """

    job_id: str
    pet_id: str
    status: JobStatusName = "queued"
    duplicate: bool = False


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is.

    Attributes:
        job_id: of the job.
        pet_id: the album; None where the job could not be read.
        status: ``queued``, ``running``, ``done``, ``superseded`` by the album's deletion, or ``dead``.
        version: of the album, once it holds the job.
        updated_at: when that became known.
        failed_images: photos that could not be read; the others are in the album.
        error: why a ``dead`` job was given up.
    """

    job_id: str
    pet_id: str | None
    status: JobStatusName
    version: int | None = None
    updated_at: datetime | None = None
    failed_images: tuple[FailedImage, ...] = ()
    error: str | None = None


class Decide(msgspec.Struct, frozen=True, kw_only=True, tag="decide"):
    """A person said something."""

    said: Said


class Undo(msgspec.Struct, frozen=True, kw_only=True, tag="undo"):
    """A person takes a decision back."""

    decision_id: str


class RemoveImage(msgspec.Struct, frozen=True, kw_only=True, tag="remove_image"):
    """A photo goes, with all its traces."""

    image_id: str


class DeletePet(msgspec.Struct, frozen=True, kw_only=True, tag="delete_pet"):
    """An album goes, with all its traces."""


class Invalidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="invalidate"):
    """The album is settled and its answer made again.

    Attributes:
        rebuild: what is kept of its photos is made again as well, from their embeddings.
        let_go: of the album as the model before left it.
    """

    rebuild: bool = False
    let_go: bool = False


Change: TypeAlias = Decide | Undo | RemoveImage | DeletePet | Invalidate


class Changed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change that is stored.

    Attributes:
        job_id: under which it can be followed.
        pet_id: the album.
        status: ``done``, or ``queued`` where a worker has to do it, or the rest of it: of a deletion, erasing
            what is kept beside the album.
        version: of the album that holds it; None while none does.
        decision_id: of a decision, to take it back by.
    """

    job_id: str
    pet_id: str
    status: Literal["queued", "done"]
    version: int | None = None
    decision_id: str | None = None


class AnsweringModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that answered for an album.

    Attributes:
        model_version: of the model package; empty while there was no album.
        since: when it made its first version of the album.
        until: when another one did; None while it answers.
    """

    model_version: str
    since: datetime
    until: datetime | None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was given up.

    Attributes:
        id: of the letter.
        job_id: of the job, where it could be read.
        pet_id: of the job, where it could be read.
        reason: why it was given up.
        attempts: made before.
        at: when it was given up.
        message: what it said; its URIs without user, password and query.
    """

    id: str
    job_id: str | None
    pet_id: str | None
    reason: str
    attempts: Annotated[int, msgspec.Meta(ge=0)]
    at: datetime
    message: Any = None


@runtime_checkable
class Intake(Protocol):
    """Jobs in, and how far they are."""

    async def submit(self, job: JobRequest) -> Submitted:
        """Store a job, which has an id; a job that is known is not stored again.

        Raises:
            ConflictError: a job of this id said something else.
            TemporaryError: the store did not answer.
        """
        ...

    async def state(self, job_id: str) -> JobState | None:
        """How far a job is; None where it is not known, or no longer."""
        ...


@runtime_checkable
class Albums(Protocol):
    """Albums read and changed."""

    async def answer(self, pet_id: str) -> Answer | None:
        """The album as it stands; None where there is none."""
        ...

    async def models(self, pet_id: str) -> tuple[AnsweringModel, ...]:
        """Which models answered for the album, the oldest first; none where it was deleted.

        Raises:
            UnknownError: there is no such album, and there never was.
            TemporaryError: the store did not answer.
        """
        ...

    async def change(self, pet_id: str, change: Change) -> Changed:
        """Store a change, and do it at once where that can be.

        Raises:
            UnknownError: there is no such album, photo or decision.
            InputError: it says nothing that could be meant.
            TemporaryError: the store did not answer.
        """
        ...

    async def ready(self) -> None:
        """Reach the store.

        Raises:
            TemporaryError: it does not answer.
        """
        ...


@runtime_checkable
class DeadLetterBox(Protocol):
    """Messages that were given up."""

    async def page(self, limit: int, cursor: str | None) -> tuple[tuple[DeadLetter, ...], str | None]:
        """The newest letters first, and the cursor of the next page."""
        ...

    async def letter(self, letter_id: str) -> DeadLetter | None:
        """One letter with its message."""
        ...

    async def requeue(self, letter_id: str) -> Submitted:
        """Hand its job in again, at the position it had.

        Raises:
            UnknownError: there is no such letter.
            InputError: its message can't be read as a job.
        """
        ...

    async def drop(self, letter_id: str) -> None:
        """Throw it away.

        Raises:
            UnknownError: there is no such letter.
        """
        ...


@runtime_checkable
class PhotoNames(Protocol):
    """What photos of folders are called in albums."""

    async def told_apart(self, pet_id: str, images: Sequence[JobImage]) -> tuple[JobImage, ...]:
        """Photos, in their order, under names that no other photo of the album has, or is about to have.

        Raises:
            TemporaryError: the store did not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """All that callers may ask.

    Attributes:
        intake: jobs.
        albums: answers, decisions, deletions.
        letters: messages that were given up.
        names: of photos that come from folders.
    """

    intake: Intake
    albums: Albums
    letters: DeadLetterBox
    names: PhotoNames
