"""Embedding with a memory: a photo whose bytes were embedded before is not decoded again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import SplootError, TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.embedding import EmbeddingService, PhotoFailure, PhotoInput
from sploot_media_clustering.services.ports import EmbeddingStore, PhotoSource

_BLOCK: Final = 24
"""Photos read, looked up, embedded and stored together: what an interruption costs at most."""

_READERS: Final = 4
"""Threads that read: a remote store answers slowly, a disk does not mind."""


@runtime_checkable
class Located(Protocol):
    """A photo's name and place."""

    @property
    def image_id(self) -> str:
        """Unique inside an album."""
        ...

    @property
    def uri(self) -> str:
        """Where its bytes are."""
        ...


@dataclass(frozen=True, slots=True)
class _Read:
    """One photo's bytes, or why they can't be had."""

    image_id: str
    data: bytes
    key: str
    error: SplootError | None = None


class CachedEmbedding:
    """Photos to embeddings, in order, through a store that outlives the process.

    Args:
        source: where bytes come from.
        store: of embeddings.
        service: that embeds what the store has not.
    """

    def __init__(self, source: PhotoSource, store: EmbeddingStore, service: EmbeddingService) -> None:
        self._source = source
        self._store = store
        self._service = service

    def embed(self, photos: Sequence[Located]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        """Embed any number of photos; the next block is read while one is embedded.

        Args:
            photos: names and places.

        Yields:
            For each photo, in order, its embedding or the reason why there is none. What was yielded is
            stored.
        """
        blocks = [photos[i : i + _BLOCK] for i in range(0, len(photos), _BLOCK)]
        readers = ThreadPoolExecutor(_READERS, thread_name_prefix="read")
        try:
            ahead: list[Future[_Read]] = (
                [readers.submit(self._read, photo) for photo in blocks[0]] if blocks else []
            )
            for number in range(len(blocks)):
                block = [future.result() for future in ahead]
                if number + 1 < len(blocks):
                    ahead = [readers.submit(self._read, photo) for photo in blocks[number + 1]]
                yield from self._embedded(block)
        finally:
            readers.shutdown(cancel_futures=True)

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        """Embed one photo with the least delay; it is stored when this returns.

        Raises:
            UnreadablePhotoError: one of its branches.
        """
        key = self._key(photo.data)
        (stored,) = self._store.load([key])
        if stored is not None:
            return replace(stored, image_id=photo.image_id)
        fresh = self._service.embed_one(photo)
        self._store.save([(key, fresh)])
        return fresh

    def _key(self, data: bytes) -> str:
        return f"{hashlib.sha256(data).hexdigest()}-{self._service.version}"

    def _read(self, photo: Located) -> _Read:
        try:
            data = self._source.read(photo.uri)
        except (UnreadablePhotoError, TemporaryError) as error:
            return _Read(photo.image_id, b"", self._key(b""), error)
        return _Read(photo.image_id, data, self._key(data))

    def _embedded(self, block: Sequence[_Read]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        keys = [read.key for read in block]
        known = self._store.load(keys)
        missing = [i for i, read in enumerate(block) if known[i] is None and read.error is None]
        fresh = list(self._service.embed(PhotoInput(block[i].image_id, block[i].data) for i in missing))
        self._store.save(
            [
                (keys[i], result)
                for i, result in zip(missing, fresh, strict=True)
                if isinstance(result, PhotoEmbedding)
            ]
        )
        results = dict(zip(missing, fresh, strict=True))
        for i, read in enumerate(block):
            stored = known[i]
            if read.error is not None:
                yield PhotoFailure(read.image_id, read.error)
            elif stored is not None:
                yield replace(stored, image_id=read.image_id)
            else:
                yield results[i]
