"""A cluster of three servers on loopback, for as long as the tests of a process run."""

from __future__ import annotations

import atexit
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import redis

from sploot_media_clustering.adapters.embedded_store import server_binary

SLOTS = 16384
NODES = 3
PATIENCE_S = 30


@cache
def cluster_url() -> str:
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    ports = [_free_port() for _ in range(NODES)]
    for port in ports:
        command = [server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += ["--cluster-enabled", "yes", "--cluster-config-file", f"{port}.conf", "--save", ""]
        node = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        stack.callback(node.wait)
        stack.callback(node.kill)
    clients = [stack.enter_context(redis.Redis(port=port, protocol=2)) for port in ports]
    for number, client in enumerate(clients):
        _until(lambda client=client: _answers(client))
        first, last = SLOTS * number // NODES, SLOTS * (number + 1) // NODES
        client.execute_command("CLUSTER", "ADDSLOTS", *range(first, last))
        client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0])
    for client in clients:
        _until(lambda client=client: client.cluster("info").get("cluster_state") == "ok")
    return "cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _free_port() -> int:
    """A port whose cluster bus, 10 000 above, is a port as well."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 55_000:
            return port


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "the cluster did not come up"
        time.sleep(0.05)
