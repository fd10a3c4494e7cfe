"""JSON of others, by the numbers that JSON Schema knows."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.json_body import read_json


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    count: int = 0
    share: float = 0.0
    at: datetime | None = None


@pytest.mark.parametrize(
    ("body", "thing"),
    [
        (b'{"count": 2}', Thing(2)),
        (b'{"count": 2.0, "share": 0.5}', Thing(2, 0.5)),
        (b'{"count": 2e1, "share": 3.0}', Thing(20, 3.0)),
        (b'{"count": 1.0, "at": "2026-01-01T00:00:00Z"}', Thing(1, at=datetime(2026, 1, 1, tzinfo=UTC))),
    ],
)
def test_a_number_without_a_fraction_is_an_integer(body: bytes, thing: Thing) -> None:
    """However it is written; what has a fraction, and what is a float anyway, stays one."""
    assert read_json(body, Thing) == thing


@pytest.mark.parametrize("told", [b"3.0", b"[3.0, 1]"])
def test_it_is_one_in_a_union_too(told: bytes) -> None:
    """A number of animals, or two."""
    job = read_json(b'{"pet_id": "milo", "expected_animals": %s}' % told, JobRequest)
    assert job.expected_animals in (3, (1, 3))


@pytest.mark.parametrize(
    "body",
    [b'{"count": 2.5}', b'{"count": "2"}', b'{"count": true}', b'{"count": 1e400}', b'{"other": 1.0}', b"["],
)
def test_nothing_else_is_taken_for_one(body: bytes) -> None:
    """Texts, truths, fractions and infinities are refused, and so is what is no JSON."""
    with pytest.raises(msgspec.DecodeError):
        read_json(body, Thing)
