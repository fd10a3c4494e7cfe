"""What the services need of the outside world: each a Protocol of one to four members.

Every implementation of a port passes that port's suite in ``tests/contract``. Ports can be checked at run
time, because annotations are, under test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64, Shaped, UInt8

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


NOBODY: Final = -1
"""In place of an id where there are fewer neighbours than were asked for; ids are 0 or more."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Who is nearest to each of q vectors, best first, of equally near ones the least id first.

    Attributes:
        ids: :data:`NOBODY` where there are fewer than k.
        similarities: cosines, descending; ``-inf`` where there is nobody.
    """

    ids: Int64[np.ndarray, "q k"]
    similarities: Float32[np.ndarray, "q k"]


@runtime_checkable
class VectorIndex(Protocol):
    """Unit vectors by id, and who is nearest by cosine. The same calls in one order give the same answers."""

    def add(self, ids: Int64[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"]) -> None:
        """Take in vectors; all of them or, after an error, none.

        Raises:
            InputError: a vector is not finite, not of unit length or of another dimension; or an id is below
                0, twice there, or known already.
        """
        ...

    def remove(self, ids: Int64[np.ndarray, " n"]) -> None:
        """Forget vectors; none of them is found any more. Their ids are free again.

        Raises:
            UnknownError: there is no such id; then none is removed.
        """
        ...

    def search(self, vectors: Float32[np.ndarray, "q d"], k: int) -> Neighbours:
        """The k nearest, or nearly, to each vector; a vector that is in the index is a neighbour of its own.

        Raises:
            InputError: a vector is none that could be added, or k is below 1.
        """
        ...

    def parts(self) -> Mapping[str, Shaped[np.ndarray, "..."]]:
        """Arrays that it can be made again from, without the work of building it."""
        ...
