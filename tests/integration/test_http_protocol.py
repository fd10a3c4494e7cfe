"""What a server answers to what is no request: the same kind of document as to everything else."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpx
import msgspec
import pytest
import uvicorn
from api_service import SETTINGS, service_in_memory

from sploot_media_clustering.entrypoints.api import protocol
from sploot_media_clustering.entrypoints.api.problems import MEDIA_TYPE, ProblemDocument
from sploot_media_clustering.entrypoints.api.server import config


@pytest.fixture
def port() -> Iterator[int]:
    """Of the API, really served."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(config(service_in_memory().client().app, SETTINGS))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        yield int(listening.getsockname()[1])
        server.should_exit = True
        thread.join()


def told(port: int, sent: bytes) -> tuple[int, dict[str, str], ProblemDocument]:
    """The answer to some bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, msgspec.json.decode(body, type=ProblemDocument)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET /" + 70_000 * b"a",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["no HTTP", "no length", "a long line", "no host"],
)
def test_what_is_no_request_is_told_so(port: int, sent: bytes) -> None:
    """As a problem, and the connection ends."""
    status, headers, problem = told(port, sent)
    assert status == problem.status >= 400
    assert headers["content-type"] == MEDIA_TYPE
    assert problem.detail


def test_too_many_connections_are_told_so(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the time after which to try again; those that are there go on."""
    monkeypatch.setattr(protocol, "CONNECTIONS", 1)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/healthz").status_code == 200
        status, headers, problem = told(port, b"")
        assert (status, problem.status, headers["retry-after"]) == (503, 503, "1")
        assert client.get("/healthz").status_code == 200
