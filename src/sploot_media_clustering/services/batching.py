"""Many requests in one batch: what waits while the networks are busy goes through them together next.

On an idle machine nothing waits on purpose: a lone request is answered at once, with the least delay.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import SplootError, TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.ports import EmbeddedViews, Embedder

BATCH: Final = 16
_PHOTO_BATCHES: Final = 2
"""One is decoded while the other one is in the networks."""
_WAITING: Final = 64
"""Items that wait, photos with their bytes; whoever brings more has to wait himself."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class _Wish(Generic[T, R]):
    item: T
    result: asyncio.Future[R]


class Batching(Generic[T, R]):
    """One queue in front of what takes batches.

    Args:
        run: items to their results, in order; called in a thread.
        batch: items that go through together, at most.
        at_once: batches that are run beside each other, at most.
        delay_s: after a batch of several, how long the next one may wait to become as large: those who were
            answered together ask again together. A lone item never waits, nor does one that finds the
            networks idle for longer than this.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], Sequence[R]],
        *,
        batch: int = BATCH,
        at_once: int = 1,
        delay_s: float = 0.0,
    ) -> None:
        self._run = run
        self._batch = batch
        self._at_once = at_once
        self._delay_s = delay_s
        self._queue: asyncio.Queue[_Wish[T, R]] = asyncio.Queue(_WAITING)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The queue is served; at the end, whoever still waits is told so."""
        servers = [
            asyncio.create_task(self._serve(), name=f"batcher-{number}") for number in range(self._at_once)
        ]
        try:
            yield
        finally:
            for server in servers:
                server.cancel()
            await asyncio.wait(servers)
            while not self._queue.empty():
                _tell_all([self._queue.get_nowait()], TemporaryError("embedding has ended"))

    async def ask(self, item: T) -> R:
        """The result of an item, or its error; cancelled while it waits, it is not computed."""
        wish: _Wish[T, R] = _Wish(item, asyncio.get_running_loop().create_future())
        await self._queue.put(wish)
        return await wish.result

    async def _serve(self) -> None:
        before, ended_s = 0, -math.inf
        while True:
            wishes = [await self._queue.get()]
            try:
                await self._fill(wishes, enough=before, until_s=ended_s + self._delay_s)
                wanted = [wish for wish in wishes if not wish.result.done()]
                if wanted:
                    await self._fulfil(wanted)
            finally:
                _tell_all(wishes, TemporaryError("embedding was interrupted"))
            before, ended_s = len(wanted), asyncio.get_running_loop().time()

    async def _fill(self, wishes: list[_Wish[T, R]], *, enough: int, until_s: float) -> None:
        """All that wait; where that is not enough, what comes until a moment."""
        while len(wishes) < self._batch:
            if self._queue.empty() and len(wishes) >= enough:
                return
            try:
                async with asyncio.timeout_at(until_s if self._queue.empty() else None):
                    wishes.append(await self._queue.get())
            except TimeoutError:
                return

    async def _fulfil(self, wishes: Sequence[_Wish[T, R]]) -> None:
        """Each wish by itself where the batch fails: an item that breaks it harms no other."""
        try:
            results = await asyncio.to_thread(self._run, [wish.item for wish in wishes])
            told = list(zip(wishes, results, strict=True))
        except TemporaryError as error:  # no item's fault, so there is nothing to be won one by one
            _tell_all(wishes, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those who wait
            if len(wishes) > 1:
                for wish in wishes:
                    await self._fulfil([wish])
            else:
                _tell_all(wishes, error)
        else:
            for wish, result in told:
                if not wish.result.done():
                    wish.result.set_result(result)


def _tell_all(wishes: Iterable[_Wish[T, R]], error: Exception | SplootError) -> None:
    for wish in wishes:
        if not wish.result.done():
            wish.result.set_exception(error)


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


class Batcher(Batching[PhotoInput, PhotoEmbedding | PhotoFailure]):
    """Photos of many jobs in one batch.

    Args:
        embedder: used by several threads.
        batch: photos that go through together, at most.
    """

    def __init__(self, embedder: PhotoEmbedder, *, batch: int = BATCH) -> None:
        super().__init__(self._embedded, batch=batch, at_once=_PHOTO_BATCHES)
        self._embedder = embedder

    @property
    def version(self) -> str:
        """Of the networks."""
        return self._embedder.version

    async def embed(self, photo: PhotoInput) -> PhotoEmbedding | PhotoFailure:
        """The embedding of a photo, or why it can't be read."""
        return await self.ask(photo)

    def _embedded(self, photos: Sequence[PhotoInput]) -> list[PhotoEmbedding | PhotoFailure]:
        if len(photos) != 1:
            return list(self._embedder.embed(photos))
        try:
            return [self._embedder.embed_one(photos[0])]
        except UnreadablePhotoError as error:
            return [PhotoFailure(photos[0].image_id, error)]


class ViewBatcher(Batching[UInt8[np.ndarray, "s s 3"], EmbeddedViews]):
    """Views of many callers in one batch.

    Args:
        embedder: used by one thread at a time.
        batch: views that go through together, at most.
        delay_s: see :class:`Batching`.
    """

    def __init__(self, embedder: Embedder, *, batch: int = BATCH, delay_s: float = 0.0) -> None:
        super().__init__(self._embedded, batch=batch, delay_s=delay_s)
        self._embedder = embedder

    async def embed(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        """Embed at least one view."""
        seen = await asyncio.gather(*map(self.ask, views))
        return EmbeddedViews(
            np.concatenate([one.embeddings for one in seen]), np.concatenate([one.species for one in seen])
        )

    def _embedded(self, views: Sequence[UInt8[np.ndarray, "s s 3"]]) -> list[EmbeddedViews]:
        seen = self._embedder.embed(np.stack(views))
        return [
            EmbeddedViews(seen.embeddings[row : row + 1], seen.species[row : row + 1])
            for row in range(len(views))
        ]
