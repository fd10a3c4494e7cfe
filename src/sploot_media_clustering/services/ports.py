"""What the services need of the outside world: each a Protocol of one to four members.

Every implementation of a port passes that port's suite in ``tests/contract``. Ports can be checked at run
time, because annotations are, under test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from sploot_media_clustering.domain.album import Box, PhotoEmbedding

IMAGE_EXTENSIONS: Final = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib"),
        *(".heic", ".heif", ".hif", ".avif", ".tif", ".tiff"),
    }
)
"""File name extensions, in lower case, under which images are found in folders; bytes tell which they are."""


@runtime_checkable
class Picture(Protocol):
    """A decoded photo: upright, RGB, at the scale that was needed."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the upright original, which may be larger than what was decoded."""
        ...

    @property
    def captured_at(self) -> datetime | None:
        """Capture time; aware where the file tells its offset, else naive."""
        ...

    def view(self, box: Box, width_px: int, height_px: int) -> UInt8[np.ndarray, "h w 3"]:
        """The part inside ``box``, resized to exactly ``width_px`` x ``height_px`` with anti-aliasing."""
        ...


@runtime_checkable
class ImageDecoder(Protocol):
    """Bytes to a picture."""

    def decode(self, data: bytes) -> Picture:
        """Decode one photo.

        Raises:
            UnreadablePhotoError: one of its branches, naming what was expected and what came.
        """
        ...


@runtime_checkable
class PhotoSource(Protocol):
    """Where photos come from."""

    def read(self, uri: str) -> bytes:
        """All bytes of one photo.

        Raises:
            UnreadablePhotoError: it is not there, or larger than the limit.
            SourceUnavailableError: the store did not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Detection:
    """One box of a detector that may hold an animal, before suppression.

    Attributes:
        box: in fractions of the photo.
        scores: of :data:`~sploot_media_clustering.domain.album.SPECIES`, each in [0, 1].
    """

    box: Box
    scores: tuple[float, float, float]


@runtime_checkable
class AnimalDetector(Protocol):
    """Finds animals."""

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        ...

    def detect(self, images: UInt8[np.ndarray, "n s s 3"]) -> list[tuple[Detection, ...]]:
        """Candidate boxes of each image, best first; suppression is the caller's."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedViews:
    """What an embedder says of n views.

    Attributes:
        embeddings: pooled features, not normalised.
        species: probabilities of cat, dog, another animal; what is missing to 1 is "no animal".
    """

    embeddings: Float32[np.ndarray, "n e"]
    species: Float32[np.ndarray, "n 3"]


@runtime_checkable
class Embedder(Protocol):
    """Views to vectors."""

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        ...

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        ...

    @property
    def version(self) -> str:
        """Name and checksum of the networks; vectors of two versions never meet."""
        ...

    def embed(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        """Embed n views; a view's result does not depend on the views beside it (within 1e-4)."""
        ...


@runtime_checkable
class EmbeddingStore(Protocol):
    """Embeddings kept between runs."""

    def load(self, keys: Sequence[str]) -> list[PhotoEmbedding | None]:
        """The embedding stored under each key, or None."""
        ...

    def save(self, items: Sequence[tuple[str, PhotoEmbedding]]) -> None:
        """Store embeddings; complete or not at all, whenever the process ends."""
        ...
