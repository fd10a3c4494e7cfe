"""Album state to bytes and back: versioned, self-contained, compressed, a few tens of kB for 100 photos.

Arrays are stored as they are, but in half precision wherever that loses nothing, which holds for every
vector that a head made. What follows from the photos (the columns) is not stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.level import Level
from sploot_media_clustering.domain.lineage import LineageEvent
from sploot_media_clustering.domain.tree import AlbumState, Looks, TreeModel, empty
from sploot_media_clustering.errors import DamagedDataError, StateError
from sploot_media_clustering.services import value_codec

FORMAT: Final = 1
"""Raised when the stored shape changes; the version before it stays readable."""

_MAGIC: Final = b"SPLA"


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """What of a state is written; ``decisions`` is a place kept for what people say."""

    model_version: str
    photos: tuple[Photo, ...]
    moments: np.ndarray
    subjects: Level
    subject_ids: tuple[str, ...]
    looks: tuple[Looks, ...]
    unsettled: int
    expected_animals: tuple[int, int] | None
    lineage: tuple[LineageEvent, ...]
    heroes: dict[str, tuple[str, ...]]
    decisions: tuple[str, ...] = ()


def pack(state: AlbumState) -> bytes:
    """The state as bytes."""
    stored = _Stored(
        model_version=state.model_version,
        photos=state.photos,
        moments=state.moments,
        subjects=state.subjects,
        subject_ids=state.subject_ids,
        looks=state.looks,
        unsettled=state.unsettled,
        expected_animals=state.expected_animals,
        lineage=state.lineage,
        heroes=dict(state.heroes),
    )
    return _MAGIC + bytes([FORMAT]) + value_codec.pack(stored)


def unpack(data: bytes, model: TreeModel) -> AlbumState:
    """The state that was packed.

    Raises:
        StateError: the bytes are no state, are damaged, or are of a version or a model that is not this one.
    """
    if data[:4] != _MAGIC or len(data) < len(_MAGIC) + 1:
        raise StateError("these bytes are no album state: expected them to start with SPLA")
    if data[4] != FORMAT:
        raise StateError(f"the album state is of format {data[4]}, this release reads {FORMAT}; upgrade it")
    try:
        stored = value_codec.unpack(_Stored, data[len(_MAGIC) + 1 :])
    except DamagedDataError as error:
        raise StateError(f"the album state is damaged: {error}") from error
    if stored.model_version != model.version:
        raise StateError(
            f"the album state is of model {stored.model_version!r}, expected {model.version!r}; "
            "embed the album again, or use the model that made it"
        )
    return _restored(stored, model)


def _restored(stored: _Stored, model: TreeModel) -> AlbumState:
    return AlbumState(
        model_version=stored.model_version,
        photos=stored.photos,
        columns=tables.stacked(stored.photos, empty(model).columns),
        moments=stored.moments,
        subjects=stored.subjects,
        subject_ids=stored.subject_ids,
        looks=stored.looks,
        unsettled=stored.unsettled,
        expected_animals=stored.expected_animals,
        lineage=stored.lineage,
        heroes=stored.heroes,
    )
