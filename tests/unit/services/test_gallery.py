"""Albums to look at: read once for each version, and thumbnails made once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from memory_desk import MemoryAlbums
from msgspec.structs import replace
from sample_answers import household

from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services import album_record, gallery
from sploot_media_clustering.services.album_record import AlbumRecord, Source
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.gallery import Gallery, StoredSources
from sploot_media_clustering.services.job_ports import StoredAlbum

SOURCE = Source("file:///photos/1.jpg", b"digest")


@dataclass
class CountedAlbums(MemoryAlbums):
    asked: list[str] = field(default_factory=list)

    async def answer(self, pet_id: str) -> Answer | None:
        self.asked.append(pet_id)
        return await super().answer(pet_id)


@dataclass
class Store:
    versions: dict[str, int] = field(default_factory=dict)
    made: list[tuple[str, int]] = field(default_factory=list)

    async def newest(self, count: int) -> dict[str, int]:
        return dict(list(self.versions.items())[:count])

    async def read(self, pet_id: str, job_ids: object = ()) -> StoredAlbum:
        sources = {"1.jpg": SOURCE} if pet_id == "milo" and not job_ids else {}
        return StoredAlbum(
            version=1,
            record=album_record.pack(AlbumRecord(sources=sources)),
            now_ms=0,
            done={},
            dead=frozenset(),
        )

    def shrink(self, uri: str, side_px: int) -> bytes:
        self.made.append((uri, side_px))
        return f"{uri} {side_px}".encode()


@pytest.fixture
def albums() -> CountedAlbums:
    return CountedAlbums({name: replace(household(), pet_id=name) for name in ("milo", "ada")})


@pytest.fixture
def store() -> Store:
    return Store({"milo": 1, "ada": 1})


def test_an_album_is_read_again_only_when_it_has_changed(albums: CountedAlbums, store: Store) -> None:
    """A page that asks every other second costs next to nothing."""

    async def steps() -> None:
        shown = Gallery(store, albums, StoredSources(store), store.shrink)
        assert [part.pet_id for part in await shown.albums()] == ["ada", "milo"]
        await shown.albums()
        assert albums.asked == ["milo", "ada"]
        store.versions["ada"] = 2
        await shown.albums()
        assert albums.asked == ["milo", "ada", "ada"]

    asyncio.run(steps())


def test_a_deleted_album_is_gone_and_may_come_back(albums: CountedAlbums, store: Store) -> None:
    """Its versions are still there, its answer is not."""

    async def steps() -> None:
        shown = Gallery(store, albums, StoredSources(store), store.shrink)
        kept = albums.answers.pop("milo")
        assert [part.pet_id for part in await shown.albums()] == ["ada"]
        albums.answers["milo"] = kept
        store.versions["milo"] = 2
        assert [part.pet_id for part in await shown.albums()] == ["ada", "milo"]

    asyncio.run(steps())


def test_a_thumbnail_is_made_once_for_each_side(
    albums: CountedAlbums, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as there is room; the one that was asked for longest ago goes first."""
    monkeypatch.setattr(gallery, "_THUMBNAILS_KEPT", 2)

    async def steps() -> None:
        shown = Gallery(store, albums, StoredSources(store), store.shrink)
        source = await shown.source("milo", "1.jpg")
        for side_px in (320, 960, 320, 100, 320, 960):
            assert await shown.thumbnail(source, side_px) == f"{SOURCE.uri} {side_px}".encode()
        assert [side_px for _, side_px in store.made] == [320, 960, 100, 960]
        with pytest.raises(UnknownError):
            await shown.source("milo", "2.jpg")

    asyncio.run(steps())
