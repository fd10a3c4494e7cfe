"""Embeddings of one photo as bytes: a magic number, a format version, then MessagePack under zstd.

Arrays are kept bit by bit, half precision as half precision. The zstd frame carries a checksum, and the key
is stored inside, so that a damaged or misplaced entry is recognised.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
import numpy as np
import zstandard
from jaxtyping import Float16, Float32

from sploot_media_clustering.domain.album import Box, PhotoEmbedding, SightingEmbedding
from sploot_media_clustering.services.value_codec import decompressed

_MAGIC: Final = b"SPLE"
_FORMAT_VERSION: Final = b"\x01"
_HEADER: Final = _MAGIC + _FORMAT_VERSION
_ZSTD_LEVEL: Final = 1
"""Half-precision embeddings hardly compress, at any level."""
_MAX_BYTES: Final = 16 * 2**20
"""Unpacked; a thousand times an ordinary entry, so that a damaged length can't ask for all memory."""
_HALF: Final = np.dtype("<f2")
_SINGLE: Final = np.dtype("<f4")


class DamagedEntryError(ValueError):
    """Bytes that are no entry, or not the one asked for; a cache takes it for missing."""


class _StoredSighting(msgspec.Struct, frozen=True, array_like=True):
    box: tuple[float, float, float, float]
    species: bytes
    detector_score: float
    embedding: bytes
    pixels: bytes


class _StoredPhoto(msgspec.Struct, frozen=True, array_like=True):
    key: str
    image_id: str
    captured_at: str | None
    width_px: int
    height_px: int
    embedding: bytes
    sightings: tuple[_StoredSighting, ...]
    network_version: str


def encode_embedding(key: str, photo: PhotoEmbedding) -> bytes:
    """One entry.

    Args:
        key: what it is stored under.
        photo: what is stored.

    Returns:
        Bytes that only :func:`decode_embedding` reads.
    """
    stored = _StoredPhoto(
        key=key,
        image_id=photo.image_id,
        captured_at=None if photo.captured_at is None else photo.captured_at.isoformat(),
        width_px=photo.width_px,
        height_px=photo.height_px,
        embedding=_packed(photo.embedding, _HALF),
        sightings=tuple(map(_stored_sighting, photo.sightings)),
        network_version=photo.network_version,
    )
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
    return _HEADER + compressor.compress(msgspec.msgpack.encode(stored))


def decode_embedding(key: str, data: bytes) -> PhotoEmbedding:
    """What was stored under ``key``; its arrays are read-only.

    Raises:
        DamagedEntryError: the bytes are damaged, of another format version, or stored under another key.
    """
    if not data.startswith(_HEADER):
        raise DamagedEntryError(f"expected a header of {_HEADER!r}, got {data[: len(_HEADER)]!r}")
    try:
        body = decompressed(data[len(_HEADER) :], max_bytes=_MAX_BYTES)
        stored = msgspec.msgpack.decode(body, type=_StoredPhoto)
        photo = _photo(stored)
    except (msgspec.DecodeError, ValueError) as error:
        raise DamagedEntryError(f"expected an entry, got damaged bytes: {error}") from error
    if stored.key != key:
        raise DamagedEntryError(f"expected the entry of {key}, got that of {stored.key}")
    return photo


def _stored_sighting(sighting: SightingEmbedding) -> _StoredSighting:
    box = sighting.box
    return _StoredSighting(
        box=(box.left, box.top, box.right, box.bottom),
        species=_packed(sighting.species, _SINGLE),
        detector_score=sighting.detector_score,
        embedding=_packed(sighting.embedding, _HALF),
        pixels=_packed(sighting.pixels, _SINGLE),
    )


def _photo(stored: _StoredPhoto) -> PhotoEmbedding:
    return PhotoEmbedding(
        image_id=stored.image_id,
        captured_at=None if stored.captured_at is None else datetime.fromisoformat(stored.captured_at),
        width_px=stored.width_px,
        height_px=stored.height_px,
        embedding=np.frombuffer(stored.embedding, _HALF),
        sightings=tuple(map(_sighting, stored.sightings)),
        network_version=stored.network_version,
    )


def _sighting(stored: _StoredSighting) -> SightingEmbedding:
    return SightingEmbedding(
        box=Box(*stored.box),
        species=np.frombuffer(stored.species, _SINGLE),
        detector_score=stored.detector_score,
        embedding=np.frombuffer(stored.embedding, _HALF),
        pixels=np.frombuffer(stored.pixels, _SINGLE),
    )


def _packed(
    array: Float16[np.ndarray, " n"] | Float32[np.ndarray, " n"], dtype: np.dtype[np.floating]
) -> bytes:
    """Raw little-endian numbers; a copy only where the machine stores them the other way round."""
    return array.astype(dtype, copy=False).tobytes()
