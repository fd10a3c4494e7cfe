"""Photos of many albums embedded before any album is brought to another model, by the stages of a worker.

What is kept then is found as each album is carried over (:mod:`.carrying`), which touches no photo any more.
How the work is spread over processes and machines is the business of whoever runs :class:`Stages`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import TemporaryError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord, Source
from sploot_media_clustering.services.answer import FailedImage, failed_image
from sploot_media_clustering.services.gallery import AlbumVersions
from sploot_media_clustering.services.job_ports import PetEmbeddings, PetStore
from sploot_media_clustering.services.migrating import albums_by_lot
from sploot_media_clustering.services.preparing import Preparer

TOGETHER: Final = 64
"""Photos that go through the stages together: some of the networks' batches, and soon done."""


class PhotoAhead(msgspec.Struct, frozen=True):
    """A photo that an album holds.

    Attributes:
        pet_id: the album.
        image_id: of the photo.
        source: where it came from.
    """

    pet_id: str
    image_id: str
    source: Source


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a photo.

    Attributes:
        pet_id: the album.
        image_id: of the photo.
        outcome: it was embedded, had been before, or could not be.
        error: why it could not be.
    """

    pet_id: str
    image_id: str
    outcome: Literal["embedded", "kept", "failed"]
    error: str | None = None


Stages: TypeAlias = Callable[[Sequence[PhotoAhead]], list[Outcome]]
"""Embeds some photos and keeps what came of it; in one process."""

OpenStages: TypeAlias = Callable[[], AbstractContextManager[Stages]]
"""Opens them; it can be sent to another process."""

Spread: TypeAlias = Callable[[Sequence[PhotoAhead]], Iterator[Outcome]]
"""Has photos go through the stages somewhere; outcomes come in any order."""


class Noted:
    """Embeddings of albums, and which of them are new; implements :class:`~.job_ports.PetEmbeddings`.

    Args:
        kept: where they are kept.
    """

    def __init__(self, kept: PetEmbeddings) -> None:
        self._kept = kept
        self.saved: set[tuple[str, str]] = set()

    def load(self, pet_id: str, image_id: str, key: str) -> PhotoEmbedding | None:
        """What was kept of a photo under a key, or None."""
        return self._kept.load(pet_id, image_id, key)

    def save(self, pet_id: str, image_id: str, key: str, embedding: PhotoEmbedding) -> None:
        """Keep an embedding, and note that."""
        self._kept.save(pet_id, image_id, key, embedding)
        self.saved.add((pet_id, image_id))

    def erase(self, pet_id: str, image_ids: Collection[str] | None = None) -> None:
        """Delete those of some photos, or of the album."""
        self._kept.erase(pet_id, image_ids)


async def embedded(preparer: Preparer, noted: Noted, photos: Sequence[PhotoAhead]) -> list[Outcome]:
    """Have photos go through the stages, each failing alone.

    Args:
        preparer: the stages: fetched, embedded, kept; what is kept already is left as it is.
        noted: embeddings that the preparer keeps.
        photos: of any albums.
    """
    noted.saved.clear()
    return list(await asyncio.gather(*(_embedded(preparer, noted, photo) for photo in photos)))


async def _embedded(preparer: Preparer, noted: Noted, photo: PhotoAhead) -> Outcome:
    try:
        found = await preparer.prepare_again(photo.pet_id, {photo.image_id: photo.source})
        seen = found[photo.image_id]
    except TemporaryError as error:
        seen = failed_image(photo.image_id, error)
    if isinstance(seen, FailedImage):
        return Outcome(pet_id=photo.pet_id, image_id=photo.image_id, outcome="failed", error=seen.message)
    is_new = (photo.pet_id, photo.image_id) in noted.saved
    return Outcome(pet_id=photo.pet_id, image_id=photo.image_id, outcome="embedded" if is_new else "kept")


@contextmanager
def here(open_stages: OpenStages) -> Iterator[Spread]:
    """All photos through the stages of this process, one portion after the other."""
    with open_stages() as stages:

        def spread(photos: Sequence[PhotoAhead]) -> Iterator[Outcome]:
            for start in range(0, len(photos), TOGETHER):
                yield from stages(photos[start : start + TOGETHER])

        yield spread


@dataclass(frozen=True, slots=True)
class AlbumsAhead:
    """Albums that a model does not have yet.

    Attributes:
        pets: albums as they are stored.
        versions: which albums there are.
        model_version: of that model.
    """

    pets: PetStore
    versions: AlbumVersions
    model_version: str

    async def albums(self, share: float = 1.0) -> list[str]:
        """Some share of all albums, the same that are brought over by such a share.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        return await albums_by_lot(self.versions, share)

    async def photos(self, pet_ids: Sequence[str]) -> list[PhotoAhead]:
        """What these albums hold, of other models than this one.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        records = [await self._record(pet_id) for pet_id in pet_ids]
        return [
            PhotoAhead(pet_id, image_id, source)
            for pet_id, record in zip(pet_ids, records, strict=True)
            if record.state is not None and record.model_version != self.model_version
            for image_id, source in record.sources.items()
        ]

    async def gone(self, photos: Sequence[PhotoAhead]) -> list[PhotoAhead]:
        """Those that their albums hold no longer, so that nothing of them may be kept.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        held = {
            pet_id: (await self._record(pet_id)).sources.keys()
            for pet_id in {photo.pet_id for photo in photos}
        }
        return [photo for photo in photos if photo.image_id not in held[photo.pet_id]]

    async def _record(self, pet_id: str) -> AlbumRecord:
        return album_record.unpack((await self.pets.read(pet_id)).record)
