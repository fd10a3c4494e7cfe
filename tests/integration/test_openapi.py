"""The API keeps its OpenAPI document, whatever is sent; requests are made up from the document."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
import schemathesis
from api_service import TOKEN, service_in_memory
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

SAID_OF_THE_ALBUM = "/internal/pets/{pet_id}/decisions"
"""Whether a decision can be meant depends on the album; its document can't say so."""

# Schemathesis expects no 413 and no 429 where it breaks a rule of the document.
app = service_in_memory().client(max_body_bytes=100_000_000, requests_per_s=0.0).app
schema = schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: schemathesis.Case) -> None:
    """Status, media type and shape; nothing that is sent makes it fail."""
    undecidable = case.operation.path == SAID_OF_THE_ALBUM or holds_a_time_that_is_none(case.body)
    excluded = [positive_data_acceptance] if undecidable else []
    case.call_and_validate(headers={"X-Internal-Token": TOKEN}, excluded_checks=excluded)


def holds_a_time_that_is_none(body: object) -> bool:
    """Whether a job holds a text that JSON Schema allows for a time: to it, ``format`` is a remark."""
    images = body.get("images") if isinstance(body, dict) else None
    times = [
        image.get(name)
        for image in (images if isinstance(images, list) else [])
        if isinstance(image, dict)
        for name in ("captured_at", "uploaded_at")
    ]
    return any(isinstance(told, str) and not is_time(told) for told in times)


def is_time(told: str) -> bool:
    try:
        msgspec.convert(told, datetime)
    except msgspec.ValidationError:
        return False
    return True
