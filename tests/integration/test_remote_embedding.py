"""Workers and commands whose networks run elsewhere: the real server, the real networks, the real store."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from cat_album import cat_photo, write_album
from embedded_server import server_url
from fake_worker import MANNER
from memory_store import MemoryPetEmbeddings
from own_network import own_package
from PIL import Image
from served_embedder import PATIENCE_S, TOKEN, EmbedderProcess, served
from typer.testing import Result

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap import open_embedding
from sploot_media_clustering.bootstrap_worker import Tools, open_consumer
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.fakes import FakeEmbedder
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.settings import Settings

BROKEN = (b"", b"no image", cat_photo(0)[:2000])


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbedderProcess]:
    process = EmbedderProcess(str(tmp_path_factory.mktemp("embedder")))
    process.start()
    try:
        yield process
    finally:
        process.close()


@pytest.fixture
def local(tmp_path: Path) -> Settings:
    return Settings(model=None, cache=str(tmp_path / "cache"), threads=1)


@pytest.fixture
def remote(local: Settings, embedder: EmbedderProcess) -> Settings:
    return replace(local, embedder_url=embedder.url, embedder_token=TOKEN)


class CatSource:
    """``cat:3`` is a photo, ``cat:broken`` is none."""

    def read(self, uri: str) -> bytes:
        name = uri.partition(":")[2]
        return cat_photo(int(name)) if name.isdecimal() else BROKEN[1]


def drawing() -> bytes:
    """A picture without an animal."""
    file = io.BytesIO()
    Image.fromarray(np.full((300, 400, 3), 240, np.uint8)).save(file, "PNG")
    return file.getvalue()


def inputs() -> list[PhotoInput]:
    """Photos, some of them broken, one without an animal."""
    photos = [cat_photo(number) for number in range(6)]
    photos[1:1] = [BROKEN[0], BROKEN[1]]
    photos[5:5] = [BROKEN[2], drawing()]
    return [PhotoInput(f"{place:02d}", data) for place, data in enumerate(photos)]


def test_photos_come_to_the_same_wherever_they_are_embedded(local: Settings, remote: Settings) -> None:
    """Many at once and one by one; what can't be read fails alone, with the same error."""
    with open_embedding(local) as here, open_embedding(remote) as there:
        expected, found = (list(parts.service.embed(inputs())) for parts in (here, there))
        alone = there.service.embed_one(inputs()[0])
    for one, other in zip(expected, found, strict=True):
        assert type(one) is type(other)
        if isinstance(one, PhotoFailure):
            assert (one.image_id, type(one.error), str(one.error)) == (
                other.image_id,
                type(other.error),
                str(other.error),
            )
        else:
            assert (one.image_id, one.network_version) == (other.image_id, other.network_version)
            require_close(one, other)
    require_close(expected[0], alone)
    assert sum(isinstance(one, PhotoFailure) for one in found) == len(BROKEN)


def require_close(one: PhotoEmbedding, other: PhotoEmbedding) -> None:
    """Half precision has a step of 0.001 around 1; the largest numbers of an embedding are about 6."""
    np.testing.assert_allclose(one.embedding, other.embedding, atol=0.01)
    assert [part.box for part in one.sightings] == [part.box for part in other.sightings]
    for part, same in zip(one.sightings, other.sightings, strict=True):
        np.testing.assert_allclose(part.embedding, same.embedding, atol=0.01)


@pytest.mark.slow
def test_the_command_clusters_with_a_server_as_without(
    run: Callable[..., Result],
    tmp_path: Path,
    embedder: EmbedderProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same clusters and heroes."""
    album = write_album(tmp_path / "album", *range(5))
    answers = []
    for name, url in (("here", ""), ("there", embedder.url)):
        monkeypatch.setenv("SPLOOT_CACHE", str(tmp_path / f"cache-{name}"))
        monkeypatch.setenv("SPLOOT_EMBEDDER_URL", url)
        monkeypatch.setenv("SPLOOT_EMBEDDER_TOKENS", TOKEN)
        result = run("cluster", album, "--out", tmp_path / name, "--json")
        assert result.exit_code == 0, result.output
        answers.append(msgspec.json.decode(result.stdout, type=Answer))
    require_same(*answers)


def test_a_command_that_can_not_go_on_says_why(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another model's server is a matter of configuration; so is a server without a token."""
    album = write_album(tmp_path / "album", 1)
    monkeypatch.setenv("SPLOOT_EMBEDDER_TOKENS", TOKEN)
    with served(FakeEmbedder()) as url:
        monkeypatch.setenv("SPLOOT_EMBEDDER_URL", url)
        result = run("cluster", album)
        assert result.exit_code == 4
        assert "it has fake-1; start `sploot-clustering serve-embedder`" in result.output
    for name in ("SPLOOT_EMBEDDER_TOKENS", "SPLOOT_LOCAL"):
        monkeypatch.setenv(name, "")
    result = run("serve-embedder")
    assert result.exit_code == 4
    assert "SPLOOT_EMBEDDER_TOKENS" in result.output


def require_same(one: Answer, other: Answer) -> None:
    """The same clusters, and heroes of the same scores but for rounding."""
    members = [
        [(part.level, sorted(member.image_id for member in part.members)) for part in answer.clusters]
        for answer in (one, other)
    ]
    assert members[0] == members[1]
    assert members[0]
    for part, same in zip(one.clusters, other.clusters, strict=True):
        scores = [[hero.score for hero in found.heroes] for found in (part, same)]
        assert scores[0] == pytest.approx(scores[1], abs=0.02)


def job(job_id: str, pet_id: str, photos: Sequence[str]) -> JobRequest:
    images = tuple(JobImage(image_id=name, uri=f"cat:{name}") for name in photos)
    return JobRequest(job_id=job_id, pet_id=pet_id, images=images)


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[None]:
    """A worker in this process."""
    stop = asyncio.Event()
    with open_embedding(settings) as parts:
        clustering = ClusteringService(read_heads(parts.package))
        tools = Tools(clustering, parts.service, CatSource(), MemoryPetEmbeddings())
        async with open_consumer(server_url(), tools, MANNER) as consumer:
            running = asyncio.create_task(consumer.run(stop))
            try:
                yield
            finally:
                stop.set()
                await running


async def ended(queue: RedisJobQueue, job_id: str) -> object:
    async with asyncio.timeout(PATIENCE_S):
        while (state := await queue.state(job_id)) is None or state.status in {"queued", "running"}:  # noqa: ASYNC110 - in the store
            await asyncio.sleep(0.02)
    return state.status, [(part.image_id, part.error) for part in state.failed_images]


async def drill(
    local: Settings,
    remote: Settings,
    embedder: EmbedderProcess,
    meanwhile: str | None,
    heard: Callable[[], bool],
) -> None:
    """Jobs with the networks here, and the same with them elsewhere, where something happens in between."""
    connection = connect(server_url())
    await connection.execute("FLUSHALL")
    queue, pets = RedisJobQueue(connection), RedisPetStore(connection)

    async def answer(pet_id: str) -> Answer:
        payload = await pets.payload(pet_id)
        assert payload is not None
        return msgspec.json.decode(payload, type=Answer)

    first, more = ["0", "1", "2", "broken"], ["3", "4"]
    async with worker(local):
        await queue.add(job("here-1", "here", first))
        told = await ended(queue, "here-1")
        await queue.add(job("here-2", "here", more))
        await ended(queue, "here-2")
    async with worker(remote):
        await queue.add(job("there-1", "there", first))
        assert await ended(queue, "there-1") == told == ("done", [("broken", "NotAnImageError")])
        embedder.kill()
        if meanwhile is not None:
            await asyncio.to_thread(embedder.start, meanwhile)
        await queue.add(job("there-2", "there", more))
        async with asyncio.timeout(PATIENCE_S):
            while not heard():  # noqa: ASYNC110 - written by the worker
                await asyncio.sleep(0.02)
        embedder.kill()
        await asyncio.to_thread(embedder.start)
        assert await ended(queue, "there-2") == ("done", [])
    require_same(await answer("here"), await answer("there"))
    assert await connection.execute("XLEN", keys.LETTERS) == 0
    await connection.execute("FLUSHALL")
    await connection.close()


def test_a_worker_comes_to_the_same_and_outlives_its_embedder(
    local: Settings, remote: Settings, embedder: EmbedderProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed and started again in the middle: the job waits meanwhile, and none is lost or given up."""
    caplog.set_level(logging.WARNING)
    heard = "jobs of the album there wait: "
    asyncio.run(drill(local, remote, embedder, None, lambda: heard in caplog.text))


@pytest.mark.slow
def test_a_worker_uses_nothing_of_another_models_server(
    local: Settings,
    remote: Settings,
    embedder: EmbedderProcess,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Exchanged in the middle: jobs wait for the right one, and the log says what runs there."""
    caplog.set_level(logging.WARNING)
    own = own_package(tmp_path).folder
    heard = f"wait: {embedder.url} answers 409: expected views for the networks means-1-"
    asyncio.run(drill(local, remote, embedder, str(own), lambda: heard in caplog.text))


def test_a_worker_does_not_start_with_another_models_server(local: Settings) -> None:
    """One that is not there yet is no obstacle."""
    with (
        served(FakeEmbedder()) as url,
        pytest.raises(ConfigurationError, match="it has fake-1"),
        open_embedding(replace(local, embedder_url=url, embedder_token=TOKEN)),
    ):
        pass
