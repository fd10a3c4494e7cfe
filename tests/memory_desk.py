"""A desk in memory: jobs are done at once, by a fake that makes every photo a member of one look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec.structs import replace
from sample_answers import NOON

from sploot_media_clustering.errors import ConflictError, UnknownError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.decision_records import Decided, decision_of, record
from sploot_media_clustering.services.desk import (
    AnsweringModel,
    Change,
    Changed,
    DeadLetter,
    Decide,
    DeletePet,
    Invalidate,
    JobState,
    RemoveImage,
    Submitted,
    Undo,
)
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.overseeing import OpenJob, Overview, Waiting


@dataclass
class MemoryIntake:
    jobs: dict[str, JobRequest] = field(default_factory=dict)
    states: dict[str, JobState] = field(default_factory=dict)

    async def submit(self, job: JobRequest) -> Submitted:
        assert job.job_id is not None
        known = self.jobs.get(job.job_id)
        if known is not None and known != job:
            raise ConflictError(f"expected the job {job.job_id} as it was handed in before, got another")
        self.jobs[job.job_id] = job
        self.states.setdefault(
            job.job_id, JobState(job_id=job.job_id, pet_id=job.pet_id, status="queued", updated_at=NOON)
        )
        return Submitted(job_id=job.job_id, pet_id=job.pet_id, duplicate=known is not None)

    async def state(self, job_id: str) -> JobState | None:
        return self.states.get(job_id)


@dataclass
class MemoryAlbums:
    answers: dict[str, Answer] = field(default_factory=dict)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    error: Exception | None = None

    async def answer(self, pet_id: str) -> Answer | None:
        await self.ready()
        return self.answers.get(pet_id)

    async def models(self, pet_id: str) -> tuple[AnsweringModel, ...]:
        await self.ready()
        if pet_id not in self.answers:
            raise UnknownError("there is no such album")
        answer = self.answers[pet_id]
        return (AnsweringModel(model_version=answer.model_version, since=answer.updated_at, until=None),)

    async def change(self, pet_id: str, change: Change) -> Changed:
        await self.ready()
        answer = self.answers.get(pet_id)
        if answer is None and not isinstance(change, DeletePet | RemoveImage):
            raise UnknownError("there is no such album")
        decision_id = self._do(answer, change) if answer else None
        self.changes.append((pet_id, change))
        if pet_id in self.answers:
            now = self.answers[pet_id]
            self.answers[pet_id] = replace(now, version=now.version + 1)
        return Changed(
            job_id=f"change-{len(self.changes)}",
            pet_id=pet_id,
            status="queued" if isinstance(change, DeletePet | RemoveImage) else "done",
            version=answer.version + 1 if answer else 1,
            decision_id=decision_id,
        )

    def _do(self, answer: Answer, change: Change) -> str | None:
        match change:
            case Decide(said=said):
                told = record(decision_of(said, datetime.now(UTC)))
                decided = Decided(**{name: getattr(told, name) for name in told.__struct_fields__})
                self.answers[answer.pet_id] = replace(answer, decisions=(*answer.decisions, decided))
                return decided.id
            case Undo(decision_id=decision_id):
                kept = tuple(part for part in answer.decisions if part.id != decision_id)
                if len(kept) == len(answer.decisions):
                    raise UnknownError("there is no such decision")
                self.answers[answer.pet_id] = replace(answer, decisions=kept)
            case RemoveImage(image_id=image_id):
                images = tuple(part for part in answer.images if part.image_id != image_id)
                self.answers[answer.pet_id] = replace(answer, images=images)
            case DeletePet():
                del self.answers[answer.pet_id]
            case Invalidate():
                pass
        return None

    async def ready(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class MemoryLetters:
    letters: dict[str, DeadLetter] = field(default_factory=dict)

    async def page(self, limit: int, cursor: str | None) -> tuple[tuple[DeadLetter, ...], str | None]:
        names = sorted(self.letters, reverse=True)
        names = [name for name in names if cursor is None or name < cursor]
        shown = tuple(replace(self.letters[name], message=None) for name in names[:limit])
        return shown, shown[-1].id if len(names) > limit else None

    async def letter(self, letter_id: str) -> DeadLetter | None:
        return self.letters.get(letter_id)

    async def requeue(self, letter_id: str) -> Submitted:
        letter = self.letters.pop(letter_id, None)
        if letter is None or letter.job_id is None or letter.pet_id is None:
            raise UnknownError("there is no such dead letter")
        return Submitted(job_id=letter.job_id, pet_id=letter.pet_id)

    async def drop(self, letter_id: str) -> None:
        if self.letters.pop(letter_id, None) is None:
            raise UnknownError("there is no such dead letter")


@dataclass
class MemoryOverseer:
    """A service, by default with three jobs that wait."""

    error: Exception | None = None
    paused_at: datetime | None = None
    waiting: int = 3
    in_hand: int = 1
    workers: tuple[str, ...] = ("w",)

    async def overview(self) -> Overview:
        if self.error is not None:
            raise self.error
        return Overview(
            paused_at=self.paused_at,
            waiting=self.waiting,
            in_hand=self.in_hand,
            oldest_s=5.0,
            workers=self.workers,
            dead_letters=2,
            dead_letters_most=10,
            lanes=(
                Waiting(partition=0, lane="live", waiting=self.waiting, in_hand=self.in_hand, oldest_s=5.0),
            ),
        )

    async def open_jobs(self, limit: int) -> tuple[OpenJob, ...]:
        jobs = [
            OpenJob(entry_id=f"{n}-0", job_id=f"j{n}", pet_id="milo", status="waiting", age_s=1.0)
            for n in range(3)
        ]
        return tuple(jobs[:limit])

    async def pause(self) -> None:
        self.paused_at = NOON

    async def resume(self) -> None:
        self.paused_at = None
