"""Photos from web servers that others name: every connection goes to an address that was checked.

A name may lead elsewhere a moment after it was checked (DNS rebinding), so the name is resolved once a
connection, its addresses are checked, and the connection goes to one of those, by number. Name and
certificate stay those of the host. A redirect is a new place, checked as the first one was.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urljoin

import httpcore

from sploot_media_clustering.adapters.filesystems import shown
from sploot_media_clustering.errors import (
    ForbiddenUriError,
    ImageTooLargeError,
    SourceUnavailableError,
    SplootError,
    UnreadablePhotoError,
)
from sploot_media_clustering.services.uri_policy import HTTP_PORTS, HttpPlace, UriPolicy

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""A host's name and port to its numeric addresses; raises OSError where there are none."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200
_ASKING_TOO_EARLY: Final = frozenset({408, 425, 429})
"""Statuses from 400 to 499 that pass with time: time-out, too early, too many requests."""
_CLIENT_ERRORS: Final = range(400, 500)
_RESOLVERS: Final = 4
"""Names looked up at once: the system's resolver can't be told to hurry."""


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
        self._backend = _CheckedBackend(policy, resolver or _system_addresses)
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
        with _deadline(time.monotonic() + self._patience.total_s):
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


# The deadline belongs to the read that a thread is busy with; connections outlive it, and httpcore uses them
# in the thread that asked.
_DEADLINE: ContextVar[float] = ContextVar("deadline")


@contextmanager
def _deadline(at: float) -> Iterator[None]:
    token = _DEADLINE.set(at)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def _remaining_s(wanted_s: float | None, late: type[httpcore.TimeoutException]) -> float:
    """The wait that is asked for, cut at the deadline of this read."""
    remaining = _DEADLINE.get() - time.monotonic()
    if remaining <= 0:
        raise late
    return remaining if wanted_s is None else min(wanted_s, remaining)


class _HurriedStream(httpcore.NetworkStream):
    """A connection each of whose waits ends with the read that it serves."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _remaining_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        wait_s = _remaining_s(timeout, httpcore.ConnectTimeout)
        return _HurriedStream(self._stream.start_tls(ssl_context, server_hostname, wait_s))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        return self._stream.get_extra_info(info)


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to addresses that the policy permits, and to no name."""

    def __init__(self, policy: UriPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        self._plain = httpcore.SyncBackend()
        self._lookups = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = self._addresses(host, port, timeout)
        addresses = tuple(address for address in found if self._policy.permits(address))
        if not addresses:
            raise ForbiddenUriError(
                f"expected {host} to have a public address, or one in SPLOOT_URI_NETWORKS, found others only"
            )
        failure: Exception = httpcore.ConnectError()
        for address in addresses:
            wait_s = _remaining_s(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._plain.connect_tcp(address, port, wait_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _HurriedStream(stream)
        raise failure

    def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - httpcore's signature
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.NetworkStream:
        raise ForbiddenUriError("photos are not read from sockets of this machine")

    def close(self) -> None:
        """Look no more names up; one that is being looked up is not waited for."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    def _addresses(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        lookup = self._lookups.submit(self._resolver, host, port)
        try:
            return lookup.result(_remaining_s(timeout, httpcore.ConnectTimeout))
        except TimeoutError:
            lookup.cancel()
            raise httpcore.ConnectTimeout from None
        except OSError:
            raise httpcore.ConnectError from None


def _system_addresses(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
