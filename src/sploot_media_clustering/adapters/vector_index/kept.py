"""Indexes in files: a magic number, a format version, a header with checksums, then arrays as they are.

No pickles, and nothing is read before its checksum held. That guards against damage, not against a file made
with evil intent: FAISS reads its own bytes, so open what you or somebody you trust has written.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.vector_index.kinds import KINDS
from sploot_media_clustering.errors import DamagedDataError, InputError, OtherModelError
from sploot_media_clustering.services.ports import VectorIndex

_MAGIC: Final = b"SPLI"
_FORMAT: Final = 1
_LENGTH_BYTES: Final = 4
_MOST_HEADER_BYTES: Final = 1 << 16
_DTYPES: Final = frozenset({"<i8", "<f4", "|u1", "|i1"})


class _Array(msgspec.Struct, frozen=True):
    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


class _Header(msgspec.Struct, frozen=True):
    kind: str
    version: str
    dimension: int
    parts: tuple[_Array, ...]
    beside: tuple[_Array, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KeptIndex:
    """An index and what belongs to it.

    Attributes:
        kind: of :data:`~sploot_media_clustering.adapters.vector_index.kinds.KINDS`.
        index: of the vectors.
        version: of what made the vectors; those of two versions never meet.
        dimension: of the vectors.
        beside: arrays of whoever uses the index, such as what its ids stand for: whole numbers of one or
            eight bytes, or single precision.
    """

    kind: str
    index: VectorIndex
    version: str
    dimension: int
    beside: Mapping[str, np.ndarray]


def write_index(kept: KeptIndex, path: Path) -> None:
    """Write an index to a file, whole or not at all."""
    arrays = [_stored(part) for part in (kept.index.parts(), kept.beside)]
    header = msgspec.json.encode(
        _Header(
            kind=kept.kind,
            version=kept.version,
            dimension=kept.dimension,
            parts=_described(arrays[0]),
            beside=_described(arrays[1]),
        )
    )
    body = [_bytes(array) for part in arrays for array in part.values()]
    start = _MAGIC + bytes([_FORMAT]) + len(header).to_bytes(_LENGTH_BYTES, "little")
    write_atomically(path, b"".join([start, header, *body]))


def read_index(path: Path, version: str) -> KeptIndex:
    """The index in a file.

    Args:
        path: of a file that :func:`write_index` wrote.
        version: that its vectors have to be of.

    Raises:
        InputError: there is no such file, it is damaged, of a format of another time, or no index.
        OtherModelError: its vectors are of another version.
        MissingExtraError: the library of its kind is not installed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"expected an index in {path}, got: {error.strerror}") from error
    try:
        header, start = _header(data)
        if header.version != version:
            raise OtherModelError(
                f"the vectors in {path} are of {header.version}, expected those of {version}; make the index "
                "anew, or use the model that made it"
            )
        arrays = _arrays(data, start, (*header.parts, *header.beside))
        parts, beside = (
            {one.name: arrays[place] for place, one in enumerate(described, first)}
            for described, first in ((header.parts, 0), (header.beside, len(header.parts)))
        )
        index: VectorIndex = KINDS[header.kind].restored(header.dimension, parts)
    except (DamagedDataError, KeyError) as error:
        raise InputError(f"{path} is no index that can be read: {error}; make it anew") from error
    return KeptIndex(header.kind, index, header.version, header.dimension, beside)


def _stored(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """In the order of bytes that files have."""
    return {name: array.astype(array.dtype.newbyteorder("<"), copy=False) for name, array in arrays.items()}


def _described(arrays: Mapping[str, np.ndarray]) -> tuple[_Array, ...]:
    return tuple(
        _Array(name, array.dtype.str, array.shape, _checksum(array)) for name, array in arrays.items()
    )


def _checksum(array: np.ndarray) -> str:
    return hashlib.sha256(_bytes(array)).hexdigest()


def _bytes(array: np.ndarray) -> memoryview:
    """Of an array as they are, without a copy."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _header(data: bytes) -> tuple[_Header, int]:
    start = len(_MAGIC) + 1 + _LENGTH_BYTES
    if data[: len(_MAGIC)] != _MAGIC or len(data) < start:
        raise DamagedDataError(f"expected a file that starts with {_MAGIC!r}, got {data[: len(_MAGIC)]!r}")
    if data[len(_MAGIC)] != _FORMAT:
        raise DamagedDataError(f"expected format {_FORMAT}, got {data[len(_MAGIC)]}")
    length = int.from_bytes(data[start - _LENGTH_BYTES : start], "little")
    if length > _MOST_HEADER_BYTES:
        raise DamagedDataError(f"expected a header of {_MOST_HEADER_BYTES:,} bytes at most, got {length:,}")
    try:
        return msgspec.json.decode(data[start : start + length], type=_Header), start + length
    except msgspec.DecodeError as error:
        raise DamagedDataError(f"expected a header, got: {error}") from error


def _arrays(data: bytes, start: int, described: tuple[_Array, ...]) -> list[np.ndarray]:
    """Arrays from a place to the end of the file; they can't be written to, and share its bytes."""
    found = []
    for one in described:
        if one.dtype not in _DTYPES or min(one.shape, default=0) < 0:
            raise DamagedDataError(f"expected numbers, got {one.dtype} of shape {one.shape}")
        count = math.prod(one.shape)
        end = start + count * np.dtype(one.dtype).itemsize
        if end > len(data):
            raise DamagedDataError(f"expected {end:,} bytes, got {len(data):,}")
        array = np.frombuffer(data, one.dtype, count, start).reshape(one.shape)
        if _checksum(array) != one.sha256:
            raise DamagedDataError(f"the checksum of {one.name} does not hold")
        found.append(array)
        start = end
    if start != len(data):
        raise DamagedDataError(f"expected {start:,} bytes, got {len(data):,}")
    return found
