"""Embedding with a memory: a photo whose bytes were embedded before is not decoded again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import SplootError, TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.embedding import EmbeddingService, PhotoFailure, PhotoInput
from sploot_media_clustering.services.ports import EmbeddingStore, PhotoSource
from sploot_media_clustering.services.read_ahead import AheadLimits, read_ahead

_BLOCK: Final = 24
"""Photos looked up, embedded and stored together: what an interruption costs at most."""

_BLOCK_BYTES: Final = 128 * 2**20
"""Of files: a block ends earlier with it, and reading ahead pauses. 24 photos of phones have less."""

_AHEAD: Final = AheadLimits(readers=4, items=_BLOCK, size_bytes=_BLOCK_BYTES)
"""Four threads: a remote store answers slowly, a disk does not mind."""


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

    @property
    def size_bytes(self) -> int:
        return len(self.data)


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
        """Embed any number of photos; the next ones are read while some are embedded.

        Args:
            photos: names and places.

        Yields:
            For each photo, in order, its embedding or the reason why there is none. What was yielded is
            stored.
        """
        with closing(read_ahead(self._read, photos, _AHEAD)) as reads:
            for block in _blocks(reads):
                yield from self._embedded(block)

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


def _blocks(reads: Iterable[_Read]) -> Iterator[list[_Read]]:
    block: list[_Read] = []
    for read in reads:
        block.append(read)
        if len(block) == _BLOCK or sum(one.size_bytes for one in block) >= _BLOCK_BYTES:
            yield block
            block = []
    if block:
        yield block
