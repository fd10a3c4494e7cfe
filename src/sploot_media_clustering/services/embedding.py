"""From photos to embeddings: decode, find animals, cut views, embed them, measure pixels.

Many photos go through in batches, in order, two beside each other, while other threads decode the next ones.
One photo goes through with the least delay: it is embedded as a whole while animals are looked for, and their
crops are embedded beside that unless the detector needs the whole photo's word.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Final, TypeVar

import numpy as np
from jaxtyping import Float32, UInt8

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.detection import DetectionThresholds, Found
from sploot_media_clustering.errors import SplootError, UnreadablePhotoError
from sploot_media_clustering.services.photo_views import PhotoViews, sightings_of
from sploot_media_clustering.services.ports import (
    AnimalDetector,
    Detection,
    EmbeddedViews,
    Embedder,
    ImageDecoder,
)

BATCH: Final = 4
"""Photos embedded together; on a processor larger batches are no faster, and leave a longer tail of inference
alone when the last photo is decoded."""

_AHEAD_BATCHES: Final = 2
"""Batches being decoded while others are embedded."""

_AT_ONCE: Final = 2
"""Batches in the networks: one has steps that a core does alone, which the other fills."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class PhotoInput:
    """A photo to be embedded.

    Attributes:
        image_id: unique inside its album.
        data: of the image file.
    """

    image_id: str
    data: bytes


@dataclass(frozen=True, slots=True, eq=False)
class PhotoFailure:
    """A photo without an embedding, and why.

    Attributes:
        image_id: of the photo.
        error: it can't be read, or its store did not answer.
    """

    image_id: str
    error: SplootError


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A decoded photo that waits for the networks, with the views that need no box."""

    image_id: str
    views: PhotoViews
    looks: UInt8[np.ndarray, "w d d 3"]
    whole: UInt8[np.ndarray, "1 e e 3"]


class EmbeddingService:
    """Embeds photos. A context manager: leaving it ends its threads.

    Args:
        decoder: bytes to pictures; used from several threads.
        detector: finds animals; used from several threads.
        embedder: views to vectors; used from several threads.
        thresholds: when a box is believed to be an animal.
        workers: threads that decode.
        batch: photos embedded together.
    """

    def __init__(
        self,
        *,
        decoder: ImageDecoder,
        detector: AnimalDetector,
        embedder: Embedder,
        thresholds: DetectionThresholds,
        workers: int,
        batch: int = BATCH,
    ) -> None:
        self._decoder = decoder
        self._detector = detector
        self._embedder = embedder
        self._thresholds = thresholds
        self._batch = batch
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="embedding")
        self._networks = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="embedding-batch")
        self._beside = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="embedding-whole")

    @property
    def version(self) -> str:
        """Of the networks that embeddings are made by."""
        return self._embedder.version

    def __enter__(self) -> EmbeddingService:  # noqa: PYI034 beartype takes Self only in classes it decorates
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; photos that wait are dropped."""
        for pool in (self._pool, self._networks, self._beside):
            pool.shutdown(wait=True, cancel_futures=True)

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        """Embed any number of photos, in their order, holding a bounded number of them in memory.

        A photo that can't be decoded yields a :class:`PhotoFailure`, and the others go on.

        Args:
            photos: taken from as they are needed, some batches ahead.
        """
        decoded = self._decoded_ahead(iter(photos))
        waiting: deque[Future[list[PhotoEmbedding | PhotoFailure]]] = deque()
        try:
            while batch := list(islice(decoded, self._batch)):
                waiting.append(self._networks.submit(self._results, batch))
                if len(waiting) == _AT_ONCE:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            decoded.close()
            for future in waiting:
                future.cancel()

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        """Embed one photo with the least delay.

        Args:
            photo: the photo.

        Raises:
            UnreadablePhotoError: one of its branches.
        """
        views = self._views(photo.data)
        whole = self._pool.submit(lambda: self._embedder.embed(views.whole()))
        detections = self._detector.detect(views.looks())
        found = views.find(detections, lambda: whole.result().species[0], self._thresholds)
        crops = self._pool.submit(lambda: self._embedder.embed(views.crops(found)))
        pixels = views.pixels(found)
        sightings = sightings_of(found, pixels, crops.result())
        return views.embedding(photo.image_id, whole.result().embeddings[0], sightings, self.version)

    def _decoded_ahead(self, photos: Iterator[PhotoInput]) -> Generator[_Ready | PhotoFailure]:
        """Photos decoded by the pool, in order, at most :data:`_AHEAD_BATCHES` batches ahead."""
        waiting: deque[Future[_Ready | PhotoFailure]] = deque()
        try:
            for photo in photos:
                waiting.append(self._pool.submit(self._decoded, photo))
                if len(waiting) > self._batch * _AHEAD_BATCHES:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _decoded(self, photo: PhotoInput) -> _Ready | PhotoFailure:
        try:
            views = self._views(photo.data)
            return _Ready(photo.image_id, views, views.looks(), views.whole())
        except UnreadablePhotoError as error:
            return PhotoFailure(photo.image_id, error)

    def _views(self, data: bytes) -> PhotoViews:
        return PhotoViews(self._decoder.decode(data), self._detector.input_px, self._embedder.input_px)

    def _results(self, batch: Sequence[_Ready | PhotoFailure]) -> list[PhotoEmbedding | PhotoFailure]:
        """Embeddings of those that could be decoded, in their places."""
        embedded = iter(self._embedded([photo for photo in batch if isinstance(photo, _Ready)]))
        return [next(embedded) if isinstance(photo, _Ready) else photo for photo in batch]

    def _embedded(self, photos: Sequence[_Ready]) -> list[PhotoEmbedding]:
        if not photos:
            return []
        views = [photo.views for photo in photos]
        pictures = np.concatenate([photo.whole for photo in photos])
        later = self._beside.submit(lambda: self._embedder.embed(pictures))
        detections = self._detector.detect(np.concatenate([photo.looks for photo in photos]))
        whole = later.result()
        by_photo = _split(detections, [len(view.windows) for view in views])
        found = [
            self._found(view, boxes, species)
            for view, boxes, species in zip(views, by_photo, whole.species, strict=True)
        ]
        rows = zip(photos, whole.embeddings, found, self._embedded_crops(views, found), strict=True)
        return [
            photo.views.embedding(
                photo.image_id, vector, sightings_of(animals, photo.views.pixels(animals), seen), self.version
            )
            for photo, vector, animals, seen in rows
        ]

    def _found(
        self,
        view: PhotoViews,
        detections: Sequence[Sequence[Detection]],
        species: Float32[np.ndarray, " 3"],
    ) -> tuple[Found, ...]:
        return view.find(detections, lambda: species, self._thresholds)

    def _embedded_crops(
        self, views: Sequence[PhotoViews], found: Sequence[tuple[Found, ...]]
    ) -> list[EmbeddedViews]:
        """The crops of all photos embedded in one batch, then apart again."""
        crops = [view.crops(animals) for view, animals in zip(views, found, strict=True)]
        seen = self._embedder.embed(np.concatenate(crops))
        ends = np.cumsum([len(animals) for animals in found])[:-1]
        embeddings, species = np.split(seen.embeddings, ends), np.split(seen.species, ends)
        return [EmbeddedViews(*one) for one in zip(embeddings, species, strict=True)]


def _split(items: Sequence[T], sizes: Sequence[int]) -> list[list[T]]:
    """Consecutive parts of the sizes given."""
    rest = iter(items)
    return [list(islice(rest, size)) for size in sizes]
