"""Albums of the service, as drift sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from sploot_media_clustering.services import album_record, state_codec
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.drift import AlbumView, DriftReport, view
from sploot_media_clustering.services.gallery import AlbumVersions, Records

_HEROES: Final = 1


@runtime_checkable
class Reports(Protocol):
    """Where all processes of the service find what the last look came to."""

    async def keep(self, report: DriftReport) -> None:
        """Keep a report in place of the last one.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        ...

    async def last(self) -> DriftReport | None:
        """The last report."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """An album of the service that was looked at.

    Attributes:
        model_version: that it is of.
        view: None where it is of another model.
    """

    model_version: str
    view: AlbumView | None


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at albums of the service.

    Attributes:
        versions: which albums there are.
        records: albums as they are stored.
        clustering: of the model whose albums are looked at.
        reports: of such looks.
    """

    versions: AlbumVersions
    records: Records
    clustering: ClusteringService
    reports: Reports

    async def albums(self, most: int, since: datetime | None = None) -> AsyncIterator[Watched]:
        """Those that changed last and hold photos.

        Args:
            most: albums that are read.
            since: only photos that were handed in then or later, and albums with such photos.

        Yields:
            One album after the other.

        Raises:
            StoreUnavailableError: the store did not answer.
            StateError: a record is damaged.
        """
        since_ms = 0 if since is None else int(since.timestamp() * 1000)
        for pet_id in await self.versions.newest(most):
            stored = await self.records.read(pet_id)
            found = await asyncio.to_thread(
                self._watched, pet_id, album_record.unpack(stored.record), since_ms
            )
            if found is not None:
                yield found

    def _watched(self, pet_id: str, record: AlbumRecord, since_ms: int) -> Watched | None:
        images = {image_id for image_id, position in record.images.items() if position.ms >= since_ms}
        if record.state is None or not images:
            return None
        if record.model_version != self.clustering.model.version:
            return Watched(record.model_version, None)
        state = state_codec.unpack(record.state)
        photos = [photo for photo in state.photos if photo.image_id in images]
        if not photos:
            return None
        failed = tuple(part.image for name, part in record.failed.items() if part.position.ms >= since_ms)
        at = datetime.fromtimestamp(record.version / 1000).astimezone()
        request = Request(pet_id=pet_id, at=at, top=_HEROES, version=record.version, failed=failed)
        return Watched(record.model_version, view(state, self.clustering.answer(state, request), photos))
