"""Album state to bytes and back: versioned, self-contained, compressed, a few tens of kB for 100 photos.

Arrays are stored as they are, but in half precision wherever that loses nothing, which holds for every
vector that a head made. What follows from the photos (the columns) is not stored.
"""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import Any, Final, cast, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import zstandard

from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.level import Level
from sploot_media_clustering.domain.lineage import LineageEvent
from sploot_media_clustering.domain.tree import AlbumState, Looks, TreeModel, empty
from sploot_media_clustering.errors import StateError

FORMAT: Final = 1
"""Raised when the stored shape changes; the version before it stays readable."""

_MAGIC: Final = b"SPLA"
_ARRAY: Final = 1
"""MessagePack extension code of an array."""

_MAX_BYTES: Final = 1 << 30
"""Largest state that is unpacked: an album of some million photos."""


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
    body = msgspec.msgpack.encode(stored, enc_hook=_array_out)
    return _MAGIC + bytes([FORMAT]) + zstandard.ZstdCompressor(level=3).compress(body)


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
        body = zstandard.ZstdDecompressor().decompress(data[5:], max_output_size=_MAX_BYTES)
        stored = cast("_Stored", _built(_Stored, msgspec.msgpack.decode(body)))
    except (zstandard.ZstdError, msgspec.MsgspecError, ValueError, TypeError, KeyError) as error:
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


def _array_out(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"a state holds no {type(value).__name__}")
    half = value.astype(np.float16) if value.dtype.kind == "f" else value
    exact = value.dtype.kind == "f" and np.array_equal(half.astype(value.dtype), value)
    body = half if exact else value
    packed = (value.dtype.str, body.dtype.str, value.shape, body.tobytes())
    return msgspec.msgpack.Ext(_ARRAY, msgspec.msgpack.encode(packed))


def _array_in(packed: msgspec.msgpack.Ext) -> np.ndarray:
    dtype, stored, shape, body = msgspec.msgpack.decode(packed.data)
    return np.frombuffer(body, np.dtype(stored)).reshape(shape).astype(np.dtype(dtype))


def _built(kind: Any, value: Any) -> Any:  # noqa: ANN401 any field of any of the values that a state is made of
    """A value of the annotated kind out of what MessagePack holds: dataclasses, tuples of them, arrays."""
    if isinstance(value, msgspec.msgpack.Ext):
        return _array_in(value)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: _built(hints[name], part) for name, part in value.items()})
    if get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis:
        return tuple(_built(get_args(kind)[0], part) for part in value)
    return msgspec.convert(value, kind)
