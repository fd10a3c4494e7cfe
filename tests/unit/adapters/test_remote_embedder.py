"""An embedder over HTTP: what goes wrong on the way never becomes a vector."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from served_embedder import TOKEN, networks_of, remote_of, served

from sploot_media_clustering.adapters import embedder_wire as wire
from sploot_media_clustering.adapters.breaker import Breaker
from sploot_media_clustering.adapters.remote_embedder import Patience, RemoteEmbedder
from sploot_media_clustering.errors import ConfigurationError, EmbedderUnavailableError
from sploot_media_clustering.services.fakes import FakeEmbedder
from sploot_media_clustering.services.ports import EmbeddedViews

LOCAL = FakeEmbedder()
OTHER = FakeEmbedder(version="fake-2")


def views(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), np.uint8)


@dataclass
class Scripted:
    """A server that answers what it was told, then what an embedder says; None closes the connection."""

    url: str
    answers: list[tuple[int, bytes] | None] = field(default_factory=list)
    asked: int = 0

    def answer(self, path: str, body: bytes) -> tuple[int, bytes] | None:
        self.asked += 1
        if self.answers:
            return self.answers.pop(0)
        if path == wire.NETWORKS_PATH:
            return 200, b'{"networks": "fake-1", "input_px": 32, "dimension": 48}'
        return 200, wire.pack_seen(LOCAL.version, LOCAL.embed(wire.unpack_views(body, 32)))


@contextmanager
def scripted(*answers: tuple[int, bytes] | None) -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            told = server.answer(self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            if told is None:
                self.close_connection = True
                return
            status, body = told
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name that is called

        def log_message(self, *told: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        server = Scripted(f"http://127.0.0.1:{listening.server_address[1]}", list(answers))
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


@contextmanager
def asking(url: str, **changed: object) -> Iterator[RemoteEmbedder]:
    told = {"networks": networks_of(LOCAL), "sleep": lambda _s: None} | changed
    with closing(RemoteEmbedder(url, **told)) as remote:
        yield remote


def test_what_does_not_fit_into_one_request_goes_in_several() -> None:
    """In their order; every number as the embedder has it."""
    many = views(2 * wire.VIEWS_MOST + 5)
    with served(LOCAL) as url, closing(remote_of(url, LOCAL)) as remote:
        remote.require_match()
        seen = remote.embed(many)
    expected = LOCAL.embed(many)
    np.testing.assert_array_equal(seen.embeddings, expected.embeddings)
    np.testing.assert_array_equal(seen.species, expected.species)


def test_a_server_with_other_networks_is_refused() -> None:
    """At the start by name of both, and when it was exchanged later; it does not compute anything for us."""
    with served(OTHER) as url, closing(remote_of(url, LOCAL)) as remote:
        with pytest.raises(ConfigurationError, match=r"expected the networks fake-1 .* it has fake-2; start"):
            remote.require_match()
        with pytest.raises(EmbedderUnavailableError, match=r"409: expected views for the networks fake-2"):
            remote.embed(views(1))


def test_the_answer_of_other_networks_is_not_used() -> None:
    """Though a server that knows nothing of versions gave it."""
    given = wire.pack_seen(OTHER.version, OTHER.embed(views(2)))
    with (
        scripted((200, given)) as server,
        asking(server.url) as remote,
        pytest.raises(EmbedderUnavailableError, match="it has fake-2"),
    ):
        remote.embed(views(2))


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_token_that_is_not_known(token: str | None) -> None:
    """Is told at the start, and does not end jobs later."""
    with served(LOCAL) as url, closing(remote_of(url, LOCAL, token)) as remote:
        with pytest.raises(ConfigurationError, match="401: expected a token"):
            remote.require_match()
        with pytest.raises(EmbedderUnavailableError, match="401: expected a token"):
            remote.embed(views(1))


def damaged(change: Callable[[EmbeddedViews], EmbeddedViews]) -> bytes:
    return wire.pack_seen(LOCAL.version, change(LOCAL.embed(views(2))))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\x80\x04N.",  # a pickle
        damaged(lambda seen: EmbeddedViews(seen.embeddings[:1], seen.species[:1])),
        damaged(lambda seen: EmbeddedViews(seen.embeddings * np.float32("nan"), seen.species)),
        wire.pack_seen(LOCAL.version, LOCAL.embed(views(2)))[:-3],
        bytes(1 << 20),
    ],
)
def test_an_answer_that_is_none_is_not_used(body: bytes) -> None:
    """Nor asked for again: the same would come."""
    with scripted((200, body)) as server, asking(server.url) as remote:
        with pytest.raises(EmbedderUnavailableError, match="answers"):
            remote.embed(views(2))
        assert server.asked == 1


def test_what_may_pass_is_asked_again() -> None:
    """After ever longer waits; a connection that was closed meanwhile is no matter."""
    waits: list[float] = []
    with (
        scripted((503, b"{}"), None) as server,
        asking(server.url, sleep=waits.append, patience=Patience(first_wait_s=0.5)) as remote,
    ):
        seen = remote.embed(views(2))
        assert server.asked == 3
    np.testing.assert_array_equal(seen.embeddings, LOCAL.embed(views(2)).embeddings)
    assert waits == [0.5, 1.0]


def test_a_server_that_is_gone_is_left_in_peace() -> None:
    """After some failures nobody asks; then one does, and once it was answered the others follow."""
    now = [0.0]
    breaker = Breaker(failures=4, rest_s=10.0, clock=lambda: now[0])
    with (
        scripted(*[(500, b"")] * 5) as server,
        asking(server.url, breaker=breaker, patience=Patience(tries=2)) as remote,
    ):
        for _ in range(2):
            with pytest.raises(EmbedderUnavailableError, match="500"):
                remote.embed(views(1))
        assert server.asked == 4
        with pytest.raises(EmbedderUnavailableError, match="several times in a row"):
            remote.embed(views(1))
        assert server.asked == 4
        now[0] = 10.0
        with pytest.raises(EmbedderUnavailableError, match="several times in a row"):
            remote.embed(views(1))  # one try, and then it is too early for the second
        assert server.asked == 5
        now[0] = 20.0
        for _ in range(3):
            remote.embed(views(1))
        assert server.asked == 8


def test_a_server_that_hangs_is_not_waited_for_for_ever() -> None:
    """Nor one at whose address nobody is; whoever starts before it waits for it."""
    patience = Patience(tries=1, answer_s=0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        with asking(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=patience) as remote:
            with pytest.raises(EmbedderUnavailableError, match=r"ConnectError .*serve-embedder"):
                remote.embed(views(1))
            silent.listen()
            with pytest.raises(EmbedderUnavailableError, match="ReadTimeout"):
                remote.embed(views(1))
            remote.require_match()


def test_something_else_at_the_address_is_told() -> None:
    """It is no embedding server."""
    for answer in ((200, b"<html>"), (404, b"<html>"), (200, b'{"networks": 1}'), (200, b'"\xff"')):
        with (
            scripted(answer) as server,
            asking(server.url) as remote,
            pytest.raises(ConfigurationError, match="SPLOOT_EMBEDDER_URL"),
        ):
            remote.require_match()


@pytest.mark.parametrize(
    "url",
    ["embedder:8090", "ftp://embedder", "http://", "http://a:b", "http://me:pass@embedder", "http://a?b"],
)
def test_a_url_that_is_none(url: str) -> None:
    """Is refused before anything is sent; it may hold a password, and is not told."""
    with pytest.raises(ConfigurationError, match="like http://embedder:8090") as caught:
        RemoteEmbedder(url, networks=networks_of(LOCAL), token=TOKEN)
    assert "pass@" not in str(caught.value)
