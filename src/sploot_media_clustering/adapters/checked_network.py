"""Connections to addresses that were checked, each wait on them cut at the deadline of whoever waits.

A name may lead elsewhere a moment after it was checked (DNS rebinding), so the name is resolved once a
connection, its addresses are checked, and the connection goes to one of those, by number. Name and
certificate stay those of the host.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

import httpcore

from sploot_media_clustering.errors import ForbiddenUriError
from sploot_media_clustering.services.uri_policy import UriPolicy

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""A host's name and port to its numeric addresses; raises OSError where there are none."""

_RESOLVERS: Final = 4
"""Names looked up at once: the system's resolver can't be told to hurry."""

# The deadline belongs to the read that a thread is busy with; connections outlive it, and httpcore uses them
# in the thread that asked.
_DEADLINE: ContextVar[float] = ContextVar("deadline")


@contextmanager
def deadline(at: float) -> Iterator[None]:
    """Waits on connections, in here and in this thread, end at ``at``, in seconds of the monotonic clock."""
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


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that the policy permits, and to no name.

    Args:
        policy: which addresses may be connected to.
        resolver: names to addresses.
    """

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
        """A connection to one of the host's addresses that may be connected to.

        Raises:
            ForbiddenUriError: it has none.
            httpcore.ConnectError: none of them answers.
            httpcore.ConnectTimeout: none of them answers in time.
        """
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
        """None: what listens there trusts whoever is on this machine.

        Raises:
            ForbiddenUriError: always.
        """
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


def system_addresses(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, in its order.

    Raises:
        OSError: there is no such name, or no answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
