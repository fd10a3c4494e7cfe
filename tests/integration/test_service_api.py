"""From a job to clusters over HTTP, through a real store; the networks alone are made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import redis
from api_service import SETTINGS, TOKEN
from desk_over import CATS, Service

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_health import RedisHealth
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.entrypoints.api.app import create_app
from sploot_media_clustering.entrypoints.api.parts import ApiParts
from sploot_media_clustering.services.job_ports import Burial, Entry

Steps = Callable[[Service, httpx.AsyncClient], Coroutine[None, None, None]]

CLUSTERS = "/internal/pets/milo/clusters"
JOB = {"pet_id": "milo", "job_id": "j", "images": [{"image_id": "1", "uri": "https://u:p@h/1?sig=s"}]}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with embedded_store(tmp_path) as store:
        yield store.url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    connection = connect(url)
    queue, pets, letters = RedisJobQueue(connection), RedisPetStore(connection), RedisDeadLetters(connection)
    service = Service(queue, pets, letters, RedisHealth(connection))
    desk = service.desk
    parts = ApiParts(settings=SETTINGS, intake=desk.intake, albums=desk.albums, dead_letters=desk.letters)
    transport = httpx.ASGITransport(create_app(parts))
    headers = {"X-Internal-Token": TOKEN}
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
        yield service, client
    await connection.close()


def run(url: str, steps: Steps) -> None:
    async def running() -> None:
        async with opened(url) as (service, client):
            await steps(service, client)

    asyncio.run(running())


def test_from_a_job_to_clusters_and_heroes(url: str) -> None:
    """Handed in, worked on, read, corrected, read again, deleted."""

    async def steps(service: Service, client: httpx.AsyncClient) -> None:
        assert (await client.get(CLUSTERS)).status_code == 404
        await service.work()
        first = await client.get(f"{CLUSTERS}?level=subject&members=ids&after_job=cats")
        subjects = first.json()["clusters"]
        assert sorted(len(part["member_ids"]) for part in subjects) == [5, 5]
        assert all(part["hero_image_id"] in CATS.photos for part in subjects)
        body = {"kind": "name", "name": "Milo", "targets": ["a/1.jpg"]}
        named = await client.post("/internal/pets/milo/decisions", json=body)
        assert (named.status_code, named.json()["status"]) == (200, "done")
        etag = {"If-None-Match": first.headers["etag"]}
        second = await client.get(f"{CLUSTERS}?level=subject&members=ids&after_job=cats", headers=etag)
        assert second.status_code == 200
        assert second.json()["version"] == named.json()["version"]
        assert {part["name"] for part in second.json()["clusters"]} == {"Milo", None}
        etag = {"If-None-Match": second.headers["etag"]}
        assert (await client.get(f"{CLUSTERS}?level=subject&members=ids", headers=etag)).status_code == 304
        deleted = await client.delete("/internal/pets/milo")
        assert (deleted.status_code, deleted.json()["status"]) == (202, "queued")
        assert (await client.get(CLUSTERS)).status_code == 404

    run(url, steps)


def test_a_job_is_stored_once_and_what_was_stored_outlives_the_server(tmp_path: Path) -> None:
    """A 202 is a promise."""

    async def before(_service: Service, client: httpx.AsyncClient) -> None:
        for duplicate in (False, True):
            response = await client.post("/internal/cluster-jobs", json=JOB)
            assert (response.status_code, response.json()["duplicate"]) == (202, duplicate)
        other = await client.post("/internal/cluster-jobs", json={**JOB, "reason": "another"})
        assert other.status_code == 409

    async def after(_service: Service, client: httpx.AsyncClient) -> None:
        state = await client.get("/internal/cluster-jobs/j")
        assert (state.status_code, state.json()["status"]) == (200, "queued")

    with embedded_store(tmp_path) as store:
        run(store.url, before)
    with embedded_store(tmp_path) as store:
        run(store.url, after)


def test_dead_letters_of_a_real_store(url: str) -> None:
    """Listed without, shown with their message, handed in again, and dropped."""

    async def steps(service: Service, client: httpx.AsyncClient) -> None:
        await client.post("/internal/cluster-jobs", json=JOB)
        for number in (1, 2):
            entry = Entry(f"{number}-0", {b"job": b"{" if number == 2 else httpx_json(JOB)}, again=False)
            who = (None, None) if number == 2 else ("j", "milo")
            await service.letters.add(Burial(entry, "tried too often", 5, *who))
        listed = (await client.get("/internal/dead-letters?limit=1")).json()
        newest = listed["dead_letters"][0]
        assert (newest["message"], newest["reason"]) == (None, "tried too often")
        following = await client.get(f"/internal/dead-letters?cursor={listed['next_cursor']}")
        oldest = following.json()["dead_letters"][0]["id"]
        shown = await client.get(f"/internal/dead-letters/{oldest}")
        assert shown.json()["message"]["job"]["images"][0]["uri"] == "https://h/1"
        assert (await client.post(f"/internal/dead-letters/{newest['id']}/requeue")).status_code == 422
        assert (await client.delete(f"/internal/dead-letters/{newest['id']}")).status_code == 204
        assert (await client.post(f"/internal/dead-letters/{oldest}/requeue")).status_code == 202
        assert (await client.get("/internal/dead-letters")).json()["dead_letters"] == []
        for unknown in ("1-1", "999999999999999999-999999999999999999"):
            assert (await client.get(f"/internal/dead-letters/{unknown}")).status_code == 404

    run(url, steps)


def httpx_json(value: object) -> bytes:
    return httpx.Request("POST", "http://api", json=value).content


def test_a_store_that_evicts_albums_is_not_ready(url: str) -> None:
    """It would lose them without a word; one that evicts what expires anyway is."""

    for policy, status in (("volatile-lru", 200), ("allkeys-lru", 503)):
        with redis.Redis.from_url(url) as server:
            server.config_set("maxmemory-policy", policy)

        async def steps(_service: Service, client: httpx.AsyncClient, expected: int = status) -> None:
            assert (await client.get("/readyz")).status_code == expected

        run(url, steps)


def test_without_a_store_nothing_is_ready_and_everything_is_worth_another_try(tmp_path: Path) -> None:
    """503, and when to try again; the process itself is alive."""

    async def steps(_service: Service, client: httpx.AsyncClient) -> None:
        for path in (CLUSTERS, "/readyz", "/internal/cluster-jobs/j", "/internal/dead-letters"):
            response = await client.get(path)
            assert (response.status_code, response.headers.get("retry-after")) == (503, "1"), path
        assert (await client.post("/internal/cluster-jobs", json=JOB)).status_code == 503
        assert (await client.get("/healthz")).status_code == 200

    run(f"unix://{tmp_path}/nobody", steps)
