"""Everything that goes wrong is a problem document."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from api_service import NEXT_TOKEN, Service
from asgi_client import Client

from sploot_media_clustering.errors import ConfigurationError, DamagedDataError, StateError, TemporaryError
from sploot_media_clustering.services.job_request import MAX_IMAGES

CLUSTERS = "/internal/pets/milo/clusters"
JOBS = "/internal/cluster-jobs"
JOB = {"pet_id": "milo", "images": [{"image_id": "1.jpg", "uri": "https://example.com/1.jpg"}]}


def require_problem(response: httpx.Response, status: int, kind: str | None = None) -> dict:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert told["status"] == status
    assert told["title"]
    if kind is not None:
        assert told["type"] == f"urn:sploot:problem:{kind}"
    return told


def test_an_unknown_path_and_an_unknown_method_are_problems(client: Client) -> None:
    """Also those that no route sees."""
    require_problem(client.get("/nowhere"), 404)
    require_problem(client.get("/internal/nowhere"), 404)
    for path, methods in ((JOBS, "POST"), ("/internal/pets/milo/decisions", "GET, POST")):
        response = client("PUT", path)
        require_problem(response, 405)
        assert response.headers["allow"] == methods


@pytest.mark.parametrize(
    "path",
    [
        f"{CLUSTERS}?level=breed",
        f"{CLUSTERS}?foo=1",
        f"{JOBS}/upload-7f3a?wait=1",
        f"{CLUSTERS}?members=some",
        f"{CLUSTERS}?limit=0",
        f"{CLUSTERS}?limit=501",
        f"{CLUSTERS}?limit=many",
        f"{CLUSTERS}?cursor=x",
        f"{CLUSTERS}?wait_ms=60000",
        "/internal/pets/.hidden/clusters",
        "/internal/pets/a%7Bb/clusters",
        f"/internal/pets/{'a' * 129}/clusters",
        "/internal/dead-letters?limit=201",
        f"{JOBS}/%20",
    ],
)
def test_what_is_asked_wrongly_is_named(client: Client, path: str) -> None:
    """With its place, and without what was sent."""
    told = require_problem(client.get(path), 422, "invalid")
    assert told["errors"][0]["place"].split(".")[0] in {"query", "path"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"images": [{"image_id": "a", "uri": "b"}]}',
        b'{"pet_id": "a b", "images": [{"image_id": "a", "uri": "b"}]}',
        b'{"pet_id": "milo", "images": [{"image_id": "a"}]}',
        b'{"pet_id": "milo", "images": [{"image_id": "", "uri": "b"}]}',
        b'{"pet_id": "milo", "images": [{"image_id": "a\\u0000", "uri": "b"}]}',
        b'{"pet_id": "milo", "images": [{"image_id": "a", "uri": "b", "url": "c"}]}',
        b'{"pet_id": "milo", "remove_image_ids": ["a"], "expected_animals": 0}',
        b'{"pet_id": "milo", "remove_image_ids": ["a"], "expected_animals": [1, 2, 3]}',
        b'{"pet_id": "milo", "remove_image_ids": ["a"], "schema_version": 2}',
    ],
)
def test_a_body_that_is_no_job_is_refused(client: Client, body: bytes) -> None:
    """Whatever it is instead."""
    response = client.post(JOBS, content=body, headers={"Content-Type": "application/json"})
    require_problem(response, 422, "invalid")


def test_secrets_in_a_body_are_not_sent_back(client: Client) -> None:
    """A mistake is told by its place."""
    body = {"pet_id": "milo", "images": [{"image_id": "a", "uri": 7, "x": "sig=secret"}]}
    assert "secret" not in client.post(JOBS, json=body).text


def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    """Whether its length is told, or it comes in pieces."""
    require_problem(client.post(JOBS, content=b" " * 10_001), 413, "too-large")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 1000

    require_problem(client.post(JOBS, content=pieces()), 413, "too-large")


def test_a_body_of_another_type_is_refused(client: Client) -> None:
    """A form can be sent by a browser from elsewhere, JSON can't."""
    response = client.post(
        JOBS, content=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    require_problem(response, 415, "not-json")


def test_too_many_photos_are_refused(service: Service) -> None:
    """More come in several jobs."""
    photo = JOB["images"][0]
    client = service.client(max_body_bytes=10_000_000)
    require_problem(client.post(JOBS, json={**JOB, "images": [photo] * (MAX_IMAGES + 1)}), 422, "invalid")
    assert client.post(JOBS, json={**JOB, "images": [photo] * MAX_IMAGES}).status_code == 202


def test_a_store_that_does_not_answer_is_worth_another_try(service: Service) -> None:
    """And says when."""
    service.albums.error = TemporaryError("the store did not answer")
    response = service.client().get(CLUSTERS)
    require_problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("error", [StateError, DamagedDataError, ConfigurationError])
def test_what_is_stored_and_can_not_be_read_is_not_the_callers_fault(
    service: Service, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """Another release may read it; operators find the reason, callers don't."""
    service.albums.error = error("secret insides")
    assert "secret" not in str(require_problem(service.client().get(CLUSTERS), 503, "unavailable"))
    assert "secret insides" in caplog.text


def test_a_bug_tells_nothing_of_our_insides(service: Service) -> None:
    """The log does."""
    service.albums.error = ZeroDivisionError("secret insides")
    told = require_problem(service.client().get(CLUSTERS), 500, "failed")
    assert "secret" not in str(told)


def test_who_asks_too_much_waits(service: Service) -> None:
    """Each caller has a limit of its own."""
    client = service.client(requests_per_s=0.1, burst=2)
    assert [client.get(CLUSTERS).status_code for _ in range(2)] == [200, 200]
    response = client.get(CLUSTERS)
    require_problem(response, 429, "too-many")
    assert response.headers["retry-after"] == "10"
    other = {"X-Internal-Token": NEXT_TOKEN}
    assert client.get(CLUSTERS, headers=other).status_code == 200
    assert client.get("/healthz").status_code == 200
