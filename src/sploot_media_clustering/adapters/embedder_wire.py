"""What goes between a worker and an embedding server: plain numbers, and who made them.

Views are sent as they are, bytes of RGB without any header, so there is nothing to parse that could harm the
server. Answers are MessagePack: the numbers as bytes, and the version of the networks that made them.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from jaxtyping import UInt8

from sploot_media_clustering.domain.album import SPECIES
from sploot_media_clustering.errors import DamagedDataError
from sploot_media_clustering.services.ports import EmbeddedViews

NETWORKS_PATH: Final = "/internal/embedder"
VIEWS_PATH: Final = "/internal/embedder/views"
NETWORKS_HEADER: Final = "X-Sploot-Networks"
"""Of a request: the version that views are to be embedded by, or not at all."""
TOKEN_HEADER: Final = "X-Internal-Token"  # noqa: S105 - the name of a header
VIEWS_TYPE: Final = "application/octet-stream"
SEEN_TYPE: Final = "application/msgpack"
VIEWS_MOST: Final = 32
"""In one request: a batch of a GPU."""

_CHANNELS: Final = 3
_NUMBER: Final = np.dtype("<f4")
_ENVELOPE_BYTES: Final = 4096
"""Of an answer, beside its numbers."""


class Networks(msgspec.Struct, frozen=True):
    """Which networks a server has.

    Attributes:
        networks: their version.
        input_px: side of a view.
        dimension: of an embedding.
    """

    networks: str
    input_px: int
    dimension: int


class _Seen(msgspec.Struct, frozen=True):
    networks: str
    embeddings: bytes
    species: bytes


def view_bytes(input_px: int) -> int:
    """Of one view."""
    return input_px * input_px * _CHANNELS


def seen_bytes_most(count: int, dimension: int) -> int:
    """Of an answer, at most."""
    return count * (dimension + len(SPECIES)) * _NUMBER.itemsize + _ENVELOPE_BYTES


def pack_views(views: UInt8[np.ndarray, "n s s 3"]) -> bytes:
    """Views as the body of a request."""
    return views.tobytes()


def unpack_views(body: bytes, input_px: int) -> UInt8[np.ndarray, "n s s 3"]:
    """The views in a body, at least one.

    Raises:
        DamagedDataError: it holds none, or not whole ones of that size.
    """
    each = view_bytes(input_px)
    if not body or len(body) % each:
        raise DamagedDataError(
            f"expected views of {input_px} x {input_px} pixels, {each} bytes each, got {len(body)} bytes"
        )
    return np.frombuffer(body, np.uint8).reshape(-1, input_px, input_px, _CHANNELS)


def pack_seen(networks: str, seen: EmbeddedViews) -> bytes:
    """An answer; every number as it is."""
    return msgspec.msgpack.encode(
        _Seen(networks, seen.embeddings.astype(_NUMBER).tobytes(), seen.species.astype(_NUMBER).tobytes())
    )


def unpack_seen(body: bytes, count: int, dimension: int) -> tuple[str, EmbeddedViews]:
    """Which networks answered, and what they saw in ``count`` views.

    Raises:
        DamagedDataError: it is no answer, not of so many views, or holds what is no number.
    """
    try:
        told = msgspec.msgpack.decode(body, type=_Seen)
        embeddings = np.frombuffer(told.embeddings, _NUMBER).reshape(count, dimension)
        species = np.frombuffer(told.species, _NUMBER).reshape(count, len(SPECIES))
    except (msgspec.DecodeError, ValueError) as error:
        raise DamagedDataError(f"expected {count} embeddings of {dimension} numbers: {error}") from error
    if not (np.isfinite(embeddings).all() and np.isfinite(species).all()):
        raise DamagedDataError("expected finite numbers, got others")
    return told.networks, EmbeddedViews(embeddings.astype(np.float32), species.astype(np.float32))
