"""Album state to bytes and back: versioned, self-contained, compressed, some 35 kB for 100 photos.

What follows from the photos (the columns) is not stored, and photos are stored in columns: a few large arrays
are smaller, and sooner read, than many small ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain.album import SPECIES, Box, Photo, Sighting
from sploot_media_clustering.domain.columns import Columns
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import DamagedDataError, StateError
from sploot_media_clustering.services import value_codec

FORMAT: Final = 2
"""Raised when the stored shape changes; the version before it stays readable."""

_PHOTO_BY_PHOTO: Final = 1
"""The format before, with an array for each vector of each photo."""

_MAGIC: Final = b"SPLA"


@dataclass(frozen=True, slots=True, eq=False)
class _Photos:
    """Photos (p) and sightings (s), a column for each of their properties."""

    image_ids: tuple[str, ...]
    captured_at: tuple[datetime | None, ...]
    sizes_px: Int64[np.ndarray, "p 2"]
    scenes: Float32[np.ndarray, "p c"]
    counts: Int64[np.ndarray, " p"]
    boxes: Float64[np.ndarray, "s 4"]
    species: Float32[np.ndarray, "s 3"]
    scores: Float64[np.ndarray, " s"]
    identity: Float32[np.ndarray, "s d"]
    look: Float32[np.ndarray, "s l"]
    attributes: Float32[np.ndarray, "s a"]
    signals: Float32[np.ndarray, "s n"]


@dataclass(frozen=True, slots=True, eq=False)
class _Packed:
    """A state and, apart from it, its photos."""

    rest: AlbumState
    photos: _Photos


def pack(state: AlbumState) -> bytes:
    """The state as bytes."""
    rest = replace(state, photos=(), columns=tables.empty(*_widths(state.columns)))
    body = value_codec.pack(_Packed(rest, _in_columns(state.photos, state.columns)))
    return _MAGIC + bytes([FORMAT]) + body


def unpack(data: bytes) -> AlbumState:
    """The state that was packed, of whatever model made it.

    Raises:
        StateError: the bytes are no state, are damaged, or are of a version that this release does not read.
    """
    if data[:4] != _MAGIC or len(data) < len(_MAGIC) + 1:
        raise StateError("these bytes are no album state: expected them to start with SPLA")
    if data[4] not in (FORMAT, _PHOTO_BY_PHOTO):
        raise StateError(f"the album state is of format {data[4]}, this release reads {FORMAT}; upgrade it")
    body = data[len(_MAGIC) + 1 :]
    try:
        if data[4] == _PHOTO_BY_PHOTO:
            state = value_codec.unpack(AlbumState, body)
        else:
            packed = value_codec.unpack(_Packed, body)
            state = replace(packed.rest, photos=tuple(_one_by_one(packed.photos)))
    except (DamagedDataError, ValueError) as error:
        raise StateError(f"the album state is damaged: {error}") from error
    return replace(state, columns=tables.stacked(state.photos, state.columns))


def _widths(columns: Columns) -> tuple[int, int, int]:
    return columns.identity.shape[1], columns.look.shape[1], columns.scene.shape[1]


def _in_columns(photos: tuple[Photo, ...], columns: Columns) -> _Photos:
    seen = [sighting for photo in photos for sighting in photo.sightings]
    boxes = [(one.box.left, one.box.top, one.box.right, one.box.bottom) for one in seen]
    return _Photos(
        image_ids=tuple(photo.image_id for photo in photos),
        captured_at=tuple(photo.captured_at for photo in photos),
        sizes_px=np.array([(photo.width_px, photo.height_px) for photo in photos], np.int64).reshape(-1, 2),
        scenes=columns.scene,
        counts=np.array([len(photo.sightings) for photo in photos], np.int64),
        boxes=np.array(boxes, np.float64).reshape(-1, 4),
        species=_rows([one.species for one in seen], len(SPECIES)),
        scores=np.array([one.detector_score for one in seen], np.float64),
        identity=columns.identity.astype(np.float32),
        look=columns.look.astype(np.float32),
        attributes=_rows([one.attributes for one in seen]),
        signals=_rows([one.signals for one in seen]),
    )


def _rows(vectors: list[Float32[np.ndarray, " n"]], width: int = 0) -> Float32[np.ndarray, "s n"]:
    """One a row; the width is that of none."""
    return np.array(vectors, np.float32).reshape(len(vectors), -1 if vectors else width)


def _one_by_one(told: _Photos) -> Iterator[Photo]:
    seen = _sightings(told)
    photos = zip(
        told.image_ids,
        told.captured_at,
        told.sizes_px.tolist(),
        told.scenes,
        told.counts.tolist(),
        strict=True,
    )
    for image_id, captured_at, (width_px, height_px), scene, count in photos:
        found = tuple(next(seen) for _ in range(count))
        yield Photo(image_id, captured_at, width_px, height_px, scene, found)


def _sightings(told: _Photos) -> Iterator[Sighting]:
    columns = (told.species, told.scores.tolist(), told.identity, told.look, told.attributes, told.signals)
    for box, *rest in zip(told.boxes.tolist(), *columns, strict=True):
        yield Sighting(Box(*box), *rest)
