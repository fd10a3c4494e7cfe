"""One beat of a worker's heart, over a connection and an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import connect


class RedisPulse:
    """Refreshes the idle time of entries that are still this worker's; called and closed by one thread.

    Args:
        url: of the store.
        consumer: name of this worker.
    """

    def __init__(self, url: str, consumer: str) -> None:
        self._connection = connect(url)
        self._consumer = consumer
        self._runner = asyncio.Runner()

    def __call__(self, entry_ids: Sequence[str]) -> frozenset[str]:
        """Of the entries given, those that are still this worker's; without any, a sign that the store lives.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        return self._runner.run(self._beat(entry_ids))

    async def _beat(self, entry_ids: Sequence[str]) -> frozenset[str]:
        told = [keys.GROUP, self._consumer, *entry_ids]
        return frozenset(
            part.decode() for part in await self._connection.run(scripts.BEAT, [keys.JOBS], told)
        )

    def close(self) -> None:
        """Close the connection."""
        self._runner.run(self._connection.close())
        self._runner.close()
