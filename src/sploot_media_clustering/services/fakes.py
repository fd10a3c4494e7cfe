"""Fakes of the networks and of the store, for tests and for trying things out: deterministic, no weights.

The networks see what a test can draw: an animal is a rectangle of one strong colour, a red one a cat, a
green one a dog, a blue one another animal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, UInt8

from sploot_media_clustering.domain.album import SPECIES, Box, PhotoEmbedding
from sploot_media_clustering.services.ports import Detection, EmbeddedViews

STRONG: Final = 200
WEAK: Final = 90
"""A pixel has a colour when that channel is at least the one and both others are at most the other."""

_CELLS: Final = 4
_CHANNELS: Final = 3
_LEAST_SHARE: Final = 0.001
_FAKE_SCORE: Final = 0.9


class MemoryEmbeddingStore:
    """Embeddings kept while the process lives; implements ``EmbeddingStore``."""

    def __init__(self) -> None:
        self._photos: dict[str, PhotoEmbedding] = {}

    def load(self, keys: Sequence[str]) -> list[PhotoEmbedding | None]:
        """The embedding stored under each key, or None."""
        return [self._photos.get(key) for key in keys]

    def save(self, items: Sequence[tuple[str, PhotoEmbedding]]) -> None:
        """Store embeddings; of two with one key the last one stays."""
        self._photos.update(items)


class FakeEmbedder:
    """Implements :class:`~sploot_media_clustering.services.ports.Embedder`: mean colours of 4 x 4 cells.

    Args:
        input_px: side of a view, a multiple of 4.
        version: as it shall be called.
    """

    def __init__(self, *, input_px: int = 32, version: str = "fake-1") -> None:
        self._input_px = input_px
        self._version = version

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self._input_px

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return _CELLS * _CELLS * _CHANNELS

    @property
    def version(self) -> str:
        """The version given."""
        return self._version

    def embed(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        """Mean colours in [0, 1]; the probability of a species is the share of its colour."""
        cell_px = self._input_px // _CELLS
        cells = views.reshape(len(views), _CELLS, cell_px, _CELLS, cell_px, _CHANNELS)
        means = cells.mean(axis=(2, 4)).reshape(len(views), self.dimension) / np.float32(255)
        shares = np.stack(
            [_coloured(views, column).mean(axis=(1, 2)) for column in range(len(SPECIES))], axis=1
        )
        return EmbeddedViews(means.astype(np.float32), shares.astype(np.float32))


class FakeDetector:
    """Implements :class:`~sploot_media_clustering.services.ports.AnimalDetector`: one box a colour.

    Args:
        input_px: side of the square input.
    """

    def __init__(self, *, input_px: int = 48) -> None:
        self._input_px = input_px

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self._input_px

    def detect(self, images: UInt8[np.ndarray, "n s s 3"]) -> list[tuple[Detection, ...]]:
        """The smallest box around all pixels of each colour, in the order of the species."""
        return [tuple(_boxes(image)) for image in images]


def _boxes(image: UInt8[np.ndarray, "s s 3"]) -> list[Detection]:
    found: list[Detection] = []
    for column in range(len(SPECIES)):
        here = _coloured(image, column)
        if here.mean() < _LEAST_SHARE:
            continue
        (top, bottom), (left, right) = (_span(np.any(here, axis=axis)) for axis in (1, 0))
        scores = [0.0, 0.0, 0.0]
        scores[column] = _FAKE_SCORE
        found.append(Detection(Box(left, top, right, bottom), (scores[0], scores[1], scores[2])))
    return found


def _span(there: Bool[np.ndarray, " s"]) -> tuple[float, float]:
    places = np.flatnonzero(there)
    return float(places[0] / len(there)), float((places[-1] + 1) / len(there))


def _coloured(images: UInt8[np.ndarray, "*n s s 3"], column: int) -> Bool[np.ndarray, "*n s s"]:
    others = np.delete(images, column, axis=-1)
    coloured: Bool[np.ndarray, "*n s s"] = (images[..., column] >= STRONG) & (others <= WEAK).all(axis=-1)
    return coloured
