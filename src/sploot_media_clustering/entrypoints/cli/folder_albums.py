"""The albums of an output folder as the API asks for them: answers read, decisions taken, no jobs."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from msgspec import structs

from sploot_media_clustering.bootstrap import Reviewing
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.entrypoints.cli.kept_states import KeptStates
from sploot_media_clustering.entrypoints.cli.results import Photos, Results
from sploot_media_clustering.errors import InputError, UnknownError
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.asking import MOST_QUESTIONS
from sploot_media_clustering.services.desk import (
    AnsweringModel,
    Change,
    Changed,
    DeadLetter,
    Decide,
    JobState,
    Submitted,
    Undo,
)
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.review import ReviewService

_UNFIT_FOR_PATHS: Final = re.compile(r"[^A-Za-z0-9._:@=+-]+")
_MOST_NAME: Final = 100
_MS: Final = 1000


def answer_of(
    state: AlbumState, before: Answer, reviewing: Reviewing, top: int, asked: int = MOST_QUESTIONS
) -> Answer:
    """The answer of an album whose state has changed since an answer was made.

    Args:
        state: of the album.
        before: that answer.
        reviewing: that answers.
        top: heroes of each cluster.
        asked: questions, at most.
    """
    now = datetime.now(UTC)
    request = Request(
        pet_id=before.pet_id,
        at=now,
        top=top,
        version=max(int(now.timestamp() * _MS), before.version + 1),
        failed=before.failed_images,
        questions=asked,
    )
    return reviewing.clustering.answer(state, request)


class FolderAlbums:
    """Implements the ports of the API that are about albums: ``Albums``, ``AlbumVersions``, ``PhotoSources``.

    What is in the folder is read anew whenever it has changed there, so that ``cluster`` may run beside.

    Args:
        results: the folder.
        reviewing: that settles and answers.

    Raises:
        InputError: ``cluster`` did not write there.
    """

    def __init__(self, results: Results, reviewing: Reviewing) -> None:
        self._results = results
        self._reviewing = reviewing
        self._review = ReviewService(reviewing.clustering)
        self._one_at_a_time = asyncio.Lock()
        self._changed = False
        self._read = results.changed_at(), results.answers()
        results.photos()

    async def answer(self, pet_id: str) -> Answer | None:
        """The album as it stands, called as in paths; None where there is none."""
        _, answer = self._named().get(pet_id, (None, None))
        return None if answer is None else structs.replace(answer, pet_id=pet_id)

    async def models(self, pet_id: str) -> tuple[AnsweringModel, ...]:
        """The one that answers now: a folder remembers no others."""
        answer = await self.answer(pet_id)
        if answer is None:
            raise UnknownError("there is no such album")
        return (AnsweringModel(model_version=answer.model_version, since=answer.updated_at, until=None),)

    async def change(self, pet_id: str, change: Change) -> Changed:
        """Take a decision, or take one back, and write it down."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._do, pet_id, change)

    async def ready(self) -> None:
        """The folder is there."""

    async def newest(self, count: int) -> dict[str, int]:
        """Versions by album."""
        versions = {pet_id: answer.version for pet_id, (_, answer) in self._named().items()}
        return dict(sorted(versions.items(), key=lambda part: -part[1])[:count])

    async def source(self, pet_id: str, image_id: str) -> Source | None:
        """Where a photo is."""
        name, answer = self._named().get(pet_id, (None, None))
        uri = self._photos().uris.get(name or "", {}).get(image_id)
        if answer is None or uri is None:
            return None
        return Source(uri, hashlib.sha256(uri.encode(errors="surrogateescape")).digest())

    def finish(self) -> None:
        """Make the report anew, where something was said."""
        if self._changed:
            self._results.rewrite(self._results.answers(), self._photos(), self._reviewing)

    def _photos(self) -> Photos:
        return self._results.photos()

    def _named(self) -> dict[str, tuple[str, Answer]]:
        """Names and answers by what the albums are called in paths."""
        at = self._results.changed_at()
        if self._read[0] != at:
            self._read = at, self._results.answers()
        return {part: (name, self._read[1][name]) for part, name in _path_names(self._read[1])}

    def _do(self, pet_id: str, change: Change) -> Changed:
        name, before = self._named().get(pet_id, (None, None))
        if name is None or before is None:
            raise UnknownError("there is no such album")
        states = KeptStates(self._results.folder, self._reviewing.clustering)
        state, decision_id = self._decided(states.known(name), change)
        answer = answer_of(state, before, self._reviewing, self._photos().top)
        states.save(name, self._reviewing.clustering.shown(state, answer))
        self._results.write_answers(self._results.answers() | {name: answer})
        self._changed = True
        told = f"change-{answer.version}"
        return Changed(
            job_id=told, pet_id=pet_id, status="done", version=answer.version, decision_id=decision_id
        )

    def _decided(self, state: AlbumState, change: Change) -> tuple[AlbumState, str | None]:
        if isinstance(change, Decide):
            after, decision = self._review.decide(state, change.said, datetime.now(UTC))
            return after, decision.id
        if isinstance(change, Undo):
            return self._review.undo(state, [change.decision_id])[0], None
        raise InputError("expected a decision: photos of a folder come and go with the command cluster")


def _path_names(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Names of albums, made fit for paths, each with the name itself."""
    taken: set[str] = set()
    for name in names:
        stem = _UNFIT_FOR_PATHS.sub("-", name).lstrip("._:@=+-")[:_MOST_NAME] or "album"
        told, number = stem, 1
        while told in taken:
            number += 1
            told = f"{stem}-{number}"
        taken.add(told)
        yield told, name


class NoJobs:
    """Implements the ports of the API that are about jobs, for where there are none."""

    async def submit(self, job: JobRequest) -> Submitted:
        """Refuse it."""
        raise InputError(f"a folder takes no jobs, got {job.job_id}; run cluster again with more photos")

    async def state(self, job_id: str) -> JobState | None:
        """Not known."""
        del job_id
        return None

    async def page(self, limit: int, cursor: str | None) -> tuple[tuple[DeadLetter, ...], str | None]:
        """There are none."""
        del limit, cursor
        return (), None

    async def letter(self, letter_id: str) -> DeadLetter | None:
        """There is none."""
        del letter_id
        return None

    async def requeue(self, letter_id: str) -> Submitted:
        """There is none."""
        raise UnknownError(f"there is no dead letter {letter_id}")

    async def drop(self, letter_id: str) -> None:
        """There is none."""
        raise UnknownError(f"there is no dead letter {letter_id}")
