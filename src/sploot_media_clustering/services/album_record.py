"""What the store keeps of an album: its state, and what makes jobs that come late or twice harmless."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from sploot_media_clustering.errors import DamagedDataError, StateError
from sploot_media_clustering.services import value_codec
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.jobs import Position

FORMAT: Final = 1
"""Raised when the stored shape changes; the version before it stays readable."""

TERMS_KEPT: Final = 32
"""More changes of model than an album sees in years."""

_MAGIC: Final = b"SPLR"


class Failed(msgspec.Struct, frozen=True, array_like=True):
    """A photo that could not be read, and the job that found so."""

    position: Position
    image: FailedImage


class Source(msgspec.Struct, frozen=True, array_like=True):
    """Where a photo came from, so that another model can look at it again.

    Attributes:
        uri: that it was last read from.
        digest: SHA-256 of its bytes.
        captured_at: capture time that the caller told, where he did.
    """

    uri: str
    digest: bytes
    captured_at: datetime | None = None


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What a publisher said of a photo, and the position at which that was.

    Attributes:
        position: of the job.
        label: kind of picture.
        quality: of it, in [0, 1].
    """

    position: Position
    label: str | None
    quality: float | None


class Former(msgspec.Struct, frozen=True, array_like=True):
    """An album as the model before left it, so that it can be taken back to exactly that.

    Attributes:
        model_version: of that model.
        state: packed.
        images: position that was last applied to each photo by then.
    """

    model_version: str
    state: bytes
    images: dict[str, Position]


class Answered(msgspec.Struct, frozen=True, array_like=True):
    """From when on a model answered for an album; until the next one does.

    Attributes:
        model_version: of that model; empty while there was no album.
        since: the first version that it made.
    """

    model_version: str
    since: int


class AlbumRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An album as it is stored.

    Attributes:
        state: packed by :mod:`~sploot_media_clustering.services.state_codec`; None where there are no photos
            and nothing was said.
        model_version: of the model package that made the state; empty in records of older releases.
        images: position last applied to each photo, also to those that went.
        removed_ms: when those that went did so; they are forgotten in the end.
        sources: where each photo of the state came from, and those that the last model could not see again;
            none in records of older releases.
        failed: photos that could not be read, by id.
        decisions: position last applied to each decision.
        expected: position of the owner's word on how many animals there are.
        deleted: position of the last deletion of the album; what is older is a thing of the past.
        version: that the record was committed as.
        told: of photos, by publishers; what the stub pipeline goes by.
        former: the album under the model before, until that is let go of, or a photo of it is removed.
        answered: which models answered for it, in order, the newest :data:`TERMS_KEPT`.
    """

    state: bytes | None = None
    model_version: str = ""
    images: dict[str, Position] = {}
    removed_ms: dict[str, int] = {}
    sources: dict[str, Source] = {}
    failed: dict[str, Failed] = {}
    decisions: dict[str, Position] = {}
    expected: Position | None = None
    deleted: Position | None = None
    version: int = 0
    told: dict[str, Told] = {}
    former: Former | None = None
    answered: tuple[Answered, ...] = ()


def with_term(terms: tuple[Answered, ...], model_version: str, version: int) -> tuple[Answered, ...]:
    """Who answered for an album, once a model has made a version of it."""
    if model_version == (terms[-1].model_version if terms else ""):
        return terms
    return (*terms, Answered(model_version, version))[-TERMS_KEPT:]


def pack(record: AlbumRecord) -> bytes:
    """The record as bytes; equal records have equal bytes."""
    body = msgspec.msgpack.encode(record, order="deterministic")
    return _MAGIC + bytes([FORMAT]) + value_codec.pack(body)


def unpack(data: bytes | None) -> AlbumRecord:
    """The record that was packed, or that of an album nobody heard of.

    Raises:
        StateError: the bytes are no record, are damaged, or are of a version that this release does not read.
    """
    if data is None:
        return AlbumRecord()
    head = len(_MAGIC) + 1
    if data[: len(_MAGIC)] != _MAGIC or len(data) < head:
        raise StateError("these bytes are no album record: expected them to start with SPLR")
    if data[len(_MAGIC)] != FORMAT:
        raise StateError(
            f"the album record is of format {data[len(_MAGIC)]}, this release reads {FORMAT}; upgrade it"
        )
    try:
        return msgspec.msgpack.decode(value_codec.unpack(bytes, data[head:]), type=AlbumRecord)
    except (DamagedDataError, msgspec.MsgspecError) as error:
        raise StateError(f"the album record is damaged: {error}") from error
