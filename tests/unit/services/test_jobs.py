"""Messages: what is read from bytes that nobody vouches for."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.desk import DeletePet, Invalidate, RemoveImage, Undo
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import (
    JOB_FIELD,
    MAX_MESSAGE_BYTES,
    ChangeJob,
    Job,
    Position,
    digest,
    encode,
    name_of,
    parse,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ENTRY = "1700000000000-3"
JOBS: list[Job] = [
    JobRequest(
        job_id="j", pet_id="milo", images=(JobImage(image_id="a", uri="https://x/a", captured_at=NOON),)
    ),
    JobRequest(job_id="j", pet_id="milo", expected_animals=(1, 3), metadata={"b": 1, "a": [2]}, force=True),
    *(
        ChangeJob(job_id="j", pet_id="milo", change=change, at=NOON)
        for change in (DeletePet(), Invalidate(), RemoveImage(image_id="a"), Undo(decision_id="d"))
    ),
]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(getattr(job, "change", job)).__name__)
def test_what_is_written_is_read(job: Job) -> None:
    """Every kind of job, from its canonical bytes."""
    assert parse({JOB_FIELD: encode(job)}, ENTRY) == job


def test_equal_jobs_have_equal_bytes() -> None:
    """Whatever order their metadata came in; and others have others."""
    one = JobRequest(job_id="j", pet_id="milo", metadata={"a": 1, "b": 2})
    other = JobRequest(job_id="j", pet_id="milo", metadata={"b": 2, "a": 1})
    assert encode(one) == encode(other)
    assert digest(one) == digest(other) != digest(msgspec.structs.replace(one, pet_id="bella"))


def test_a_job_that_comes_again_may_be_of_another_trace() -> None:
    """Who repeats it begins one anew."""
    one = JobRequest(job_id="j", pet_id="milo", traceparent="00-1")
    assert digest(one) == digest(msgspec.structs.replace(one, traceparent="00-2"))


def test_a_job_without_an_id_is_called_after_its_entry() -> None:
    """So that it is the same job whenever it is delivered again."""
    assert name_of(parse({JOB_FIELD: b'{"pet_id": "milo"}'}, ENTRY)) == ENTRY


def test_photos_by_id_alone_get_their_uris_from_the_template() -> None:
    """Ids are escaped: they can't reach for another place."""
    fields = {b"payload": b'{"pet_id": "milo", "image_ids": ["../a b?", "c"], "old": 1}'}
    job = parse(fields, ENTRY, "https://cdn/{pet_id}/{image_id}.jpg")
    assert isinstance(job, JobRequest)
    assert [(image.image_id, image.uri) for image in job.images] == [
        ("../a b?", "https://cdn/milo/..%2Fa%20b%3F.jpg"),
        ("c", "https://cdn/milo/c.jpg"),
    ]
    with pytest.raises(InputError, match="template"):
        parse(fields, ENTRY)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "expected a job"),
        (b"[]", "expected a job"),
        (b"[" * 100_000, "expected a job"),
        (b'{"pet_id": "a/b"}', "pet_id"),
        (b'{"pet_id": "milo", "schema_version": 2}', "schema_version"),
        (b'{"pet_id": "milo", "imagse": []}', "imagse"),
        (b'{"pet_id": "milo", "images": [{"image_id": "a"}]}', "uri"),
        (
            b'{"pet_id": "milo", "job_id": "j", "change": {"type": "explode"}, "at": "2026-05-01T12:00:00Z"}',
            "change",
        ),
        (b"x" * (MAX_MESSAGE_BYTES + 1), "bytes"),
        (msgspec.json.encode({"pet_id": "milo", "remove_image_ids": ["a"] * 1001}), "1000"),
    ],
)
def test_what_cannot_be_read_says_why(body: bytes, told: str) -> None:
    """What was expected, and what came; never the whole of it."""
    with pytest.raises(InputError, match=told) as caught:
        parse({JOB_FIELD: body}, ENTRY)
    assert len(str(caught.value)) < 1000


@given(st.dictionaries(st.sampled_from([b"job", b"payload", b"x"]), st.binary(max_size=60)))
def test_any_bytes_are_a_job_or_an_error(fields: dict[bytes, bytes]) -> None:
    """And never another exception."""
    with suppress(InputError):
        assert parse(fields, ENTRY).job_id


def test_positions_are_ordered_as_the_stream_is() -> None:
    """By number, not as texts; what is none is an error."""
    assert Position.parse("9-10") < Position.parse(b"10-2") < Position.parse("10-10")
    assert str(Position(5, 1)) == "5-1"
    for wrong in ("", "5", "5-", "a-1", "-5-1", "5-1-1", "\u0665-1"):
        with pytest.raises(InputError, match="position"):
            Position.parse(wrong)
