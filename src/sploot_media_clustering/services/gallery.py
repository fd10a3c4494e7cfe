"""Albums to look at on this machine: which there are, what stands for each, and photos made small."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final, Protocol, TypeAlias, runtime_checkable

import msgspec

from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.answer import Answer, Cluster, Hero
from sploot_media_clustering.services.desk import Albums
from sploot_media_clustering.services.job_ports import StoredAlbum
from sploot_media_clustering.services.shapes import BoxFractions

MOST_ALBUMS: Final = 60
"""Shown; those that changed last."""
_THUMBNAILS_KEPT: Final = 400
"""Some 10 MB of pictures of 320 pixels."""
_AT_A_TIME: Final = 2
"""Photos that are decoded; the worker beside us needs the processor more."""

Shrink: TypeAlias = Callable[[str, int], bytes]
"""A photo's URI and the longest side in pixels to a small picture in WebP; called from threads.

Raises UnreadablePhotoError or a TemporaryError where there is no such picture.
"""


@runtime_checkable
class AlbumVersions(Protocol):
    """Which albums there are."""

    async def newest(self, count: int) -> dict[str, int]:
        """Versions by album of those that changed last, deleted ones among them.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        ...


@runtime_checkable
class Records(Protocol):
    """Albums as they are stored; a :class:`~sploot_media_clustering.services.job_ports.PetStore` is one."""

    async def read(self, pet_id: str, job_ids: Collection[str] = ()) -> StoredAlbum:
        """The album at one moment."""
        ...


@runtime_checkable
class PhotoSources(Protocol):
    """Where photos came from."""

    async def source(self, pet_id: str, image_id: str) -> Source | None:
        """Where a photo came from; None where the album has no such photo."""
        ...


class StoredSources:
    """Implements :class:`PhotoSources` over albums as they are stored.

    Args:
        pets: that know where photos came from.
    """

    def __init__(self, pets: Records) -> None:
        self._pets = pets

    async def source(self, pet_id: str, image_id: str) -> Source | None:
        """Where a photo came from; None where the album has no such photo."""
        stored = await self._pets.read(pet_id)
        return album_record.unpack(stored.record).sources.get(image_id)


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """What stands for an album.

    Attributes:
        image_id: of a hero.
        box: the animal in it, which a crop should keep in view.
    """

    image_id: str
    box: BoxFractions


class ListedAlbum(msgspec.Struct, frozen=True, kw_only=True):
    """An album in a list.

    Attributes:
        pet_id: the album.
        version: grows with every change of the album.
        updated_at: when it last changed.
        photos: in it.
        animals: in it.
        cover: the first hero of its largest subject; None where there is none.
    """

    pet_id: str
    version: int
    updated_at: datetime
    photos: int
    animals: int
    cover: Cover | None


class Gallery:
    """Albums to look at.

    Args:
        versions: of all albums.
        albums: their answers.
        sources: of their photos.
        shrink: makes a photo small.
    """

    def __init__(
        self, versions: AlbumVersions, albums: Albums, sources: PhotoSources, shrink: Shrink
    ) -> None:
        self._versions = versions
        self._albums = albums
        self._sources = sources
        self._shrink = shrink
        self._listed: dict[str, tuple[int, ListedAlbum | None]] = {}
        self._small: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()
        self._hands = asyncio.Semaphore(_AT_A_TIME)

    async def albums(self) -> tuple[ListedAlbum, ...]:
        """Those that changed last, by name."""
        newest = await self._versions.newest(MOST_ALBUMS)
        self._listed = {pet: part for pet, part in self._listed.items() if pet in newest}
        for pet, version in newest.items():
            if self._listed.get(pet, (0, None))[0] != version:
                answer = await self._albums.answer(pet)
                self._listed[pet] = (version, None if answer is None else _listed(answer))
        return tuple(part for _, (_, part) in sorted(self._listed.items()) if part is not None)

    async def source(self, pet_id: str, image_id: str) -> Source:
        """Where a photo came from.

        Raises:
            UnknownError: the album has no such photo.
        """
        source = await self._sources.source(pet_id, image_id)
        if source is None:
            raise UnknownError("the album has no such photo")
        return source

    async def thumbnail(self, source: Source, side_px: int) -> bytes:
        """A photo as WebP, at most so long on its longest side.

        Raises:
            UnreadablePhotoError: it can't be read, or may not be.
            TemporaryError: it can't be for the moment.
        """
        key = (source.digest, side_px)
        if key not in self._small:
            async with self._hands:
                self._small[key] = await asyncio.to_thread(self._shrink, source.uri, side_px)
            if len(self._small) > _THUMBNAILS_KEPT:
                self._small.popitem(last=False)
        self._small.move_to_end(key)
        return self._small[key]


def _listed(answer: Answer) -> ListedAlbum:
    subjects = [part for part in answer.clusters if part.level == "subject"]
    hero = next(filter(None, map(_first_hero, subjects)), None)
    return ListedAlbum(
        pet_id=answer.pet_id,
        version=answer.version,
        updated_at=answer.updated_at,
        photos=len(answer.images),
        animals=len(subjects),
        cover=None if hero is None else Cover(image_id=hero.image_id, box=hero.box),
    )


def _first_hero(part: Cluster) -> Hero | None:
    return part.heroes[0] if part.heroes else None
