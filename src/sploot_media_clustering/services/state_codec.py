"""Album state to bytes and back: versioned, self-contained, compressed, a few tens of kB for 100 photos.

What follows from the photos (the columns) is not stored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import DamagedDataError, StateError
from sploot_media_clustering.services import value_codec

FORMAT: Final = 1
"""Raised when the stored shape changes; the version before it stays readable."""

_MAGIC: Final = b"SPLA"


def pack(state: AlbumState) -> bytes:
    """The state as bytes."""
    width = (part.shape[1] for part in (state.columns.identity, state.columns.look, state.columns.scene))
    body = value_codec.pack(replace(state, columns=tables.empty(*width)))
    return _MAGIC + bytes([FORMAT]) + body


def unpack(data: bytes) -> AlbumState:
    """The state that was packed, of whatever model made it.

    Raises:
        StateError: the bytes are no state, are damaged, or are of a version that this release does not read.
    """
    if data[:4] != _MAGIC or len(data) < len(_MAGIC) + 1:
        raise StateError("these bytes are no album state: expected them to start with SPLA")
    if data[4] != FORMAT:
        raise StateError(f"the album state is of format {data[4]}, this release reads {FORMAT}; upgrade it")
    try:
        state = value_codec.unpack(AlbumState, data[len(_MAGIC) + 1 :])
    except DamagedDataError as error:
        raise StateError(f"the album state is damaged: {error}") from error
    return replace(state, columns=tables.stacked(state.photos, state.columns))
