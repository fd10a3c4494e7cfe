"""The photos of a job: fetched, tried again where that may help, embedded, and remembered across retries."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, ParamSpec, Protocol, TypeVar, runtime_checkable

from msgspec import structs

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.answer import FailedImage, failed_image
from sploot_media_clustering.services.applying import ReadyPhoto
from sploot_media_clustering.services.batching import Batcher
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.job_ports import PetEmbeddings
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.ports import PhotoSource

P = ParamSpec("P")
T = TypeVar("T")

FETCHES: Final = 8
"""Photos that are fetched at a time, over all jobs."""


@runtime_checkable
class Preparer(Protocol):
    """The photos of a job made ready."""

    async def prepare(self, job: JobRequest) -> Mapping[str, ReadyPhoto | FailedImage]:
        """Of each image of a job, what the networks saw, or why there is nothing."""
        ...

    async def prepare_again(
        self, pet_id: str, sources: Mapping[str, Source]
    ) -> Mapping[str, ReadyPhoto | FailedImage]:
        """Photos that an album holds, as this model's networks see them; from what is kept, where it is.

        Raises:
            TemporaryError: one of them can't be had for the moment.
        """
        ...

    async def erase(self, pet_id: str, image_ids: Sequence[str] | None) -> None:
        """Forget what was remembered of some photos, or of the album."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a photo is asked for.

    Attributes:
        tries: of one photo.
        first_wait_s: before the second one; each further wait is twice the one before.
    """

    tries: int = 4
    first_wait_s: float = 0.5


class PhotoPreparer:
    """Implements :class:`Preparer`.

    Args:
        source: of photos; used from several threads.
        batcher: in front of the networks.
        kept: embeddings of albums.
        threads: that fetch, :data:`FETCHES` of them.
        patience: how often a photo is asked for.
    """

    def __init__(
        self,
        source: PhotoSource,
        batcher: Batcher,
        kept: PetEmbeddings,
        threads: Executor,
        patience: Patience | None = None,
    ) -> None:
        self._source = source
        self._batcher = batcher
        self._kept = kept
        self._threads = threads
        self._patience = patience or Patience()
        self._hands = asyncio.Semaphore(FETCHES)
        self._turn = asyncio.Lock()

    async def prepare(self, job: JobRequest) -> Mapping[str, ReadyPhoto | FailedImage]:
        """Of each image of a job, what the networks saw, or why nothing; one told twice counts once."""
        return await _all({image.image_id: self._prepared(job, image) for image in job.images})

    async def prepare_again(
        self, pet_id: str, sources: Mapping[str, Source]
    ) -> Mapping[str, ReadyPhoto | FailedImage]:
        """Photos that an album holds, as this model's networks see them; from what is kept, where it is."""
        return await _all({name: self._again(pet_id, name, source) for name, source in sources.items()})

    async def erase(self, pet_id: str, image_ids: Sequence[str] | None) -> None:
        """Forget what was remembered of some photos, or of the album."""
        await self._in_thread(self._kept.erase, pet_id, image_ids)

    async def _prepared(self, job: JobRequest, image: JobImage) -> ReadyPhoto | FailedImage:
        # Held while the networks are waited for, so that bytes don't pile up.
        async with self._hand(bulk=job.lane == "backfill"):
            try:
                data = await self._fetched(image.uri)
            except (UnreadablePhotoError, TemporaryError) as error:
                return failed_image(image.image_id, error)
            source = Source(image.uri, hashlib.sha256(data).digest(), image.captured_at)
            known = None if job.force else await self._known(job.pet_id, image.image_id, source)
            return known or await self._embedded(job.pet_id, image.image_id, source, data)

    @asynccontextmanager
    async def _hand(self, *, bulk: bool) -> AsyncIterator[None]:
        """A place among the photos that are fetched; of those in bulk one at a time stands in line."""
        async with self._turn if bulk else nullcontext():
            await self._hands.acquire()
        try:
            yield
        finally:
            self._hands.release()

    async def _again(self, pet_id: str, image_id: str, source: Source) -> ReadyPhoto | FailedImage:
        async with self._hand(bulk=True):
            known = await self._known(pet_id, image_id, source)
            if known is not None:
                return known
            try:
                data = await self._fetched(source.uri)
            except UnreadablePhotoError as error:
                return failed_image(image_id, error)
            fresh = structs.replace(source, digest=hashlib.sha256(data).digest())
            return await self._embedded(pet_id, image_id, fresh, data)

    async def _fetched(self, uri: str) -> bytes:
        wait_s = self._patience.first_wait_s
        for _ in range(self._patience.tries - 1):
            try:
                return await self._in_thread(self._source.read, uri)
            except TemporaryError:
                await asyncio.sleep(wait_s)
                wait_s *= 2
        return await self._in_thread(self._source.read, uri)

    async def _known(self, pet_id: str, image_id: str, source: Source) -> ReadyPhoto | None:
        found = await self._in_thread(self._kept.load, pet_id, image_id, self._key(source))
        return None if found is None else _ready(replace(found, image_id=image_id), source)

    async def _embedded(
        self, pet_id: str, image_id: str, source: Source, data: bytes
    ) -> ReadyPhoto | FailedImage:
        fresh = await self._batcher.embed(PhotoInput(image_id, data))
        if isinstance(fresh, PhotoFailure):
            return failed_image(image_id, fresh.error)
        await self._in_thread(self._kept.save, pet_id, image_id, self._key(source), fresh)
        return _ready(fresh, source)

    def _key(self, source: Source) -> str:
        return f"{source.digest.hex()}-{self._batcher.version}"

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        task = partial(copy_context().run, partial(work, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._threads, task)


def _ready(embedding: PhotoEmbedding, source: Source) -> ReadyPhoto:
    if source.captured_at is not None:
        embedding = replace(embedding, captured_at=source.captured_at)
    return ReadyPhoto(embedding, source)


async def _all(work: Mapping[str, Coroutine[None, None, T]]) -> dict[str, T]:
    """Side by side; of failures, the gravest."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(part) for name, part in work.items()}
    except ExceptionGroup as errors:
        raise gravest(errors) from errors
    return {name: task.result() for name, task in tasks.items()}


def gravest(errors: ExceptionGroup) -> Exception:
    """One that trying again does not help, where there is one."""
    flat = [error for error in errors.exceptions if not isinstance(error, TemporaryError)]
    return (flat or list(errors.exceptions))[0]
