"""Views embedded by a server over HTTP, by the very networks that were asked for or not at all."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpcore
import msgspec
import numpy as np
from jaxtyping import UInt8

from sploot_media_clustering.adapters import embedder_wire as wire
from sploot_media_clustering.adapters.breaker import Breaker
from sploot_media_clustering.domain.album import SPECIES
from sploot_media_clustering.errors import (
    ConfigurationError,
    DamagedDataError,
    EmbedderUnavailableError,
)
from sploot_media_clustering.services.ports import EmbeddedViews

_log = logging.getLogger(__name__)

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of what may be over in a moment."""
_TOLD_BYTES_MOST: Final = 64 * 1024
_DETAIL_CHARACTERS: Final = 300


class _NotAnsweredError(EmbedderUnavailableError):
    """Worth another try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        connect_s: for a connection.
        answer_s: for the next bytes of an answer.
        tries: of one request.
        first_wait_s: before the second; each further wait is twice the one before.
        connections: open at once.
    """

    connect_s: float = 3.0
    answer_s: float = 30.0
    tries: int = 3
    first_wait_s: float = 0.1
    connections: int = 8


class RemoteEmbedder:
    """Implements :class:`~sploot_media_clustering.services.ports.Embedder`; safe to share between threads.

    Proxies named in the environment are not used.

    Args:
        url: of the server; a path in it goes before those of its routes.
        token: that it is shown, if any.
        networks: that have to answer.
        patience: how long the server is waited for.
        breaker: for not asking one that is gone.
        sleep: between tries.

    Raises:
        ConfigurationError: the URL is none.
    """

    def __init__(
        self,
        url: str,
        *,
        networks: wire.Networks,
        token: str | None = None,
        patience: Patience | None = None,
        breaker: Breaker | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = _checked(url)
        self._networks = networks
        self._patience = patience or Patience()
        self._breaker = breaker or Breaker()
        self._sleep = sleep
        self._headers = [(wire.NETWORKS_HEADER, networks.networks)]
        if token is not None:
            self._headers.append((wire.TOKEN_HEADER, token))
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context() if self._url.startswith("https:") else None,
            max_connections=self._patience.connections,
        )

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self._networks.input_px

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._networks.dimension

    @property
    def version(self) -> str:
        """Name and checksum of the networks; vectors of two versions never meet."""
        return self._networks.networks

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.close()

    def require_match(self) -> None:
        """Ask the server which networks it has; one that does not answer now may do so later.

        Raises:
            ConfigurationError: it has others, or refuses us.
        """
        try:
            body = self._asked("GET", wire.NETWORKS_PATH, b"", _TOLD_BYTES_MOST)
            found = msgspec.json.decode(body, type=wire.Networks)
        except _NotAnsweredError as error:
            _log.info("%s", error)
        except (EmbedderUnavailableError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"expected an embedding server at {self._url}, as SPLOOT_EMBEDDER_URL says: {error}"
            ) from error
        else:
            if found != self._networks:
                raise ConfigurationError(self._other(found.networks))

    def embed(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        """Embed n views; a view's result does not depend on the views beside it.

        Raises:
            EmbedderUnavailableError: the server did not answer, or has other networks.
        """
        most = wire.VIEWS_MOST
        parts = [self._seen(views[start : start + most]) for start in range(0, len(views), most)]
        nothing = EmbeddedViews(*(np.zeros((0, size), np.float32) for size in (self.dimension, len(SPECIES))))
        return EmbeddedViews(
            np.concatenate([nothing.embeddings, *(part.embeddings for part in parts)]),
            np.concatenate([nothing.species, *(part.species for part in parts)]),
        )

    def _seen(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        """What one request gives, tried again where that may help."""
        wait_s = self._patience.first_wait_s
        for _ in range(self._patience.tries - 1):
            try:
                return self._tried(views)
            except _NotAnsweredError as error:
                _log.info("asking again in %g s: %s", wait_s, error)
                self._sleep(wait_s)
                wait_s *= 2
        return self._tried(views)

    def _tried(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        if not self._breaker.admits():
            raise EmbedderUnavailableError(
                f"{self._url} did not answer several times in a row, and is asked again in a moment"
            )
        most_bytes = wire.seen_bytes_most(len(views), self.dimension)
        try:
            body = self._asked("POST", wire.VIEWS_PATH, wire.pack_views(views), most_bytes)
        except _NotAnsweredError:
            self._breaker.failed()
            raise
        except EmbedderUnavailableError:
            self._breaker.succeeded()  # it is there, and refuses
            raise
        self._breaker.succeeded()
        try:
            networks, seen = wire.unpack_seen(body, len(views), self.dimension)
        except DamagedDataError as error:
            raise EmbedderUnavailableError(f"{self._url} answers something else: {error}") from error
        if networks != self.version:
            raise EmbedderUnavailableError(self._other(networks))
        return seen

    def _asked(self, method: str, path: str, body: bytes, most_bytes: int) -> bytes:
        headers = [*self._headers, ("Content-Type", wire.VIEWS_TYPE)]
        answer_s = self._patience.answer_s
        timeout = {
            "connect": self._patience.connect_s,
            "read": answer_s,
            "write": answer_s,
            "pool": answer_s,
        }
        try:
            with self._pool.stream(
                method, self._url + path, headers=headers, content=body, extensions={"timeout": timeout}
            ) as response:
                told = bytearray()
                for chunk in response.iter_stream():
                    told += chunk
                    if len(told) > max(most_bytes, _TOLD_BYTES_MOST):
                        raise EmbedderUnavailableError(f"{self._url} answers more than was asked for")
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _NotAnsweredError(
                f"expected an answer of {self._url}, got {type(error).__name__} {error}".rstrip()
                + "; is `sploot-clustering serve-embedder` running there?"
            ) from error
        if response.status == HTTPStatus.OK:
            return bytes(told)
        kind = _NotAnsweredError if response.status in _PASSING else EmbedderUnavailableError
        raise kind(f"{self._url} answers {response.status}: {_detail(told)}")

    def _other(self, networks: str) -> str:
        return (
            f"expected the networks {self.version} at {self._url}, it has {networks}; start "
            "`sploot-clustering serve-embedder` with the model package that is used here"
        )


def _detail(body: bytearray) -> str:
    """What a problem document says, or the beginning of what else came."""
    try:
        told = msgspec.json.decode(bytes(body), type=dict[str, object]).get("detail")
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = body.decode("utf-8", "replace")
    return str(told)[:_DETAIL_CHARACTERS]


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        is_one = False
    if not is_one or "?" in url or "@" in url:
        raise ConfigurationError(
            "expected SPLOOT_EMBEDDER_URL to be like http://embedder:8090, without user, password and query"
        )
    return url.rstrip("/")
