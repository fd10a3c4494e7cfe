"""Albums carried over to the model that runs: photos seen again, ids, names and decisions living on.

Vectors of two models never meet. An album of another model is therefore brought over whole, before anything
else happens to it: from embeddings that are kept where only heads changed, else from its photos.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from msgspec import structs

from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import StateError
from sploot_media_clustering.services import state_codec
from sploot_media_clustering.services.album_record import AlbumRecord, Failed, Former
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.applying import Prepared, ReadyPhoto, is_past, last_deletion
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.desk import Invalidate
from sploot_media_clustering.services.jobs import ChangeJob
from sploot_media_clustering.services.preparing import Preparer

_log = logging.getLogger(__name__)

MOST_LOST: Final = 0.1
"""Share of an album's photos that may be out of reach (one photo always may). More of them are a wrong
setting or a store that was moved, and no reason to empty an album."""


class Carrier:
    """Carries albums over.

    Args:
        clustering: of the model that runs.
        preparer: with the networks of that model.
    """

    def __init__(self, clustering: ClusteringService, preparer: Preparer) -> None:
        self._clustering = clustering
        self._preparer = preparer

    async def carried(self, record: AlbumRecord, jobs: Sequence[Prepared], pet_id: str) -> AlbumRecord:
        """The album under the model that runs; as it is, where it is of that model, or jobs delete it.

        One of that model is made again as well where a job asks for that.

        Photos that can't be seen again are among the failed ones, and come back with a model that can.

        Raises:
            StateError: too many photos can't be seen again; nothing was changed.
            TemporaryError: some can't be for the moment.
        """
        stays = not _asks_to_rebuild(jobs)
        if record.state is None or (stays and record.model_version == self._clustering.model.version):
            return record
        deletion = last_deletion(jobs)
        if deletion is not None and all(is_past(deletion, at) for at in record.images.values()):
            return record
        state = await asyncio.to_thread(state_codec.unpack, record.state)
        if stays and state.model_version == self._clustering.model.version:
            return record  # of an older release, which did not note its model
        former = record.former if stays else None
        if former is not None and former.model_version == self._clustering.model.version:
            brought = await self._taken_back(record, state, former, pet_id)
        else:
            brought = await self._seen_again(record, state, pet_id)
        _log.info("album %s: from model %s to %s", pet_id, state.model_version, brought.model_version)
        return brought

    async def _seen_again(self, record: AlbumRecord, before: AlbumState, pet_id: str) -> AlbumRecord:
        """The album made anew from its photos."""
        seen = dict(await self._preparer.prepare_again(pet_id, record.sources))
        for photo in before.photos:
            seen.setdefault(photo.image_id, _of_nowhere(photo.image_id))
        self._require_most(seen, pet_id)
        embeddings = [part.embedding for part in seen.values() if isinstance(part, ReadyPhoto)]
        state = await asyncio.to_thread(self._clustering.updated, before, embeddings)
        return _brought(record, before, state, seen)

    async def _taken_back(
        self, record: AlbumRecord, now: AlbumState, former: Former, pet_id: str
    ) -> AlbumRecord:
        """The album as this model left it, and what came since."""
        came = {
            name: record.sources[name]
            for name in sorted(record.sources, key=lambda name: (record.images[name], name))
            if record.images[name] != former.images.get(name)
        }
        seen = await self._preparer.prepare_again(pet_id, came)
        return await asyncio.to_thread(self._caught_up, record, now, former, seen)

    def _caught_up(
        self,
        record: AlbumRecord,
        now: AlbumState,
        former: Former,
        seen: Mapping[str, ReadyPhoto | FailedImage],
    ) -> AlbumRecord:
        was = state_codec.unpack(former.state)
        state = replace(was, decisions=now.decisions, expected_animals=now.expected_animals)
        for part in seen.values():
            if isinstance(part, ReadyPhoto):
                state, _ = self._clustering.add(state, part.embedding)
        said = (was.decisions, was.expected_animals) != (state.decisions, state.expected_animals)
        if seen or said:
            state = self._clustering.settle(state)
        return _brought(record, now, state, seen)

    def _require_most(self, seen: Mapping[str, ReadyPhoto | FailedImage], pet_id: str) -> None:
        lost = [part for part in seen.values() if isinstance(part, FailedImage)]
        if lost and len(lost) > min(max(1, int(MOST_LOST * len(seen))), len(seen) - 1):
            raise StateError(
                f"the album {pet_id} can't be brought to model {self._clustering.model.version}: "
                f"{len(lost)} of its {len(seen)} photos can't be seen again, the first: {lost[0].message}; "
                "make them readable and requeue this job, or send the photos in a new job"
            )


def _brought(
    record: AlbumRecord,
    before: AlbumState,
    state: AlbumState,
    seen: Mapping[str, ReadyPhoto | FailedImage],
) -> AlbumRecord:
    """The record under another state; where that is of another model, the one before is kept beside it."""
    ready = {name: part for name, part in seen.items() if isinstance(part, ReadyPhoto)}
    lost = {
        name: Failed(record.images[name], part)
        for name, part in seen.items()
        if isinstance(part, FailedImage)
    }
    back = {photo.image_id for photo in state.photos} - {photo.image_id for photo in before.photos}
    failed = {name: part for name, part in record.failed.items() if name not in back}
    changes = state.model_version != before.model_version
    return structs.replace(
        record,
        state=state_codec.pack(state),
        model_version=state.model_version,
        sources=record.sources | {name: part.source for name, part in ready.items()},
        failed=lost | failed,
        former=Former(before.model_version, record.state or b"", record.images) if changes else record.former,
    )


def _asks_to_rebuild(jobs: Sequence[Prepared]) -> bool:
    changes = [part.job.change for part in jobs if isinstance(part.job, ChangeJob)]
    return any(isinstance(change, Invalidate) and change.rebuild for change in changes)


def _of_nowhere(image_id: str) -> FailedImage:
    return FailedImage(
        image_id=image_id,
        error=StateError.__name__,
        message=f"where {image_id} came from is not known; send it in a new job",
    )
