"""Photos of many jobs in one batch: what waits while the networks are busy goes through them together next.

Nothing waits on purpose: on an idle worker a photo is embedded at once, alone, and with the least delay.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import SplootError, TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput

BATCH: Final = 16
_WAITING: Final = 64
"""Photos that wait with their bytes; whoever brings more has to wait himself."""


@runtime_checkable
class PhotoEmbedder(Protocol):
    """Photos to embeddings; :class:`~sploot_media_clustering.services.embedding.EmbeddingService` is one."""

    @property
    def version(self) -> str:
        """Of the networks."""
        ...

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        """Embed photos, in their order; one that can't be read yields its failure."""
        ...

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        """Embed one photo with the least delay.

        Raises:
            UnreadablePhotoError: it can't be read.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    photo: PhotoInput
    result: asyncio.Future[PhotoEmbedding | PhotoFailure]


class Batcher:
    """One queue in front of the networks.

    Args:
        embedder: used by one thread at a time.
        batch: photos that go through together, at most.
    """

    def __init__(self, embedder: PhotoEmbedder, *, batch: int = BATCH) -> None:
        self._embedder = embedder
        self._batch = batch
        self._queue: asyncio.Queue[_Wish] = asyncio.Queue(_WAITING)

    @property
    def version(self) -> str:
        """Of the networks."""
        return self._embedder.version

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The queue is served; at the end, whoever still waits is told so."""
        server = asyncio.create_task(self._serve(), name="batcher")
        try:
            yield
        finally:
            server.cancel()
            await asyncio.wait([server])
            while not self._queue.empty():
                _tell_all([self._queue.get_nowait()], TemporaryError("embedding has ended"))

    async def embed(self, photo: PhotoInput) -> PhotoEmbedding | PhotoFailure:
        """The embedding of a photo, or why it can't be read."""
        wish = _Wish(photo, asyncio.get_running_loop().create_future())
        await self._queue.put(wish)
        return await wish.result

    async def _serve(self) -> None:
        while True:
            wishes = [await self._queue.get()]
            while len(wishes) < self._batch and not self._queue.empty():
                wishes.append(self._queue.get_nowait())
            wanted = [wish for wish in wishes if not wish.result.done()]
            try:
                await self._fulfil(wanted)
            finally:
                _tell_all(wanted, TemporaryError("embedding was interrupted"))

    async def _fulfil(self, wishes: Sequence[_Wish]) -> None:
        """Each wish by itself where the batch fails: a photo that breaks it harms no other."""
        try:
            results = await asyncio.to_thread(self._embedded, [wish.photo for wish in wishes])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those who wait
            if len(wishes) > 1:
                for wish in wishes:
                    await self._fulfil([wish])
            else:
                _tell_all(wishes, error)
            return
        for wish, result in zip(wishes, results, strict=True):
            if not wish.result.done():
                wish.result.set_result(result)

    def _embedded(self, photos: Sequence[PhotoInput]) -> list[PhotoEmbedding | PhotoFailure]:
        if len(photos) != 1:
            return list(self._embedder.embed(photos))
        try:
            return [self._embedder.embed_one(photos[0])]
        except UnreadablePhotoError as error:
            return [PhotoFailure(photos[0].image_id, error)]


def _tell_all(wishes: Iterable[_Wish], error: Exception | SplootError) -> None:
    for wish in wishes:
        if not wish.result.done():
            wish.result.set_exception(error)
