"""A connection to Redis or Valkey, alone, behind Sentinel, or as a cluster; errors are ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

from redis import asyncio as redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    InvalidResponse,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    TryAgainError,
)
from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import TimeoutError as SilenceError

from sploot_media_clustering.errors import ConfigurationError, StoreUnavailableError

ANSWER_S: Final = 15.0
"""Longest wait for an answer; blocking reads ask for less."""
_CONNECT_S: Final = 5.0
_MOST_CONNECTIONS: Final = 256
"""Of a process to one server: a worker waits at two streams of 32 partitions each, with 96 jobs at hand."""
_SENTINEL_PORT: Final = 26379

Value: TypeAlias = bytes | str | int


class RedisConnection:
    """Runs commands and scripts; safe to share between tasks.

    Args:
        client: that returns bytes.
        sentinels: clients that ``client`` asks where the master is; closed with it.
    """

    # redis-py's classes share no base with commands
    def __init__(self, client: Any, sentinels: Sequence[Any] = ()) -> None:  # noqa: ANN401
        self._client = client
        self._sentinels = sentinels
        self._digests: dict[str, str] = {}

    @property
    def clustered(self) -> bool:
        """Whether keys lie on several servers."""
        return isinstance(self._client, RedisCluster)

    async def execute(self, *command: Value) -> Any:  # noqa: ANN401 - what a command answers is up to it
        """One command.

        Raises:
            StoreUnavailableError: the store did not answer, or can't for the moment.
            ConfigurationError: it does not let us.
        """
        with store_errors():
            return await self._client.execute_command(*command)

    async def run(self, script: str, keys: Sequence[str], args: Sequence[Value] = ()) -> Any:  # noqa: ANN401
        """One script, by its digest where the server knows it.

        Raises:
            StoreUnavailableError: the store did not answer; the script may have run.
            ConfigurationError: it does not let us.
        """
        if script not in self._digests:
            self._digests[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        with store_errors():
            try:
                return await self._client.evalsha(self._digests[script], len(keys), *keys, *args)
            except NoScriptError:
                return await self._client.eval(script, len(keys), *keys, *args)

    async def confirm(self, key: str, ttl_ms: int, replicas: int, wait_ms: int) -> int:
        """Write a key, and count the replicas that have it, hence all that was written before.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        with store_errors():
            async with self._client.client() as single:  # WAIT asks about its own connection
                await single.set(key, b"", px=ttl_ms)
                return int(await single.execute_command("WAIT", replicas, wait_ms))

    async def close(self) -> None:
        """Close all connections."""
        for client in (self._client, *self._sentinels):
            await client.aclose()


def connect(url: str) -> RedisConnection:
    """A connection, opened when it is first used.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://`` of one server;
            ``cluster://host:port,host:port`` of nodes of a cluster (``clusters://`` with TLS);
            ``sentinel://host:port,host:port/master/0`` (``sentinels://`` with TLS); each with
            ``user:password@`` before the hosts where that is needed.

    Raises:
        ConfigurationError: it is no such URL.
    """
    options = {
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": _CONNECT_S,
        "protocol": 2,
        "max_connections": _MOST_CONNECTIONS,
    }
    scheme, _, rest = url.partition("://")
    try:
        if scheme in {"cluster", "clusters"}:
            return RedisConnection(_cluster(rest, options, tls=scheme == "clusters"))
        if scheme in {"sentinel", "sentinels"}:
            return _behind_sentinel(rest, options, tls=scheme == "sentinels")
        return RedisConnection(redis.from_url(url, **options))
    except ValueError as error:
        raise ConfigurationError(
            f"expected REDIS_URL to start with redis://, rediss://, unix://, cluster:// or sentinel://, "
            f"got {scheme[:20]!r}://..."
        ) from error


def place(url: str) -> str:
    """Where a store is, for people: its URL without who asks."""
    scheme, _, rest = url.partition("://")
    hosts, _, options = rest.partition("?")
    if "@" in options:  # of a password with a question mark, most likely
        return f"{scheme}://..."
    return f"{scheme}://{hosts.rpartition('@')[2]}"


def _cluster(rest: str, options: dict[str, Any], *, tls: bool) -> RedisCluster:
    who, hosts, _ = _parts(rest, 6379)
    nodes = [ClusterNode(host, port) for host, port in hosts]
    return RedisCluster(startup_nodes=nodes, ssl=tls, **who, **options)


def _behind_sentinel(rest: str, options: dict[str, Any], *, tls: bool) -> RedisConnection:
    who, hosts, path = _parts(rest, _SENTINEL_PORT)
    master, _, database = path.strip("/").partition("/")
    opened: Any = Sentinel  # redis-py has no types here
    sentinel = opened(hosts, sentinel_kwargs={**who, **options, "ssl": tls}, ssl=tls, **who, **options)
    return RedisConnection(sentinel.master_for(master, db=int(database or 0)), sentinel.sentinels)


def _parts(rest: str, port: int) -> tuple[dict[str, Any], list[tuple[str, int]], str]:
    """Who asks, the hosts, and the path; ``urlsplit`` reads one host at a time."""
    place, _, path = rest.partition("/")
    credentials, _, hosts = place.rpartition("@")
    found = []
    for host in hosts.split(","):
        split = urlsplit(f"//{host}")
        if not split.hostname:
            raise ValueError(f"no host in {host!r}")
        found.append((split.hostname, split.port or port))
    user, password = (unquote(told) for told in credentials.partition(":")[::2])
    who: dict[str, Any] = {name: told for name, told in (("username", user), ("password", password)) if told}
    return who, found, path


@contextmanager
def store_errors() -> Iterator[None]:
    """Errors of the client as ours.

    Raises:
        ConfigurationError: for what trying again does not help.
        StoreUnavailableError: for what may pass.
    """
    try:
        yield
    except (AuthenticationError, AuthorizationError, NoPermissionError) as error:
        raise ConfigurationError(f"the store does not let us: {error}; check REDIS_URL's user") from error
    except (
        LostConnectionError,
        SilenceError,
        BusyLoadingError,
        ClusterDownError,
        InvalidResponse,
        OutOfMemoryError,
        ReadOnlyError,
        RedisClusterException,
        TryAgainError,
        OSError,
    ) as error:
        raise StoreUnavailableError(
            f"the store did not answer: {str(error) or type(error).__name__}"
        ) from error
