"""Bulk work over a real cluster of Ray, with real networks and a real store."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cat_album import write_album
from embedded_server import server_url
from other_model import other_heads

from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.bootstrap_worker import open_consumer, open_tools
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.settings import Settings, UriSettings

COMMAND = (sys.executable, "-c", "from sploot_media_clustering.entrypoints.cli import main; main()")
PETS = ("milo", "bella")
PHOTOS = range(5)
PATIENCE_S = 400.0


async def done(queue: RedisJobQueue, job_id: str) -> None:
    while True:
        state = await queue.state(job_id)
        if state is not None and state.status == "done":
            return
        await asyncio.sleep(0.02)


async def worked_on(folder: Path, cache: Path) -> None:
    """Albums made by a worker, which keeps their embeddings."""
    connection = connect(server_url())
    await connection.execute("FLUSHALL")
    queue, stop = RedisJobQueue(connection), asyncio.Event()
    images = tuple(JobImage(image_id=str(n), uri=f"file://{folder}/{n:02d}.jpg") for n in PHOTOS)
    settings = Settings(model=default_package().folder, cache=str(cache), threads=1)
    with open_tools(settings, UriSettings(file_root=folder)) as tools:
        async with open_consumer(server_url(), tools) as consumer, asyncio.timeout(PATIENCE_S):
            running = asyncio.create_task(consumer.run(stop))
            for pet in PETS:
                await queue.add(JobRequest(job_id=f"job-{pet}", pet_id=pet, images=images))
            for pet in PETS:
                await done(queue, f"job-{pet}")
            stop.set()
            await running
    await connection.close()


def files(cache: Path) -> dict[str, bytes]:
    return {str(path.relative_to(cache)): path.read_bytes() for path in cache.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_ray_keeps_what_a_worker_would(tmp_path: Path) -> None:
    """The same files with the same bytes, each photo once, though Ray ended before all could be read."""
    pytest.importorskip("ray.data", reason="needs the extra ray")
    folder = write_album(tmp_path / "photos", *PHOTOS)
    asyncio.run(worked_on(folder, tmp_path / "worker"))
    told = os.environ | {
        "HOME": str(tmp_path),
        "REDIS_URL": server_url(),
        "SPLOOT_CACHE": str(tmp_path / "bulk"),
        "SPLOOT_FILE_ROOT": str(folder),
        "SPLOOT_THREADS": "2",
    }
    model = other_heads(tmp_path / "other").folder

    def embedded(*more: str) -> list[str]:
        command = [*COMMAND, "model", "embed", str(model), "--json", *more]
        done = subprocess.run(
            command, env=told, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
        assert done.returncode == ("failed" in outcomes), done.stderr
        return sorted(outcomes)

    (folder / "04.jpg").rename(tmp_path / "away.jpg")
    assert embedded("--ray", "local") == ["embedded"] * 8 + ["failed"] * 2
    (tmp_path / "away.jpg").rename(folder / "04.jpg")
    assert embedded() == ["embedded"] * 2 + ["kept"] * 8
    assert files(tmp_path / "bulk") == files(tmp_path / "worker")
