"""Photos from web servers that others name: as large, as late and from as far as we allow, and no more.

A redirect is a new place, checked as the first one was; :mod:`.checked_network` checks every connection.
"""

from __future__ import annotations

import io
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import httpcore

from sploot_media_clustering.adapters.checked_network import (
    CheckedNetwork,
    Resolver,
    deadline,
    system_addresses,
)
from sploot_media_clustering.adapters.filesystems import shown
from sploot_media_clustering.errors import (
    ForbiddenUriError,
    ImageTooLargeError,
    SourceUnavailableError,
    SplootError,
    UnreadablePhotoError,
)
from sploot_media_clustering.services.uri_policy import HTTP_PORTS, HttpPlace, UriPolicy

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200
_ASKING_TOO_EARLY: Final = frozenset({408, 425, 429})
"""Statuses from 400 to 499 that pass with time: time-out, too early, too many requests."""
_CLIENT_ERRORS: Final = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long we wait.

    Attributes:
        connect_s: for one connection.
        read_s: for the next bytes.
        total_s: for one photo, redirects included.
        redirects: followed at most.
        connections: open at once, of all hosts.
    """

    connect_s: float = 3.0
    read_s: float = 10.0
    total_s: float = 30.0
    redirects: int = 3
    connections: int = 32


class SafeHttpSource:
    """Reads photos from web servers; implements :class:`~sploot_media_clustering.services.ports.PhotoSource`.

    Safe to share between threads. Proxies named in the environment are not used: the check would be theirs.

    Args:
        policy: what may be read.
        max_bytes: of one photo.
        patience: how long we wait.
        resolver: names to addresses; the system's by default.
        ssl_context: trust in certificates; the system's by default.
    """

    def __init__(
        self,
        policy: UriPolicy,
        *,
        max_bytes: int,
        patience: Patience | None = None,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._max_bytes = max_bytes
        self._patience = patience or Patience()
        self._backend = CheckedNetwork(policy, resolver or system_addresses)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or ssl.create_default_context(),
            max_connections=self._patience.connections,
            network_backend=self._backend,
        )

    def read(self, uri: str) -> bytes:
        """All bytes of one photo; no more than ``max_bytes`` and one network block are ever kept.

        Raises:
            ForbiddenUriError: it, or a place that it redirects to, may not be read.
            UnreadablePhotoError: it is not there.
            ImageTooLargeError: it is larger than ``max_bytes``.
            SourceUnavailableError: its server did not answer, or not in time.
        """
        with deadline(time.monotonic() + self._patience.total_s):
            for _ in range(self._patience.redirects + 1):
                place = self._policy.place(uri)
                if not isinstance(place, HttpPlace):
                    raise ForbiddenUriError("a web server redirects to a place that is none; refused")
                answer = self._get(place, shown(uri))
                if isinstance(answer, bytes):
                    return answer
                uri = urljoin(f"{place.scheme}://{_authority(place)}{place.target}", answer)
                if place.scheme == "https" and not uri.lower().startswith("https:"):
                    raise ForbiddenUriError(f"{place.host} redirects from https to another scheme; refused")
        raise UnreadablePhotoError(
            f"expected a photo after {self._patience.redirects} redirects at most, got one more"
        )

    def close(self) -> None:
        """Close the connections that are kept open; nothing can be read any more."""
        self._pool.close()
        self._backend.close()

    def _get(self, place: HttpPlace, name: str) -> bytes | str:
        """The photo, or where it is said to be."""
        url = httpcore.URL(
            scheme=place.scheme.encode(),
            host=place.host.encode(),
            port=place.port,
            target=place.target.encode(),
        )
        headers: list[tuple[bytes | str, bytes | str]] = [
            ("Host", _authority(place)),
            ("Accept", "image/*"),
            ("Accept-Encoding", "identity"),
        ]
        timeout = {
            "connect": self._patience.connect_s,
            "read": self._patience.read_s,
            "write": self._patience.read_s,
            "pool": self._patience.total_s,
        }
        with (
            _translated(name),
            self._pool.stream("GET", url, headers=headers, extensions={"timeout": timeout}) as response,
        ):
            told = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECTS and b"location" in told:
                return told[b"location"].decode("ascii", "replace")
            _require_found(response.status, name)
            self._require_size(int(told.get(b"content-length", b"0")), name)
            data = io.BytesIO()
            for chunk in response.iter_stream():
                data.write(chunk)
                self._require_size(data.tell(), name)
            return data.getvalue()

    def _require_size(self, size_bytes: int, name: str) -> None:
        if size_bytes > self._max_bytes:
            raise ImageTooLargeError(
                f"expected at most {self._max_bytes:,} bytes, {name} has more; scale it down"
            )


def _require_found(status: int, name: str) -> None:
    if status == _OK:
        return
    if status in _CLIENT_ERRORS and status not in _ASKING_TOO_EARLY:
        raise UnreadablePhotoError(f"expected a file at {name}, the server answered {status}; check the URI")
    raise SourceUnavailableError(f"expected an answer from {name}, got status {status}; try again later")


def _authority(place: HttpPlace) -> str:
    host = f"[{place.host}]" if ":" in place.host else place.host
    return host if place.port == HTTP_PORTS[place.scheme] else f"{host}:{place.port}"


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except SplootError:
        raise
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, ValueError) as error:
        raise SourceUnavailableError(
            f"expected an answer from {name}, got {type(error).__name__}; try again later"
        ) from None
