"""Photos from a real HTTP server that behaves badly."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.errors import ImageTooLargeError, SourceUnavailableError, UnreadablePhotoError

MAX_BYTES = 100_000
SLOWNESS_S = 1.0


class BadServer(BaseHTTPRequestHandler):
    """Does what its path says."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/slow.jpg":
            time.sleep(SLOWNESS_S)
        if path in {"/endless.jpg", "/slow.jpg"}:
            self.send_response(200)
            self.end_headers()
            self._send_for_ever()
        else:
            self.send_error(int(path[1:4]))

    def _send_for_ever(self) -> None:
        try:
            while self.command == "GET":
                self.wfile.write(bytes(50_000))
        except OSError:
            self.close_connection = True

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def place() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BadServer) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def impatient_source(timeout_s: float) -> FsspecSource:
    return FsspecSource(file_systems=FileSystems(timeout_s=timeout_s), max_bytes=MAX_BYTES)


@pytest.fixture
def source() -> FsspecSource:
    return impatient_source(timeout_s=60.0)


def test_a_stream_without_end_is_left_at_the_limit(place: str, source: FsspecSource) -> None:
    """A server that never stops sending fills no memory."""
    with pytest.raises(ImageTooLargeError, match="at most 100,000 bytes"):
        source.read(f"{place}/endless.jpg")


def test_a_server_that_is_too_slow_is_unavailable(place: str) -> None:
    """Every wait has a limit."""
    with pytest.raises(SourceUnavailableError, match="try again later"):
        impatient_source(timeout_s=SLOWNESS_S / 5).read(f"{place}/slow.jpg")


def test_a_server_that_is_not_there_is_unavailable(source: FsspecSource) -> None:
    """A refused connection may be a restart."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceUnavailableError, match="ClientConnectorError"):
        source.read(f"http://127.0.0.1:{port}/1.jpg")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, UnreadablePhotoError),
        (404, UnreadablePhotoError),
        (410, UnreadablePhotoError),
        (429, SourceUnavailableError),
        (500, SourceUnavailableError),
        (503, SourceUnavailableError),
    ],
)
def test_a_status_says_whether_to_try_again(
    place: str, source: FsspecSource, status: int, error: type[Exception]
) -> None:
    """What is gone stays gone; a server in trouble may recover. No signature is ever shown."""
    with pytest.raises(error) as caught:
        source.read(f"{place}/{status}.jpg?X-Amz-Signature=geheim")
    assert f"/{status}.jpg" in str(caught.value)
    assert "geheim" not in str(caught.value)
