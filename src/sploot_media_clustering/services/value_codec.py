"""Frozen dataclasses of arrays to bytes and back: MessagePack under zstd, no pickles, nothing executed.

Arrays are stored in the narrowest numbers that lose nothing, perhaps as multiples of a power of two, which
makes a byte or two of whatever lies on a :mod:`~sploot_media_clustering.domain.grid`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import zstandard

from sploot_media_clustering.errors import DamagedDataError

T = TypeVar("T")

_ARRAY: Final = 1
"""MessagePack extension code of an array."""

_NARROW: Final = tuple(map(np.dtype, ("i1", "u1", "<i2", "<f2", "<i4", "<f4")))
"""What an array may be stored in, the narrowest first."""

_FARTHEST: Final = 1100
"""Exponent of the least and, negative, the largest double."""

_DIGITS: Final = 53
"""Binary digits of a double's mantissa."""

_NUMBERS: Final = "biuf"
"""Kinds of arrays that are packed; texts and objects can claim any size."""

_MAX_BYTES: Final = 1 << 30
"""Largest value that is unpacked: an album of some million photos."""


class _PackedArray(msgspec.Struct, frozen=True, array_like=True):
    """An array: its data type, the one that its bytes are in, its shape, and what to multiply by, as log2."""

    dtype: str
    stored: str
    shape: tuple[int, ...]
    body: bytes
    exponent: int = 0


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
        return cast(
            "T", _reader(cast("Any", kind))(msgspec.msgpack.decode(decompressed(data, max_bytes=_MAX_BYTES)))
        )
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedDataError(f"expected a packed {kind.__name__}, got damaged bytes: {error}") from error


def decompressed(frame: bytes, *, max_bytes: int) -> bytes:
    """What a zstd frame holds, once its header claims no more than is allowed.

    The decompressor's own limit does not hold for frames that state their size, as all of ours do.

    Raises:
        ValueError: it is no whole frame, does not state its size, or claims too much.
    """
    try:
        size_bytes = zstandard.frame_content_size(frame)
        if not 0 <= size_bytes <= max_bytes:
            raise ValueError(f"{size_bytes:,} bytes claimed, {max_bytes:,} is the most")
        return zstandard.ZstdDecompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise ValueError(f"no whole zstd frame: {error}") from error


def _array_out(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(
            f"expected numbers, texts, arrays and dataclasses, got {type(value).__name__}"
        )
    body, exponent = _narrowed(value)
    packed = _PackedArray(value.dtype.str, body.dtype.str, value.shape, body.tobytes(), exponent)
    return msgspec.msgpack.Ext(_ARRAY, msgspec.msgpack.encode(packed))


def _narrowed(value: np.ndarray) -> tuple[np.ndarray, int]:
    """The same numbers in the narrowest type, and the power of two that whole ones were divided by."""
    if value.dtype.kind not in "if" or not value.size:
        return value, 0
    exponent = _grain(value) if value.dtype.kind == "f" else 0
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.ldexp(value, -exponent) if exponent else value
        for kind in _NARROW:
            told = whole if kind.kind in "iu" else value
            body = told.astype(kind)
            if kind.itemsize < value.dtype.itemsize and np.array_equal(body, told, equal_nan=True):
                return body, exponent if told is whole else 0
    return value, 0


def _grain(value: np.ndarray) -> int:
    """Exponent of the largest power of two that all numbers are multiples of; 0 where they are none."""
    mantissa, exponents = np.frexp(value[value != 0].astype(np.float64))
    if not mantissa.size or not np.isfinite(mantissa).all():
        return 0
    digits = np.ldexp(mantissa, _DIGITS).astype(np.int64)
    lowest = np.log2((digits & -digits).astype(np.float64)).astype(np.int64)
    return int((exponents - _DIGITS + lowest).min())


def _array_in(packed: object) -> np.ndarray:
    if not isinstance(packed, msgspec.msgpack.Ext) or packed.code != _ARRAY:
        raise ValueError(f"expected an array, got {type(packed).__name__}")
    told = msgspec.msgpack.decode(packed.data, type=_PackedArray)
    dtype, stored = np.dtype(told.dtype), np.dtype(told.stored)
    if dtype.kind not in _NUMBERS or stored.kind not in _NUMBERS:
        raise ValueError(f"expected an array of numbers, got {dtype} in {stored}")
    value = np.frombuffer(told.body, stored).reshape(told.shape).astype(dtype)
    if not told.exponent:
        return value
    if dtype.kind != "f" or abs(told.exponent) > _FARTHEST:
        raise ValueError(f"expected multiples of a power of two, got {dtype} times 2 ** {told.exponent}")
    return np.ldexp(value, told.exponent)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 any field of any of the values that are packed
    """What builds a value of the annotated kind out of what MessagePack holds.

    Annotations are looked into once a kind: an album holds thousands of values of few kinds.
    """
    kinds = [one for one in get_args(kind) if one is not NoneType]
    if get_origin(kind) is UnionType and len(kinds) == 1:
        present = _reader(kinds[0])
        return lambda value: None if value is None else present(value)
    if getattr(kind, "array_type", kind) is np.ndarray:
        return _array_in
    if is_dataclass(kind) and isinstance(kind, type):
        return partial(
            _dataclass_in, kind, {name: _reader(hint) for name, hint in get_type_hints(kind).items()}
        )
    if get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis:
        return partial(_tuple_in, _reader(get_args(kind)[0]))
    return partial(msgspec.convert, type=kind)


def _dataclass_in(kind: type, readers: Mapping[str, Callable[[Any], Any]], value: object) -> object:
    if not isinstance(value, dict):
        raise TypeError(f"expected a {kind.__name__}, got {type(value).__name__}")
    return kind(**{name: readers[name](part) for name, part in value.items()})


def _tuple_in(reader: Callable[[Any], Any], value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return tuple(map(reader, value))
