"""Frozen dataclasses of arrays to bytes and back: MessagePack under zstd, no pickles, nothing executed.

Arrays are stored as they are, but in half precision wherever that loses nothing, which holds for every
vector that a head made.
"""

from __future__ import annotations

from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import zstandard

from sploot_media_clustering.errors import DamagedDataError

T = TypeVar("T")

_ARRAY: Final = 1
"""MessagePack extension code of an array."""

_MAX_BYTES: Final = 1 << 30
"""Largest value that is unpacked: an album of some million photos."""


def pack(value: object) -> bytes:
    """A value as bytes."""
    body = msgspec.msgpack.encode(value, enc_hook=_array_out)
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(body)


def unpack(kind: type[T], data: bytes) -> T:
    """The value that was packed.

    Raises:
        DamagedDataError: the bytes are damaged, or hold something else.
    """
    try:
        body = zstandard.ZstdDecompressor().decompress(data, max_output_size=_MAX_BYTES)
        return cast("T", _built(kind, msgspec.msgpack.decode(body)))
    except (zstandard.ZstdError, msgspec.MsgspecError, ValueError, TypeError, KeyError) as error:
        raise DamagedDataError(f"expected a packed {kind.__name__}, got damaged bytes: {error}") from error


def _array_out(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(
            f"expected numbers, texts, arrays and dataclasses, got {type(value).__name__}"
        )
    half = value.astype(np.float16) if value.dtype.kind == "f" else value
    exact = value.dtype.kind == "f" and np.array_equal(half.astype(value.dtype), value)
    body = half if exact else value
    packed = (value.dtype.str, body.dtype.str, value.shape, body.tobytes())
    return msgspec.msgpack.Ext(_ARRAY, msgspec.msgpack.encode(packed))


def _array_in(packed: msgspec.msgpack.Ext) -> np.ndarray:
    dtype, stored, shape, body = msgspec.msgpack.decode(packed.data)
    return np.frombuffer(body, np.dtype(stored)).reshape(shape).astype(np.dtype(dtype))


def _built(kind: Any, value: Any) -> Any:  # noqa: ANN401 any field of any of the values that are packed
    """A value of the annotated kind out of what MessagePack holds: dataclasses, tuples of them, arrays."""
    if isinstance(value, msgspec.msgpack.Ext):
        return _array_in(value)
    kind = _present(kind, value)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: _built(hints[name], part) for name, part in value.items()})
    if get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis:
        return tuple(_built(get_args(kind)[0], part) for part in value)
    return msgspec.convert(value, kind)


def _present(kind: Any, value: Any) -> Any:  # noqa: ANN401 any field of any of the values that are packed
    """What an optional field holds when it holds something."""
    kinds = [one for one in get_args(kind) if one is not NoneType]
    return kinds[0] if get_origin(kind) is UnionType and value is not None and len(kinds) == 1 else kind
