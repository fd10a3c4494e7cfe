"""All albums brought to the model in charge, and what that did to them.

An album follows a change of model with its next job (:mod:`.carrying`); here each is handed such a job. What
became of ids, members, names and decisions is read off its record, which keeps what the model before left.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.services import album_record, state_codec
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.desk import Invalidate
from sploot_media_clustering.services.gallery import AlbumVersions
from sploot_media_clustering.services.job_ports import JobQueue, PetStore
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import ChangeJob, Job, name_of
from sploot_media_clustering.services.models_in_charge import Term

AT_ONCE: Final = 32
"""Jobs that wait: enough for some workers, few enough that stopping is soon felt."""
_LOOK_AGAIN_S: Final = 0.05
_LONGEST_LOOK_S: Final = 1.0
_ENDED: Final = frozenset({"done", "superseded", "dead"})
_EVERY: Final = 1 << 40
"""More albums than there are."""


class Moved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a change of model did to an album.

    Attributes:
        pet_id: the album.
        from_model: that had it before.
        to_model: that has it now.
        photos: in both.
        moved: of these, those whose animals are others now, or none.
        kept: ids of animals that were there and are.
        founded: ids that are new.
        gone: ids that are there no more.
        same: animals with exactly the members of one before.
        same_kept: of these, those that have its id.
        lost_names: that no animal has any more.
        lost_decisions: that are not remembered any more.
        error: why the album could not be brought over; the rest tells nothing then.
    """

    pet_id: str
    from_model: str = ""
    to_model: str = ""
    photos: int = 0
    moved: int = 0
    kept: tuple[str, ...] = ()
    founded: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    same: int = 0
    same_kept: int = 0
    lost_names: tuple[str, ...] = ()
    lost_decisions: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """Albums brought to one model.

    Attributes:
        pets: albums as they are stored.
        queue: of jobs.
        versions: which albums there are.
        term: of the model in charge.
        back: it was in charge before.
    """

    pets: PetStore
    queue: JobQueue
    versions: AlbumVersions
    term: Term
    back: bool

    async def albums(self, share: float = 1.0) -> list[str]:
        """Some share of all albums; a larger share holds the smaller one.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        return await albums_by_lot(self.versions, share)

    async def bring(self, pet_id: str) -> Moved | None:
        """One album brought over, once a worker has done that; None for one that holds no photos.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        record = await self._record(pet_id)
        if record.state is None:
            return None
        if record.model_version != self.term.model_version:
            # The first job of an album brings it over; this one waits behind those of owners.
            job_id = f"migrate-{self._since}-{pet_id}"
            error = await self._done(JobRequest(job_id=job_id, pet_id=pet_id, lane="backfill"))
            if error is not None:
                return Moved(pet_id=pet_id, to_model=self.term.model_version, error=error)
            record = await self._record(pet_id)
        return await asyncio.to_thread(moved, pet_id, record)

    async def let_go(self, pet_id: str) -> bool:
        """Let go of what the model before left of an album; whether there was anything.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        if (await self._record(pet_id)).former is None:
            return False
        job_id = f"let-go-{self._since}-{pet_id}"
        change = Invalidate(let_go=True)
        await self._done(ChangeJob(job_id=job_id, pet_id=pet_id, change=change, at=self.term.since))
        return True

    @property
    def _since(self) -> int:
        """Each term has jobs of its own, which makes handing them in again harmless."""
        return int(self.term.since.timestamp() * 1000)

    async def _record(self, pet_id: str) -> AlbumRecord:
        return album_record.unpack((await self.pets.read(pet_id)).record)

    async def _done(self, job: Job) -> str | None:
        """Hand a job in and wait for its end; why it failed."""
        await self.queue.add(job)
        wait_s = _LOOK_AGAIN_S
        while True:
            state = await self.queue.state(name_of(job))
            if state is not None and state.status in _ENDED:
                return state.error if state.status == "dead" else None
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_LOOK_S)


async def brought(migration: Migration, pet_ids: Sequence[str]) -> AsyncGenerator[Moved | None, None]:
    """Albums brought over, some at a time, as they are done; whoever stops asking hands no more in."""
    waiting: set[asyncio.Task[Moved | None]] = set()
    left = iter(pet_ids)
    try:
        while True:
            while len(waiting) < AT_ONCE and (pet_id := next(left, None)) is not None:
                waiting.add(asyncio.create_task(migration.bring(pet_id)))
            if not waiting:
                return
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def albums_by_lot(versions: AlbumVersions, share: float) -> list[str]:
    """Some share of all albums; a larger share holds the smaller one.

    Raises:
        StoreUnavailableError: the store did not answer.
    """
    known = sorted(await versions.newest(_EVERY), key=_lot)
    return known[: round(share * len(known))]


def moved(pet_id: str, record: AlbumRecord) -> Moved | None:
    """What the last change of model did to an album; None where that is not remembered."""
    if record.former is None or record.state is None:
        return None
    before, after = state_codec.unpack(record.former.state), state_codec.unpack(record.state)
    old, new = _members(before), _members(after)
    owners_before, owners_after = _owners(old), _owners(new)
    both = {photo.image_id for photo in before.photos} & {photo.image_id for photo in after.photos}
    by_members = {members: cluster_id for cluster_id, members in old.items()}
    same = {cluster_id: by_members[members] for cluster_id, members in new.items() if members in by_members}
    known = {said.id for said in after.decisions}
    return Moved(
        pet_id=pet_id,
        from_model=before.model_version,
        to_model=after.model_version,
        photos=len(both),
        moved=sum(owners_before.get(name) != owners_after.get(name) for name in both),
        kept=tuple(sorted(old.keys() & new.keys())),
        founded=tuple(sorted(new.keys() - old.keys())),
        gone=tuple(sorted(old.keys() - new.keys())),
        same=len(same),
        same_kept=sum(one == other for one, other in same.items()),
        lost_names=tuple(sorted({*filter(None, before.names)} - {*filter(None, after.names)})),
        lost_decisions=sum(said.id not in known for said in before.decisions),
    )


def _members(state: AlbumState) -> dict[str, frozenset[str]]:
    """Photos of each animal."""
    subject, photo = state.subject_labels().tolist(), state.columns.photo.tolist()
    found: dict[str, set[str]] = {}
    for k, index in zip(subject, photo, strict=True):
        if k >= 0:
            found.setdefault(state.subject_ids[k], set()).add(state.photos[index].image_id)
    return {cluster_id: frozenset(names) for cluster_id, names in found.items()}


def _owners(members: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Animals on each photo that has any."""
    found: dict[str, set[str]] = {}
    for cluster_id, names in members.items():
        for name in names:
            found.setdefault(name, set()).add(cluster_id)
    return {name: frozenset(ids) for name, ids in found.items()}


def _lot(pet_id: str) -> bytes:
    """An order that has nothing to do with names."""
    return hashlib.sha256(pet_id.encode()).digest()
