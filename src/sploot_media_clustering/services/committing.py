"""Jobs into albums: read, apply, commit, and again where another was faster; then publish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from sploot_media_clustering.errors import StoreUnavailableError, UnknownError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.answer import Answer, Cluster
from sploot_media_clustering.services.applying import AlbumApplier, Applied, Prepared, is_past
from sploot_media_clustering.services.carrying import Carrier
from sploot_media_clustering.services.job_ports import Commit, Ended, PetStore, StoredAlbum
from sploot_media_clustering.services.jobs import ChangeJob, Position
from sploot_media_clustering.services.results import AlbumResult, SubjectSummary

_ROUNDS: Final = 50
"""Times that another may be faster with the same album, until something is wrong with the store."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of jobs of one album.

    Attributes:
        versions: of the album, by the job that it holds.
        superseded: those that came before the album's deletion.
        refused: those that say nothing that could be meant, and why; they are in no version.
        dead: those in the dead letters; they are in no version either.
        model_version: of the album.
        subjects: ids of the album's animals, where this has changed it.
    """

    versions: Mapping[str, int] = field(default_factory=dict)
    superseded: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    model_version: str = ""
    subjects: tuple[str, ...] = ()


class Committer:
    """Commits jobs; implements :class:`~sploot_media_clustering.services.store_desk.AlbumWork`.

    Args:
        store: of albums.
        applier: of the model that runs.
        carrier: of albums to the model that runs; without one, an album of another model is refused.
        after: called with the name of each step of the protocol that was done.
    """

    def __init__(
        self,
        store: PetStore,
        applier: AlbumApplier,
        carrier: Carrier | None = None,
        after: Callable[[str], None] = lambda _step: None,
    ) -> None:
        self._store = store
        self._applier = applier
        self._carrier = carrier
        self._after = after

    async def answer(self, pet_id: str) -> Answer | None:
        """The answer made from the album's record; None where there is no album."""
        stored = await self._store.read(pet_id)
        record = album_record.unpack(stored.record)
        return await asyncio.to_thread(self._applier.answer, record, pet_id)

    async def apply(self, job: ChangeJob, position: Position) -> int:
        """Commit a change; the version that holds it.

        Raises:
            SplootError: a worker has to do it.
        """
        committed = await self.commit(job.pet_id, [Prepared(job, position)], settle=True)
        if job.job_id not in committed.versions:
            raise UnknownError(f"the change {job.job_id} was not done: {committed.refused.get(job.job_id)}")
        await self.publish(job.pet_id)
        return committed.versions[job.job_id]

    async def commit(self, pet_id: str, jobs: Sequence[Prepared], *, settle: bool) -> Committed:
        """Bring jobs of one album into it, each once, however often this is called.

        Args:
            pet_id: the album.
            jobs: ready to be applied.
            settle: whether the album settles, since no more is waiting.

        Raises:
            StateError: the album is of another model and can't be carried over, or can't be read.
            StoreUnavailableError: the store did not answer; calling again does no harm.
        """
        refused: dict[str, str] = {}
        jobs = _unique(jobs)
        names = [part.job_id for part in jobs]
        for _ in range(_ROUNDS):
            stored = await self._store.read(pet_id, names)
            left = [part for part in jobs if not _has_ended(part.job_id, stored, refused)]
            record = album_record.unpack(stored.record)
            if not left:
                return _committed(jobs, stored, record, refused)
            if self._carrier is not None:
                record = await self._carrier.carried(record, left, pet_id)
            applied = await asyncio.to_thread(
                self._applier.apply, record, left, pet_id=pet_id, version=stored.next_version, settle=settle
            )
            self._after("apply")
            refused |= applied.refused
            left = [part for part in left if part.job_id not in refused]
            if left and await self._store.commit(_commit(pet_id, stored, left, applied)) == "ok":
                self._after("commit")
                done = dict.fromkeys((part.job_id for part in left), applied.record.version)
                ended = Ended(now_ms=stored.now_ms, done={**stored.done, **done}, dead=stored.dead)
                return _committed(jobs, ended, applied.record, refused, _subjects(applied.answer))
        raise StoreUnavailableError(f"expected to commit to the album {pet_id}, others were always faster")

    async def publish(self, pet_id: str) -> int:
        """Have replicas confirm, where that is asked for, and publish what waits; how much that was.

        Raises:
            StoreUnavailableError: the store did not answer, or too few replicas confirmed.
        """
        published = await self._store.relay(pet_id)
        self._after("relay")
        return published


def _unique(jobs: Sequence[Prepared]) -> list[Prepared]:
    """One of each id, the earliest: the same message may have come twice."""
    by_name: dict[str, Prepared] = {}
    for part in sorted(jobs, key=lambda part: part.position):
        by_name.setdefault(part.job_id, part)
    return list(by_name.values())


def _committed(
    jobs: Sequence[Prepared],
    ended: Ended,
    record: AlbumRecord,
    refused: Mapping[str, str],
    subjects: Sequence[Cluster] = (),
) -> Committed:
    superseded = {part.job_id for part in jobs if is_past(record.deleted, part.position)}
    held = frozenset(superseded & set(ended.done))
    ids = tuple(part.id for part in subjects)
    return Committed(ended.done, held, refused, ended.dead, record.model_version, ids)


def _subjects(answer: Answer | None) -> list[Cluster]:
    return [] if answer is None else [part for part in answer.clusters if part.level == "subject"]


def _has_ended(job_id: str, ended: Ended, refused: Mapping[str, str]) -> bool:
    return job_id in ended.done or job_id in ended.dead or job_id in refused


def _commit(pet_id: str, stored: StoredAlbum, jobs: Sequence[Prepared], applied: Applied) -> Commit:
    version = applied.record.version
    names = tuple(part.job_id for part in jobs)
    result = _result(pet_id, stored.version, names, applied)
    return Commit(
        pet_id=pet_id,
        job_ids=names,
        base=stored.version,
        version=version,
        record=album_record.pack(applied.record),
        payload=None if applied.answer is None else msgspec.json.encode(applied.answer),
        result=msgspec.json.encode(result),
    )


def _result(pet_id: str, previous: int, names: tuple[str, ...], applied: Applied) -> AlbumResult:
    version, answer = applied.record.version, applied.answer
    return AlbumResult(
        pet_id=pet_id,
        version=version,
        previous_version=previous,
        event="deleted" if answer is None else "updated",
        at=datetime.fromtimestamp(version / 1000, UTC),
        job_ids=names,
        model_version=None if answer is None else answer.model_version,
        superseded=tuple(sorted(applied.superseded)),
        photos=0 if answer is None else len(answer.images),
        failed_images=() if answer is None else tuple(part.image_id for part in answer.failed_images),
        subjects=tuple(
            SubjectSummary(
                id=part.id, label=part.name or part.label, size=part.size, hero_image_id=part.hero_image_id
            )
            for part in _subjects(answer)
        ),
    )
