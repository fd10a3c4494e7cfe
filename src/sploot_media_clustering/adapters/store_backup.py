"""Backups of the embedded store: one file, the data of one moment, taken while the store runs.

The server forks, and its child writes the data as they were at that moment; so nothing that is committed
afterwards is in it, and nothing by halves. A restore begins a folder of its own: it reads the snapshot,
writes the append-only file from it, and only then gives the folder its name.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import redis
from redis.exceptions import RedisError

from sploot_media_clustering.adapters.embedded_store import SNAPSHOT, embedded_store
from sploot_media_clustering.errors import ConfigurationError, InputError, StoreUnavailableError

_MAGIC: Final = (b"REDIS", b"VALKEY")
_PRIVATE: Final = 0o600
_WRITE_S: Final = 600.0
"""For writing some gigabytes."""
_POLL_S: Final = 0.02


def back_up(folder: Path, file: Path) -> int:
    """Write what a store holds into a file.

    Args:
        folder: of the embedded store's data; the store may be running.
        file: to be made, for this user alone.

    Returns:
        Its size in bytes.

    Raises:
        ConfigurationError: there is no such store, or the file is there already.
        StoreUnavailableError: the store did not write its data.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise ConfigurationError(f"expected a store in {folder}, found none; SPLOOT_STORE says where it is")
    _require_absent(file)
    snapshot = folder / SNAPSHOT
    with _one_at_a_time(folder), embedded_store(folder) as store, _client(store.url) as client:
        snapshot.unlink(missing_ok=True)
        client.bgsave(schedule=True)
        _wait(lambda: _is_written(client, snapshot), "write its data")
        try:
            return _moved(snapshot, file)
        finally:
            snapshot.unlink(missing_ok=True)


def restore(file: Path, folder: Path) -> int:
    """Make the data folder of an embedded store from a backup.

    Args:
        file: that :func:`back_up` wrote.
        folder: that does not exist yet, or is empty.

    Returns:
        The number of keys.

    Raises:
        ConfigurationError: the folder holds something.
        InputError: the file is no backup, or is damaged.
        StoreUnavailableError: the store did not take it.
    """
    folder = folder.expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            f"expected {folder} to be empty or not there, it holds something; "
            "move it away, or set SPLOOT_STORE to another"
        )
    _require_backup(file)
    begun = folder.with_name(f".{folder.name}.restoring")
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir(mode=0o700, parents=True)
    try:
        shutil.copyfile(file, begun / SNAPSHOT)
        keys = _taken(begun, file)
        (begun / SNAPSHOT).unlink()
        begun.replace(folder)
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    return keys


def _taken(folder: Path, file: Path) -> int:
    """The snapshot read, and logged from then on."""
    try:
        with embedded_store(folder, from_snapshot=True) as store, _client(store.url) as client:
            keys = int(client.dbsize())
            client.config_set("appendonly", "yes")
            _wait(lambda: _is_logged(client), "log its data")
            return keys
    except StoreUnavailableError as error:
        raise InputError(f"expected {file} to be a whole backup, the store refuses it: {error}") from error


def _is_written(client: Any, snapshot: Path) -> bool:  # noqa: ANN401 - redis-py's answers have no types
    told = client.info("persistence")
    if not told["rdb_bgsave_in_progress"] and told["rdb_last_bgsave_status"] != "ok":
        raise StoreUnavailableError("expected the store to write its data, it failed; see its log")
    return snapshot.exists()  # it gets its name when it is whole


def _is_logged(client: Any) -> bool:  # noqa: ANN401 - see above
    told = client.info("persistence")
    if told["aof_last_bgrewrite_status"] != "ok":
        raise StoreUnavailableError("expected the store to log its data, it failed; see its log")
    busy = told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"]
    return bool(told["aof_enabled"]) and not busy


def _moved(snapshot: Path, file: Path) -> int:
    """Under its own name only when it is whole and on the disk; never over another file."""
    begun = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with snapshot.open("rb") as source, open(begun, "xb", opener=_private) as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
            size_bytes = target.tell()
        file.hardlink_to(begun)
    except FileExistsError:
        _require_absent(file)
        raise
    finally:
        begun.unlink(missing_ok=True)
    return size_bytes


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)


def _require_absent(file: Path) -> None:
    if file.exists():
        raise ConfigurationError(f"expected {file} not to be there, it is; backups overwrite nothing")
    if not file.parent.is_dir():
        raise ConfigurationError(f"expected a folder {file.parent} to write to, there is none")


def _require_backup(file: Path) -> None:
    try:
        with file.open("rb") as stream:
            head = stream.read(max(map(len, _MAGIC)))
    except OSError as error:
        raise InputError(f"expected a backup at {file}: {error.strerror}") from error
    if not head.startswith(_MAGIC):
        raise InputError(f"expected a backup that `backup` wrote, {file} is something else")


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _client(url: str) -> Iterator[Any]:
    client: Any = redis.Redis.from_url(url)
    try:
        yield client
    except RedisError as error:
        raise StoreUnavailableError(f"the store did not answer: {error}") from error
    finally:
        client.close()


def _wait(holds: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + _WRITE_S
    while not holds():
        if time.monotonic() > end_s:
            raise StoreUnavailableError(f"expected the store to {what} within {_WRITE_S:g} s")
        time.sleep(_POLL_S)
