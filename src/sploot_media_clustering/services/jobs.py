"""Messages of the job stream: read from bytes that nobody vouches for, written in one canonical form.

A message is a stream entry with one field ``job`` that holds JSON: a
:class:`~sploot_media_clustering.services.job_request.JobRequest`, or a :class:`ChangeJob` for everything else
that happens to an album. Two older forms are read as well: ``image_ids`` in place of ``images``, whose URIs
follow from a template, and a field called ``payload`` in place of ``job``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.desk import Change
from sploot_media_clustering.services.job_request import (
    MAX_IMAGES,
    ImageName,
    JobImage,
    JobRequest,
    LaneTold,
    Name,
)
from sploot_media_clustering.services.json_body import read_json
from sploot_media_clustering.services.lanes import LaneName, require_lane

MAX_MESSAGE_BYTES: Final = 4 << 20
"""Of one message: a thousand photos with the longest URIs that are in use."""
JOB_FIELD: Final = b"job"
POSITION_FIELD: Final = b"position"
_OLDER_FIELD: Final = b"payload"
_MOST_FIELDS: Final = 16
"""Of a message that is set aside; it needs two."""
_SHOWN_CHARACTERS: Final = 200
"""Of what came, in messages of errors."""
_ENTRY_ID_PARTS: Final = 2

T = TypeVar("T")


class Position(NamedTuple):
    """Place of a job in the order of all jobs: the id of its first stream entry.

    Attributes:
        ms: the server's milliseconds.
        number: of the entries of that millisecond, raised in all partitions but the first, see :mod:`.lanes`.
    """

    ms: int
    number: int

    @staticmethod
    def parse(text: str | bytes) -> Position:
        """The position that a stream calls ``1700000000000-0``.

        Raises:
            InputError: it is no such thing.
        """
        told = text.decode("ascii", "replace") if isinstance(text, bytes) else text
        parts = told.split("-")
        if len(parts) != _ENTRY_ID_PARTS or not all(part.isascii() and part.isdecimal() for part in parts):
            raise InputError(f"expected a position such as 1700000000000-0, got {told[:_SHOWN_CHARACTERS]!r}")
        return Position(int(parts[0]), int(parts[1]))

    def __str__(self) -> str:
        return f"{self.ms}-{self.number}"


class ChangeJob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something other than photos that happens to an album, as a message.

    Attributes:
        job_id: unique for each job.
        pet_id: the album.
        change: a decision, its undoing, the removal of a photo or of the album, or a settling.
        at: when it was asked for.
        schema_version: of this shape.
        traceparent: of the caller's trace (W3C Trace Context).
    """

    job_id: Name
    pet_id: Name
    change: Change
    at: datetime
    schema_version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    traceparent: Annotated[str, msgspec.Meta(max_length=200)] | None = None


Job: TypeAlias = JobRequest | ChangeJob
"""What happens to an album."""


class _OlderJob(msgspec.Struct, frozen=True, kw_only=True):
    """Photos by their ids alone."""

    pet_id: Name
    image_ids: Annotated[tuple[ImageName, ...], msgspec.Meta(max_length=MAX_IMAGES)]
    job_id: Name | None = None
    reason: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    lane: LaneTold = "live"
    force: bool = False

    def __post_init__(self) -> None:
        require_lane(self.lane)


class _Shape(msgspec.Struct, frozen=True):
    """What tells the forms apart."""

    image_ids: Any = None
    change: Any = None
    lane: Any = None


def encode(job: Job) -> bytes:
    """The canonical bytes of a job: equal jobs have equal bytes."""
    return msgspec.json.encode(job, order="deterministic")


def digest(job: Job) -> str:
    """What tells a job from another that claims its id; not its trace, which changes when it comes again."""
    return hashlib.sha256(encode(msgspec.structs.replace(job, traceparent=None))).hexdigest()


def parse(fields: Mapping[bytes, bytes], entry_id: str, uri_template: str | None = None) -> Job:
    """The job of a stream entry; one without an id is called after its position, the id of its first entry.

    Args:
        fields: of the entry.
        entry_id: of the entry.
        uri_template: of photos that are told by id alone, with ``{pet_id}`` and ``{image_id}`` in it.

    Raises:
        InputError: what was expected, and what came.
    """
    body = fields.get(JOB_FIELD, fields.get(_OLDER_FIELD))
    if body is None:
        names = ", ".join(sorted(repr(name[:_SHOWN_CHARACTERS]) for name in fields))
        raise InputError(f"expected a field 'job' that holds a job as JSON, got {names or 'no fields'}")
    if len(body) > MAX_MESSAGE_BYTES:
        raise InputError(f"expected a job of at most {MAX_MESSAGE_BYTES:,} bytes, got {len(body):,}")
    shape = _decoded(body, _Shape)
    job: Job
    if shape.change is not None:
        job = _decoded(body, ChangeJob)
    elif shape.image_ids is not None:
        job = _renewed(_decoded(body, _OlderJob), uri_template)
    else:
        job = _decoded(body, JobRequest)
    if job.job_id is None:
        return msgspec.structs.replace(job, job_id=str(position_of(fields, entry_id)))
    return job


def lane_of(fields: Mapping[bytes, bytes]) -> LaneName:
    """The lane that a message names; live where it can't be read, for whoever works on it to tell why."""
    body = fields.get(JOB_FIELD, fields.get(_OLDER_FIELD))
    if body is None or len(body) > MAX_MESSAGE_BYTES or len(fields) > _MOST_FIELDS:
        return "live"
    try:
        shape = _decoded(body, _Shape)
    except InputError:
        return "live"
    return "backfill" if shape.lane == "backfill" and shape.change is None else "live"


def name_of(job: Job) -> str:
    """The job's id.

    Raises:
        InputError: it has none yet.
    """
    if job.job_id is None:
        raise InputError("expected a job with an id, got one without")
    return job.job_id


def position_of(fields: Mapping[bytes, bytes], entry_id: str) -> Position:
    """The place of an entry's job in the order of all: its own, or the one that it had before.

    Raises:
        InputError: the one it claims to have had is no position, or is in its future.
    """
    own = Position.parse(entry_id)
    told = fields.get(POSITION_FIELD)
    before = own if told is None else Position.parse(told)
    if before > own:
        raise InputError(f"expected a position before {own}, got {before}")
    return before


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return read_json(body, kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        came = body[:_SHOWN_CHARACTERS].decode("utf-8", "replace") if kind is _Shape else "another"
        raise InputError(f"expected a job: {error}; got {came!r}") from error


def _renewed(older: _OlderJob, template: str | None) -> JobRequest:
    if template is None:
        raise InputError("expected 'images' with URIs; for photos by id alone set a URI template")
    images = tuple(
        JobImage(
            image_id=image_id,
            uri=template.replace("{pet_id}", quote(older.pet_id, safe="")).replace(
                "{image_id}", quote(image_id, safe="")
            ),
        )
        for image_id in older.image_ids
    )
    return JobRequest(
        pet_id=older.pet_id,
        job_id=older.job_id,
        images=images,
        reason=older.reason,
        lane=older.lane,
        force=older.force,
    )
