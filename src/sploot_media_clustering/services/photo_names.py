"""What photos of folders are called in an album, so that none takes the place of another.

Cameras count from one again on every card: two folders have an ``IMG_0001.jpg`` each, and are two photos.
"""

from __future__ import annotations

import asyncio
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, count
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote

from msgspec import structs

from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.answer import as_image_id
from sploot_media_clustering.services.gallery import Records
from sploot_media_clustering.services.job_ports import JobQueue
from sploot_media_clustering.services.job_request import JobImage
from sploot_media_clustering.services.uri_policy import HTTP_PORTS

Digest: TypeAlias = Callable[[str], bytes | None]
"""SHA-256 of what lies at a URI, where that can be read here and now; called from threads."""

_SIGNATURES: Final = frozenset({"x-amz-signature", "x-goog-signature", "signature", "sig"})
"""Parameters of signed URIs (S3, Google Cloud Storage, CloudFront, Azure), which are others every time."""


class StoredNames:
    """Implements :class:`~sploot_media_clustering.services.desk.PhotoNames` over albums as they are stored.

    Args:
        queue: of jobs, whose photos are about to be in albums.
        pets: that know where photos came from.
        digest: of photos that may have moved.
    """

    def __init__(self, queue: JobQueue, pets: Records, digest: Digest) -> None:
        self._queue = queue
        self._pets = pets
        self._digest = digest

    async def told_apart(self, pet_id: str, images: Sequence[JobImage]) -> tuple[JobImage, ...]:
        """Photos under names that no other photo has, or is about to have.

        Of two calls at once for one album, neither knows what the other hands in.
        """
        coming = await self._queue.coming(pet_id)  # first: a job that ends meanwhile is found in the album
        stored = await self._pets.read(pet_id)
        known = dict(album_record.unpack(stored.record).sources)
        known |= {image.image_id: Source(image.uri, b"") for job in coming for image in job.images}
        return await asyncio.to_thread(told_apart, images, known, self._digest)


def told_apart(
    images: Sequence[JobImage], known: Mapping[str, Source], digest: Digest
) -> tuple[JobImage, ...]:
    """Photos under names that no other photo has.

    A photo that the album has from the same place keeps the name that it has there, and so does one that has
    moved, since its bytes are the same. A new one whose name is taken is prefixed with as little of its
    folder as makes it unique.

    Args:
        images: that come, each with a name of its own; their URIs may be plain paths.
        known: where each photo of the album came from, by name.
        digest: of photos that may have moved.
    """
    places: dict[str, list[str]] = defaultdict(list)
    for name in sorted(known):
        places[_place(known[name].uri)].append(name)
    given: dict[str, JobImage] = {}
    digest = cache(digest)
    for image in images:
        names = chain(places[_place(image.uri)], _names(image))
        free = (name for name in names if name not in given)
        name = next(name for name in free if name not in known or _is_same(image.uri, known[name], digest))
        given[name] = structs.replace(image, image_id=name)
    return tuple(given.values())


def _is_same(uri: str, other: Source, digest: Digest) -> bool:
    if _place(uri) == _place(other.uri):
        return True
    return bool(other.digest) and digest(uri) == other.digest


def _place(uri: str) -> str:
    """What is the same however often a URI is signed."""
    scheme, _, rest = uri.partition("://")
    told = {name.lower() for name, _ in parse_qsl(rest.partition("?")[2])}
    return uri.partition("?")[0] if scheme in HTTP_PORTS and told & _SIGNATURES else uri


def _path(uri: str) -> str:
    _, is_uri, rest = uri.partition("://")
    if not is_uri:
        return uri.lstrip("/")
    return unquote(rest.partition("?")[0].partition("/")[2], errors="surrogateescape")


def _names(image: JobImage) -> Iterator[str]:
    """The photo's own name, then with one folder more each, then numbered."""
    yield image.image_id
    parts = unicodedata.normalize("NFC", as_image_id(_path(image.uri))).split("/")
    for depth in range(image.image_id.count("/") + 2, len(parts) + 1):
        yield "/".join(parts[-depth:])
    stem, ending = posixpath.splitext(image.image_id)
    yield from (f"{stem} ({number}){ending}" for number in count(2))
