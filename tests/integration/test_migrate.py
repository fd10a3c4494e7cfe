"""All albums brought to another model and back, on a real store with real workers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from embedded_server import on_store, server_url
from fake_worker import BLIND, MANNER, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings
from msgspec import structs
from typer.testing import Result

from sploot_media_clustering import bootstrap_bulk
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap_worker import Tools, open_worker
from sploot_media_clustering.entrypoints.cli import model_embed
from sploot_media_clustering.errors import NotAnImageError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.decision_records import Said, Sighted
from sploot_media_clustering.services.desk import Decide
from sploot_media_clustering.services.embedding_ahead import AlbumsAhead, PhotoAhead
from sploot_media_clustering.services.jobs import ChangeJob, Job

Run = Callable[..., Result]

PATIENCE_S = 400.0
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEPT = MemoryPetEmbeddings()
ALBUM = {f"{animal}-{n}": f"{animal} {n}" for animal in ("milo", "bella") for n in range(2)}


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> None:
    KEPT.kept.clear()
    on_store(lambda connection: connection.execute("FLUSHALL"))
    monkeypatch.setenv("REDIS_URL", server_url())


async def in_charge() -> str | None:
    connection = connect(server_url())
    terms = await RedisModels(connection).terms()
    await connection.close()
    return terms[-1].model_version if terms else None


def tools_of(model: str, networks: str) -> Tools:
    return Tools(sketch_clustering(model, networks), SketchEmbedder(networks), SketchSource(), KEPT)


@contextmanager
def worker(model: str, networks: str) -> Iterator[Tools]:
    """A worker of some model, in a thread of its own; its model is in charge."""
    tools = tools_of(model, networks)
    ready, stop = threading.Event(), threading.Event()

    async def work() -> None:
        async with open_worker(server_url(), tools, MANNER) as opened:
            told = asyncio.Event()
            running = asyncio.create_task(opened.consumer.run(told))
            while await in_charge() != model:  # noqa: ASYNC110 - the store sets no event
                await asyncio.sleep(0.01)
            ready.set()
            await asyncio.to_thread(stop.wait)
            told.set()
            await running

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield tools
    finally:
        stop.set()
        thread.join(PATIENCE_S)


def do(jobs: list[Job]) -> None:
    """Jobs handed in and done."""

    async def done(connection: RedisConnection) -> None:
        queue = RedisJobQueue(connection)
        for job in jobs:
            await queue.add(job)
        async with asyncio.timeout(PATIENCE_S):
            for job in jobs:
                while True:
                    state = await queue.state(str(job.job_id))
                    if state is not None and state.status not in {"queued", "running"}:
                        assert state.status == "done"
                        break
                    await asyncio.sleep(0.02)

    on_store(done)


def named(job_id: str, pet: str, name: str, photo: str) -> ChangeJob:
    said = Said(kind="name", name=name, sightings=(Sighted(image_id=photo),))
    return ChangeJob(job_id=job_id, pet_id=pet, change=Decide(said=said), at=NOON)


def answers(pets: list[str]) -> dict[str, Answer]:
    """Of each album, without its version and its time."""

    async def read(connection: RedisConnection) -> dict[str, Answer]:
        found = {}
        for pet in pets:
            answer = msgspec.json.decode(await RedisPetStore(connection).payload(pet) or b"", type=Answer)
            metrics = structs.replace(answer.metrics, processed_at=NOON)
            found[pet] = structs.replace(answer, version=0, updated_at=NOON, metrics=metrics)
        return found

    return on_store(read)


def migrated(run: Run, *more: str) -> list[dict[str, Any]]:
    told = run("model", "migrate", "--json", *more)
    assert told.exit_code == 0, told.output
    return [json.loads(line) for line in told.stdout.splitlines()]


def formers(pets: list[str]) -> list[bool]:
    async def read(connection: RedisConnection) -> list[bool]:
        store = RedisPetStore(connection)
        return [album_record.unpack((await store.read(pet)).record).former is not None for pet in pets]

    return on_store(read)


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_albums_are_migrated_and_taken_back_to_exactly_what_they_were(run: Run, count: int) -> None:
    """Unchanged animals keep their ids, names and decisions hold, and what came meanwhile is there after."""
    pets = [f"pet-{number}" for number in range(count)]
    with worker("model-1", "networks-1"):
        do([photos_job(f"job-{pet}", pet, ALBUM) for pet in pets])
        do([named(f"name-{pet}", pet, "Milo", "milo-0") for pet in pets[::3]])
    before = answers(pets)
    with worker("model-2", "networks-2"):
        done = migrated(run, "--share", "0.5")
        assert len(done) == count // 2
        assert {str(one["pet_id"]) for one in done} <= {str(one["pet_id"]) for one in migrated(run)}
        there = answers(pets)
        assert {answer.model_version for answer in there.values()} == {"model-2"}
        again = migrated(run)
        assert len(again) == count
        assert sum(one["same_kept"] for one in again) == sum(one["same"] for one in again) == 2 * count
        assert not any(one.get("lost_names") or one.get("lost_decisions") for one in again)
        late = photos_job("late", pets[0], {"milo-9": "milo 9"})
        do([late, named("late-name", pets[1], "Bella", "bella-0")])
    assert run("model", "rollback").exit_code == 0
    with worker("model-1", "networks-1"):
        assert len(migrated(run)) == count
        assert all(formers(pets))
        after = answers(pets)
        assert {pet: after[pet] for pet in pets[2:]} == {pet: before[pet] for pet in pets[2:]}
        assert "milo-9" in {image.image_id for image in after[pets[0]].images}
        assert {part.name for part in after[pets[1]].clusters} >= {"Bella"}
        assert f"{count} albums" in run("model", "migrate", "--let-go").stderr
        assert not any(formers(pets))


@dataclass
class BrokenSource(SketchSource):
    """One photo can't be read any more."""

    def read(self, uri: str) -> bytes:
        if uri == "sketch:bella 1":
            raise NotAnImageError("expected an image, got none")
        return super().read(uri)


def embedded_ahead(run: Run, *more: str) -> Counter[str]:
    told = run("model", "embed", "--json", *more)
    found = [json.loads(line) for line in told.stdout.splitlines()]
    assert told.exit_code == any(one["outcome"] == "failed" for one in found), told.output
    return Counter(one["outcome"] for one in found)


def test_photos_that_were_embedded_ahead_are_read_by_no_migration(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked; one that can't be read is told, and keeps no other from it."""
    pets = [f"pet-{number}" for number in range(4)]
    with worker("model-1", "networks-1"):
        do([photos_job(f"job-{pet}", pet, ALBUM) for pet in pets])
    source = BrokenSource()
    ahead = replace(tools_of("model-2", "networks-2"), source=source)
    monkeypatch.setattr(bootstrap_bulk, "open_tools", lambda *_: nullcontext(ahead))
    assert embedded_ahead(run, "--share", "0.5") == {"embedded": 6, "failed": 2}
    assert embedded_ahead(run) == {"kept": 6, "embedded": 6, "failed": 4}
    assert source.reads.total() == 12
    with worker("model-2", "networks-2") as tools:
        assert len(migrated(run)) == 4
        assert set(tools.source.reads) == {"sketch:bella 1"}
    assert embedded_ahead(run).keys() <= {"kept", "failed"}


def test_of_a_photo_that_is_removed_meanwhile_nothing_is_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it was on its way through the networks then, and though the way was cut short."""
    with worker("model-1", "networks-1"):
        do([photos_job("job", "pet", ALBUM)])
    tools = tools_of("model-2", "networks-2")
    monkeypatch.setattr(bootstrap_bulk, "open_tools", lambda *_: nullcontext(tools))
    monkeypatch.setattr(model_embed, "kept_embeddings", lambda _: KEPT)
    removed = PhotoAhead("pet", "removed", Source("sketch:milo 5", b""))
    listed = AlbumsAhead.photos

    async def photos(albums: AlbumsAhead, pet_ids: list[str]) -> list[PhotoAhead]:
        return [removed, *await listed(albums, pet_ids)]

    monkeypatch.setattr(AlbumsAhead, "photos", photos)
    assert embedded_ahead(run) == {"embedded": 5}
    assert {name for _, name, key in KEPT.kept if key.endswith("networks-2")} == ALBUM.keys()

    monkeypatch.setattr(model_embed._Tally, "add", Mock(side_effect=KeyboardInterrupt))
    run("model", "embed")
    assert {name for _, name, key in KEPT.kept if key.endswith("networks-2")} == ALBUM.keys()


def test_a_migration_that_moves_too_much_stops(run: Run) -> None:
    """A model to which all animals look alike: not all albums are handed in, and the way back is told."""
    pets = [f"pet-{number}" for number in range(24)]
    with worker("model-1", "networks-1"):
        do([photos_job(f"job-{pet}", pet, ALBUM) for pet in pets])
    with worker(BLIND, "networks-1"):
        told = run("model", "migrate")
        assert told.exit_code == 1
        assert "50.0% of the photos changed their animal" in told.stderr
        assert "model rollback" in told.stderr
        assert run("model", "migrate", "--most-moved", "1").exit_code == 0
    assert run("model", "rollback").exit_code == 0
    with worker("model-1", "networks-1"):
        assert run("model", "migrate").exit_code == 0  # what moved moves back


def test_where_no_worker_ran_there_is_nothing_to_migrate_to(run: Run) -> None:
    """And that is said."""
    told = run("model", "migrate")
    assert told.exit_code == 3
    assert "no worker has run yet" in told.stderr
