"""Embedding servers on loopback: in this process, or in one of their own that can be killed."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import uvicorn

from sploot_media_clustering.adapters.embedder_wire import Networks
from sploot_media_clustering.adapters.remote_embedder import Patience, RemoteEmbedder
from sploot_media_clustering.entrypoints.api.server import config
from sploot_media_clustering.entrypoints.embedder import create_server
from sploot_media_clustering.services.ports import Embedder
from sploot_media_clustering.settings import EmbedderSettings

TOKEN = sha256(b"embedder").hexdigest()[:32]
SETTINGS = EmbedderSettings(tokens=(TOKEN,))
PATIENCE_S = 60.0
_PROGRAM = (
    sys.executable,
    "-c",
    "from sploot_media_clustering.entrypoints.cli import main; main()",
    "serve-embedder",
)


def networks_of(embedder: Embedder) -> Networks:
    return Networks(embedder.version, embedder.input_px, embedder.dimension)


def remote_of(url: str, embedder: Embedder, token: str | None = TOKEN) -> RemoteEmbedder:
    """Asks the server at ``url`` for what ``embedder`` would say."""
    patience = Patience(first_wait_s=0.01, answer_s=PATIENCE_S)
    return RemoteEmbedder(url, networks=networks_of(embedder), token=token, patience=patience)


@contextmanager
def served(embedder: Embedder, settings: EmbedderSettings = SETTINGS, *, batch: int = 8) -> Iterator[str]:
    """The URL of a server in a thread of this process."""
    made = create_server(embedder, settings, batch=batch)
    server = uvicorn.Server(config(made.app, settings))

    async def run(listening: socket.socket) -> None:
        async with made.batcher.running():
            await server.serve(sockets=[listening])

    # With the protocol named: else asyncio leaves it to Nagle to wait, 40 ms each time.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who asks before the server is up waits
        thread = threading.Thread(target=lambda: asyncio.run(run(listening)))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class EmbedderProcess:
    """The command ``serve-embedder`` at an address that nobody else can take meanwhile."""

    folder: str
    running: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        # Bound and never listened on: whoever names this port, with SO_REUSEADDR, may still listen there.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = int(self._held.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, model: str = "") -> None:
        command = [*_PROGRAM, "--port", str(self.port)]
        told = {"SPLOOT_EMBEDDER_TOKENS": TOKEN, "SPLOOT_CACHE": self.folder, "SPLOOT_MODEL": model}
        self.running = subprocess.Popen(command, env=os.environ | told)
        end = time.monotonic() + PATIENCE_S
        while not self.listens():
            assert self.running.poll() is None, "the server has ended"
            assert time.monotonic() < end, "the server did not come up"
            time.sleep(0.05)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait()
            self.running = None

    def close(self) -> None:
        self.kill()
        self._held.close()
