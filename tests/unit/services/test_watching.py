"""Albums of the service, as drift sees them: those of the model at hand, and the photos of late."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fake_heads import Album, service_of
from strategies_album import album

from sploot_media_clustering.services import album_record, state_codec
from sploot_media_clustering.services.album_record import AlbumRecord, Failed
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.drift import DriftReport
from sploot_media_clustering.services.job_ports import StoredAlbum
from sploot_media_clustering.services.jobs import Position
from sploot_media_clustering.services.watching import Watch, Watched

PHOTOS = Album(album(1, 10, 1))
SERVICE = service_of(PHOTOS)
STATE = state_codec.pack(SERVICE.updated(SERVICE.empty(), PHOTOS.embeddings(list(PHOTOS.photos))))


def record(model: str = "test-1", failed: Mapping[str, Failed] | None = None) -> AlbumRecord:
    """Ten photos, handed in a second after another."""
    images = {name: Position(1000 * number, 0) for number, name in enumerate(PHOTOS.photos)}
    return AlbumRecord(
        state=STATE, model_version=model, images=images, failed=dict(failed or {}), version=9000
    )


@dataclass
class Store:
    """The ports that are asked."""

    records: dict[str, AlbumRecord]

    async def newest(self, count: int) -> dict[str, int]:
        return dict.fromkeys(list(self.records)[:count], 1)

    async def read(self, pet_id: str, job_ids: object = ()) -> StoredAlbum:
        assert not job_ids
        packed = album_record.pack(self.records[pet_id])
        return StoredAlbum(version=1, record=packed, now_ms=0, done={}, dead=frozenset())

    async def keep(self, report: DriftReport) -> None:
        raise NotImplementedError

    async def last(self) -> DriftReport | None:
        raise NotImplementedError


def seen(store: Store, most: int = 100, since_s: float | None = None) -> list[Watched]:
    watch = Watch(store, store, SERVICE, store)
    since = None if since_s is None else datetime.fromtimestamp(since_s, UTC)

    async def all_of_them() -> list[Watched]:
        return [found async for found in watch.albums(most, since)]

    return asyncio.run(all_of_them())


def test_albums_of_other_models_and_empty_ones_are_not_looked_at() -> None:
    """The former are told, the latter are not."""
    store = Store({"milo": record(), "old": record("test-0"), "gone": AlbumRecord()})
    milo, old = seen(store)
    assert milo.view is not None
    assert milo.view.photos == 10
    assert (old.model_version, old.view) == ("test-0", None)
    assert len(seen(store, most=1)) == 1


def test_only_photos_of_late_are_looked_at() -> None:
    """And those that failed of late; an album without any is left out."""
    image = FailedImage(image_id="x", error="NotAnImageError", message="none")
    failed = {name: Failed(Position(at_ms, 0), image) for name, at_ms in (("x", 8500), ("y", 500))}
    store = Store({"milo": record(failed=failed)})
    (found,) = seen(store, since_s=7.0)
    assert found.view is not None
    assert found.view.photos == 3
    assert found.view.figures["unreadable photos"] == 0.25
    assert seen(store, since_s=60.0) == []
