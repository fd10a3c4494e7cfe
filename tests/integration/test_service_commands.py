"""Commands that look after a service, over a store of their own that holds one album and some jobs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from desk_over import Service
from typer.testing import Result

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.entrypoints.cli import up
from sploot_media_clustering.entrypoints.cli.up import PROGRAM

Run = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store of this user, as `up` would run it, without anything said about where it is."""
    for name in ("REDIS_URL", "SPLOOT_LOCAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPLOOT_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def filled(folder: Path) -> None:
    """An album and a job that waits."""

    async def filling(url: str) -> None:
        connection = connect(url)
        queue = RedisJobQueue(connection)
        await Service(queue, RedisPetStore(connection), RedisDeadLetters(connection)).work()
        await connection.close()

    with embedded_store(folder) as store:
        asyncio.run(filling(store.url))


def test_a_pause_is_stored_and_shown_until_it_ends(store: Path, run: Run) -> None:
    """Whoever asks sees it, in this process or another, after the store was stopped and started."""
    assert "no" in line(run("status"), "paused")
    assert run("pause").exit_code == 0
    assert "since" in line(run("status"), "paused")
    assert json.loads(run("status", "--json").stdout)["paused_at"] is not None
    assert run("resume").exit_code == 0
    assert "no" in line(run("status"), "paused")
    assert store.is_dir()


def line(result: Result, name: str) -> str:
    assert result.exit_code == 0, result.output
    return next(text for text in result.stdout.splitlines() if text.startswith(name))


def test_what_waits_is_counted_and_listed(store: Path, run: Run) -> None:
    """With its album and its age."""
    assert len(run("pending").stdout.splitlines()) == 1
    filled(store)
    assert line(run("status"), "waiting").split()[1] == "1,"
    assert line(run("pending"), "cats").split()[:4] == ["cats", "milo", "live", "waiting"]
    (job,) = run("pending", "--json").stdout.splitlines()
    assert json.loads(job)["pet_id"] == "milo"


def test_an_album_is_inspected(store: Path, run: Run) -> None:
    """What the store holds of it, and its clusters; one that never was is an error."""
    filled(store)
    assert run("inspect", "nobody").exit_code == 3
    told = run("inspect", "milo")
    assert line(told, "photos").split() == ["photos", "10"]
    assert line(told, "read from").split() == ["read", "from", "s3:", "10"]
    assert "10 photos" in told.stdout


def test_a_rebuild_is_handed_in_as_a_job(store: Path, run: Run) -> None:
    """For a worker; an album that never was can't be rebuilt."""
    filled(store)
    assert run("rebuild", "nobody").exit_code == 3
    told = run("rebuild", "milo")
    assert told.exit_code == 0, told.output
    assert "queued" in told.stdout
    jobs = [json.loads(job) for job in run("pending", "--json").stdout.splitlines()]
    assert [job["pet_id"] for job in jobs] == ["milo", "milo"]


def test_a_port_that_is_taken_is_told_before_anything_starts(store: Path, run: Run) -> None:
    """Not by an API that starts again and again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        told = run("up", "--port", taken.getsockname()[1])
    assert told.exit_code == 4
    assert not store.exists()


@contextmanager
def begun(folder: Path, partitions: int) -> Iterator[None]:
    """A service that began with some partitions, and whose store runs."""

    async def begin(url: str) -> None:
        connection = connect(url)
        await RedisPartitions(connection, partitions, begin=True)()
        await connection.close()

    with embedded_store(folder) as found:
        asyncio.run(begin(found.url))
        yield


@pytest.mark.parametrize("command", [("status",), ("up", "--port", "1")], ids=["status", "up"])
def test_partitions_are_said_once(
    store: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Who says another number later is told so, in one sentence, and does nothing."""
    monkeypatch.setattr(up, "_require_free", lambda _port: None)
    monkeypatch.setenv("SPLOOT_PARTITIONS", "3")
    with begun(store, 2):
        told = run(*command)
    assert told.exit_code == 4
    assert "expected SPLOOT_PARTITIONS to be 2" in told.output
    assert "got 3; set it to 2 or leave it out" in " ".join(told.output.split())


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_processes_of_the_service_refuse_to_start_with_other_partitions(store: Path, command: str) -> None:
    """Before they read or add anything; the store's own number, or none, will do."""
    told = {"SPLOOT_PARTITIONS": "3", "SPLOOT_LOCAL": "1"}
    arguments = [*PROGRAM, command, *(["--port", "1"] if command == "serve" else [])]
    with begun(store, 2):
        done = subprocess.run(
            arguments, env=os.environ | told, capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 4
    assert "expected SPLOOT_PARTITIONS to be 2" in done.stderr


def test_lanes_and_partitions_are_shown(store: Path, run: Run) -> None:
    """Where there are several, or where back-fill waits; a job tells its lane."""
    photo = store.with_name("1.jpg")
    photo.write_bytes(b"nobody looks yet")
    with begun(store, 2):
        assert run("submit", "milo", str(photo), "--backfill", "--job-id", "bulk").exit_code == 0
        told = run("status")
        assert line(told, "waiting").split()[1] == "1,"
        assert line(told, "  live 1").split()[2] == "1,"
        assert [line(told, name).split()[2] for name in ("  live 0", "  back-fill 1")] == ["0", "0"]
        lanes = json.loads(run("status", "--json").stdout)["lanes"]
    assert [(lane["partition"], lane["lane"], lane["waiting"]) for lane in lanes] == [
        (0, "live", 0),
        (1, "live", 1),
        (0, "backfill", 0),
        (1, "backfill", 0),
    ]
