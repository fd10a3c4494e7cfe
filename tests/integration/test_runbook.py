"""The commands of the runbook, run as they stand there."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from desk_over import Service
from typer.testing import Result

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.services.job_ports import Burial, Entry
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import JOB_FIELD, encode

Run = Callable[..., Result]

RUNBOOK = Path(__file__).parents[2] / "docs/runbook.md"
OURS = "sploot-clustering"
OTHERS = {"kubectl", "curl", "openssl"}
"""What needs a cluster, a server or a name of its own."""
RUN_ELSEWHERE = {"model migrate", "drift --since"}
"""Commands that need workers, or many albums: tests/integration/test_migrate.py and test_drift_command.py."""
JOB = JobRequest(
    job_id="lost", pet_id="milo", images=(JobImage(image_id="1", uri="https://a.example/1.jpg"),)
)


def commands() -> list[str]:
    """The lines of all blocks of shell commands."""
    blocks = re.findall(r"```sh\n(.*?)```", RUNBOOK.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.strip().splitlines()]


async def filled(url: str) -> str:
    """An album, a job that waits, models that were in charge, and a dead letter, which is told."""
    connection = connect(url)
    queue, letters = RedisJobQueue(connection), RedisDeadLetters(connection)
    await Service(queue, RedisPetStore(connection), letters).work()
    for model in ("model-1", "model-2"):
        await RedisModels(connection).take(model)
    queued = await queue.add(JOB)
    entry = Entry(str(queued.position), {JOB_FIELD: encode(JOB)}, again=True)
    letter = await letters.add(Burial(entry, "a reason", 3, "lost", "milo", queued.position))
    await connection.close()
    return letter


def test_every_command_of_the_runbook_runs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they stand, on a store with something in it."""
    for name in ("REDIS_URL", "SPLOOT_LOCAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPLOOT_STORE", str(tmp_path / "store"))
    with embedded_store(tmp_path / "store") as store:
        letter = asyncio.run(filled(store.url))
    places = {"LETTER": letter, "PET": "milo", "BACKUP": f"{tmp_path}/b.rdb", "RESTORED": f"{tmp_path}/again"}
    ran = 0
    for line in commands():
        words = shlex.split(re.sub(r"\$([A-Z]+)\b", lambda found: places.get(found[1], found[0]), line))
        with monkeypatch.context() as told:
            while "=" in words[0]:
                told.setenv(*words.pop(0).split("=", 1))
            if words[0] in OTHERS or " ".join(words[1:3]) in RUN_ELSEWHERE:
                continue
            assert words[0] == OURS, line
            done = run(*words[1:])
        assert done.exit_code == 0, (line, done.output)
        ran += 1
    assert ran >= 12
