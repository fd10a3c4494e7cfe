"""The drill: a store is backed up while it works, lost, and made again from the file."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from desk_over import Service
from typer.testing import Result

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.adapters.store_backup import back_up, restore
from sploot_media_clustering.errors import ConfigurationError, InputError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.desk import JobState

Run = Callable[..., Result]

TOGETHER = """
redis.call('INCR', KEYS[1])
redis.call('SET', KEYS[2], string.rep('x', 10000))
redis.call('INCR', KEYS[3])
"""


def filled(url: str) -> None:
    """An album, and its job."""

    async def filling() -> None:
        connection = connect(url)
        queue = RedisJobQueue(connection)
        await Service(queue, RedisPetStore(connection), RedisDeadLetters(connection)).work()
        await connection.close()

    asyncio.run(filling())


def found(url: str) -> tuple[Answer | None, JobState | None]:
    async def reading() -> tuple[Answer | None, JobState | None]:
        connection = connect(url)
        queue = RedisJobQueue(connection)
        desk = Service(queue, RedisPetStore(connection), RedisDeadLetters(connection)).desk
        try:
            return await desk.albums.answer("milo"), await queue.state("cats")
        finally:
            await connection.close()

    return asyncio.run(reading())


@contextmanager
def client_of(url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(url)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def writing(url: str) -> Iterator[None]:
    """Somebody who writes two counters at once, again and again."""
    ending = threading.Event()

    def write() -> None:
        with client_of(url) as client:
            while not ending.is_set():
                client.eval(TOGETHER, 3, "one", f"filler-{time.monotonic_ns() % 500}", "two")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def test_the_drill(tmp_path: Path) -> None:
    """Taken while others write, it is of one moment; what it held is there again, and outlives a kill."""
    lost, file, again = tmp_path / "lost", tmp_path / "backup.rdb", tmp_path / "again"
    with embedded_store(lost) as store:
        filled(store.url)
        before = found(store.url)
        with writing(store.url), client_of(store.url) as client:
            while not client.get("two"):
                time.sleep(0.01)
            assert back_up(lost, file) == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    assert restore(file, again) > 5
    with embedded_store(again) as store:
        assert found(store.url) == before
        with client_of(store.url) as client:
            assert int(client.get("one")) == int(client.get("two")) > 0
            client.set("later", "1")
        os.kill(store.pid, signal.SIGKILL)
    with embedded_store(again) as store:
        assert found(store.url) == before
        with client_of(store.url) as client:
            assert client.get("later") == b"1"


def test_a_store_that_does_not_run_is_backed_up_as_well(tmp_path: Path) -> None:
    """It is started for that, and stopped."""
    with embedded_store(tmp_path / "store") as store:
        filled(store.url)
    back_up(tmp_path / "store", tmp_path / "file")
    assert restore(tmp_path / "file", tmp_path / "again") > 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "file", "store"]


def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    """Neither a file nor, where there is no store, anything at all."""
    with embedded_store(tmp_path / "store"):
        pass
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigurationError, match="overwrite nothing"):
        back_up(tmp_path / "store", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(ConfigurationError, match="found none"):
        back_up(tmp_path / "nowhere", tmp_path / "other")
    with pytest.raises(ConfigurationError, match="expected a folder"):
        back_up(tmp_path / "store", tmp_path / "no" / "other")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with embedded_store(tmp_path / "store") as store:
        filled(store.url)
    back_up(tmp_path / "store", tmp_path / "file")
    return tmp_path / "file"


def test_a_restore_overwrites_nothing(file: Path, tmp_path: Path) -> None:
    """A folder that holds something stays as it is; an empty one is taken."""
    with pytest.raises(ConfigurationError, match="holds something"):
        restore(file, tmp_path / "store")
    with pytest.raises(ConfigurationError, match="holds something"):
        restore(file, file)
    (tmp_path / "empty").mkdir()
    assert restore(file, tmp_path / "empty") > 5


@pytest.mark.parametrize("damage", ["another", "cut", "changed"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(file: Path, tmp_path: Path, damage: str) -> None:
    """Half an album would be worse than none."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(
        {"another": b"PK\x03\x04", "cut": file.read_bytes()[:-20], "changed": bytes(data)}[damage]
    )
    with pytest.raises(InputError, match="backup"):
        restore(file, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "store"]


def test_the_commands(file: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They take the store that up runs, and no other."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("SPLOOT_STORE", str(tmp_path / "store"))
    assert run("backup", tmp_path / "second").exit_code == 0
    assert run("restore", file).exit_code == 4
    monkeypatch.setenv("SPLOOT_STORE", str(tmp_path / "again"))
    assert run("restore", tmp_path / "second").exit_code == 0
    monkeypatch.setenv("REDIS_URL", "redis://localhost:1")
    assert run("backup", tmp_path / "third").exit_code == 4
