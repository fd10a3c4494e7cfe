"""The embedding server: who may ask, what is refused, and that everybody gets their own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import httpx
import numpy as np
import pytest
from served_embedder import PATIENCE_S, SETTINGS, TOKEN, remote_of, served

from sploot_media_clustering.adapters import embedder_wire as wire
from sploot_media_clustering.entrypoints import embedder as entry
from sploot_media_clustering.entrypoints.embedder import create_server
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.fakes import FakeEmbedder
from sploot_media_clustering.services.ports import EmbeddedViews

LOCAL = FakeEmbedder()
METRICS = TOKEN[::-1]
HEADERS = {"X-Internal-Token": TOKEN, wire.NETWORKS_HEADER: LOCAL.version}
VIEW = bytes(wire.view_bytes(LOCAL.input_px))


class HeldEmbedder(FakeEmbedder):
    """Waits with every batch until it is let go, and remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.batches: list[list[int]] = []

    def embed(self, views: np.ndarray) -> EmbeddedViews:
        self.batches.append([int(view[0, 0, 0]) for view in views])
        assert self.go.wait(PATIENCE_S)
        return super().embed(views)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(LOCAL, replace(SETTINGS, metrics_tokens=(METRICS,))) as found:
        yield found


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def get(url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=PATIENCE_S)


def post(url: str, body: bytes, **headers: str) -> httpx.Response:
    named = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(url + wire.VIEWS_PATH, content=body, headers=named, timeout=PATIENCE_S)


def test_nobody_gets_in_without_a_token(url: str) -> None:
    """But probes; the token of figures opens figures alone."""
    for path in (wire.NETWORKS_PATH, "/metrics"):
        assert get(url + path).status_code == 401
    assert post(url, VIEW, X_Internal_Token=METRICS).status_code == 401
    assert get(url + "/metrics", headers={"X-Internal-Token": METRICS}).status_code == 200
    assert [get(url + path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def test_tokens_are_those_of_the_api() -> None:
    """None, or one that can be guessed, starts nothing; the message names the variable."""
    for changed in ({"tokens": ()}, {"tokens": ("short",)}, {"tokens": (), "local": True, "host": "0.0.0.0"}):  # noqa: S104 - is refused
        with pytest.raises(ConfigurationError, match=r"SPLOOT_EMBEDDER_TOKENS|32 characters"):
            create_server(LOCAL, replace(SETTINGS, **changed), batch=8)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 422), (VIEW[:-1], 422), (VIEW + b"x", 422), (VIEW * wire.VIEWS_MOST + b"x", 413)],
)
def test_what_are_no_views_is_refused(url: str, body: bytes, status: int) -> None:
    """With a problem that says what was expected."""
    answer = post(url, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "expected" in answer.json()["detail"]


def test_views_for_other_networks_are_refused(url: str) -> None:
    """And those for nobody knows which."""
    assert post(url, VIEW, **{wire.NETWORKS_HEADER: "fake-2"}).status_code == 409
    named = {"X-Internal-Token": TOKEN}
    assert (
        httpx.post(url + wire.VIEWS_PATH, content=VIEW, headers=named, timeout=PATIENCE_S).status_code == 422
    )


def test_everybody_gets_their_own(url: str) -> None:
    """Two hundred requests from twenty callers, each eighth broken: none gets another's vectors."""
    rng = np.random.default_rng(0)
    side = LOCAL.input_px
    asked = [rng.integers(0, 256, (n % 5 + 1, side, side, 3), np.uint8) for n in range(200)]

    with closing(remote_of(url, LOCAL)) as remote, ThreadPoolExecutor(20) as threads:

        def one(number: int) -> EmbeddedViews | int:
            if number % 8 == 0:
                return post(url, VIEW[:-1]).status_code
            return remote.embed(asked[number])

        found = list(threads.map(one, range(200)))
    for number, seen in enumerate(found):
        if number % 8 == 0:
            assert seen == 422
        else:
            np.testing.assert_allclose(seen.embeddings, LOCAL.embed(asked[number]).embeddings, atol=1e-6)


def view(value: int) -> bytes:
    return bytes([value]) * len(VIEW)


def test_nothing_is_computed_for_a_caller_who_has_gone() -> None:
    """The views of those who stay are."""
    held = HeldEmbedder()
    with served(held) as url, ThreadPoolExecutor(2) as threads:
        first = threads.submit(post, url, view(1))
        until(lambda: held.batches == [[1]])
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as caller:
            lines = [f"POST {wire.VIEWS_PATH} HTTP/1.1", "Host: x", f"Content-Length: {len(VIEW)}"]
            lines += [f"{name}: {value}" for name, value in HEADERS.items()]
            caller.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + view(2))
        until(lambda: f'route="{wire.VIEWS_PATH}",status="503"' in figures(url))
        last = threads.submit(post, url, view(3))
        held.go.set()
        assert [first.result().status_code, last.result().status_code] == [200, 200]
    assert held.batches == [[1], [3]]


def figures(url: str) -> str:
    return get(url + "/metrics", headers=HEADERS).text


def test_more_than_there_is_room_for_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its body is read."""
    monkeypatch.setattr(entry, "_BODIES_BYTES", 1)
    held = HeldEmbedder()
    with served(held) as url, ThreadPoolExecutor(1) as threads:
        first = threads.submit(post, url, view(1))
        until(lambda: held.batches == [[1]])
        refused = post(url, view(2))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        held.go.set()
        assert first.result().status_code == 200
        assert post(url, view(3)).status_code == 200


def test_a_server_whose_networks_hang_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is started again."""
    monkeypatch.setattr(entry, "STUCK_S", 0.0)
    held = HeldEmbedder()
    with served(held) as url, ThreadPoolExecutor(1) as threads:
        assert get(url + "/healthz").status_code == 200
        first = threads.submit(post, url, view(1))
        until(lambda: get(url + "/healthz").status_code == 503)
        held.go.set()
        assert first.result().status_code == 200
