"""Whether the store can be trusted to keep what it is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.errors import ConfigurationError

_GOOD_FOR_S: Final = 60.0
"""How long a server's settings are taken to stay as they are."""
_THROWS_AWAY: Final = "allkeys"
"""Eviction policies that take any key when memory is full, albums and jobs among them."""


class RedisHealth:
    """Reaches the store, and looks at its settings now and then.

    Args:
        connection: to the store.
        clock: seconds, rising.
    """

    def __init__(self, connection: RedisConnection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._good_until_s = -1.0

    async def __call__(self) -> None:
        """The store answers, and keeps what it is given.

        Raises:
            StoreUnavailableError: it does not answer.
            ConfigurationError: it may evict albums and jobs.
        """
        await self._connection.execute("PING")
        if self._clock() < self._good_until_s:
            return
        for policy in _policies(await self._connection.execute("INFO", "memory")):
            if policy.startswith(_THROWS_AWAY):
                raise ConfigurationError(
                    f"the store has maxmemory-policy {policy}, which evicts albums and jobs; "
                    "set it to noeviction or to one of volatile-*"
                )
        self._good_until_s = self._clock() + _GOOD_FOR_S


def _policies(told: Any) -> Iterator[str]:  # noqa: ANN401 - a server's answer, or one for each node
    if not isinstance(told, dict):
        return
    for name, value in told.items():
        if name == "maxmemory_policy":
            yield str(value)
        else:
            yield from _policies(value)
