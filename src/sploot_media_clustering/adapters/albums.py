"""Photos of folders as albums, each photo with an id that is stable from run to run.

Ids are paths with forward slashes, relative to what was given: a folder, or the part of a glob before its
first wildcard; a file given alone is known by its name. Where two photos of an album would get the same id,
both are prefixed with the name of their folder, then with the folder above it, until they differ. Two albums
of one name are told apart in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.photo_listing import FoundPhoto, find_photos
from sploot_media_clustering.adapters.sources import file_digest
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.job_request import JobImage
from sploot_media_clustering.services.photo_names import told_apart

_NAMELESS_ALBUM: Final = "album"
"""Name of an album that lies in no folder: at the root of a store, or scattered over several stores."""

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class PhotoLocation:
    """Where a photo is, and what it is called.

    Attributes:
        image_id: unique inside its album.
        uri: for :class:`~sploot_media_clustering.adapters.sources.FsspecSource`.
    """

    image_id: str
    uri: str


@dataclass(frozen=True, slots=True)
class PhotoAlbum:
    """Photos that belong together.

    Attributes:
        name: the folder's.
        photos: in the order of their ids, at least one.
    """

    name: str
    photos: tuple[PhotoLocation, ...]


def find_album(places: Sequence[str], file_systems: FileSystems) -> PhotoAlbum:
    """All photos of some places as one album.

    Args:
        places: as for :func:`~sploot_media_clustering.adapters.photo_listing.find_photos`.
        file_systems: which stores may be searched.

    Returns:
        The album, named after the deepest folder that holds all places.

    Raises:
        NoPhotosError: a place holds no photos; the message names it.
        MissingExtraError: the driver of a store is not installed.
        ConfigurationError: a store needs credentials, and there are none.
        SourceUnavailableError: a store did not answer.
    """
    found = find_photos(places, file_systems)
    columns = zip(*(photo.root for photo in found), strict=False)
    shared = tuple(column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns))
    return _album(_folder_name(shared), found)


def find_albums_by_folder(places: Sequence[str], file_systems: FileSystems) -> tuple[PhotoAlbum, ...]:
    """An album for each folder directly below a place, and one for the photos directly inside it.

    Args:
        places: as for :func:`find_album`; ids are relative to the album's folder.
        file_systems: which stores may be searched.

    Returns:
        At least one album, in the order of their names.

    Raises:
        NoPhotosError: as :func:`find_album`; so do the others.
    """
    folders: dict[Parts, list[FoundPhoto]] = {}
    for photo in find_photos(places, file_systems):
        depth = 1 if len(photo.path) > 1 else 0
        folder = photo.root + photo.path[:depth]
        folders.setdefault(folder, []).append(FoundPhoto(photo.uri, folder, photo.path[depth:]))
    names = _distinct([(folder[1:-1], (_folder_name(folder),)) for folder in folders])
    albums = (_album(name, photos) for name, photos in zip(names, folders.values(), strict=True))
    return tuple(sorted(albums, key=lambda album: album.name))


def named_as_before(album: PhotoAlbum, before: Mapping[str, str]) -> PhotoAlbum:
    """The album, each photo called as it was if it lies where it lay, and no other one called so.

    What people say is about photos by these names: one that comes or goes must not rename another.

    Args:
        album: as it is now.
        before: where each photo of it was, by id.
    """
    here = {photo.uri for photo in album.photos}
    known = {image_id: Source(uri, b"") for image_id, uri in before.items() if uri in here}
    images = [JobImage(image_id=photo.image_id, uri=photo.uri) for photo in album.photos]
    named = told_apart(images, known, file_digest)
    return PhotoAlbum(album.name, tuple(sorted(PhotoLocation(part.image_id, part.uri) for part in named)))


def _album(name: str, found: Sequence[FoundPhoto]) -> PhotoAlbum:
    ids = _distinct([(photo.root[1:], photo.path) for photo in found])
    photos = (PhotoLocation(image_id, photo.uri) for image_id, photo in zip(ids, found, strict=True))
    return PhotoAlbum(name, tuple(sorted(photos)))


def _folder_name(folder: Parts) -> str:
    """The last part; the first one is the store's protocol and no folder."""
    return folder[-1] if len(folder) > 1 else _NAMELESS_ALBUM


def _distinct(places: Sequence[tuple[Parts, Parts]]) -> list[str]:
    """A name for each (folder, path): the path, prefixed with as little of its folder as makes it unique.

    Equal places (one URI with two queries) are numbered in order.
    """
    different = list(dict.fromkeys(places))
    names = dict(zip(different, _prefixed(different), strict=True))
    return _numbered([names[place] for place in places])


def _prefixed(places: Sequence[tuple[Parts, Parts]]) -> list[str]:
    depths = [0] * len(places)
    while True:
        names = [
            "/".join((*folder[len(folder) - depth :], *path))
            for (folder, path), depth in zip(places, depths, strict=True)
        ]
        count = Counter(names)
        longer = [i for i, name in enumerate(names) if count[name] > 1 and depths[i] < len(places[i][0])]
        if not longer:
            return names
        for i in longer:
            depths[i] += 1


def _numbered(names: Sequence[str]) -> list[str]:
    others = set(names)
    numbered: dict[str, None] = {}
    for name in names:
        unique, number = name, 1
        while unique in numbered or (number > 1 and unique in others):
            number += 1
            unique = f"{name} ({number})"
        numbered[unique] = None
    return list(numbered)
