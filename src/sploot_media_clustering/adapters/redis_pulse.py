"""One beat of a worker's heart, over a connection and an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_stream import by_lane
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.lanes import LIVE


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
        """Of all lanes, also where the server of one does not answer, which is raised in the end."""
        held, kept, missed = by_lane(entry_ids), set[str](), list[StoreUnavailableError]()
        for lane, own_ids in (held or {LIVE: []}).items():
            told = [keys.GROUP, self._consumer, *own_ids]
            try:
                found = await self._connection.run(scripts.BEAT, [keys.stream(lane)], told)
            except StoreUnavailableError as error:
                missed.append(error)
            else:
                kept |= {lane.named(own_id.decode()) for own_id in found}
        if missed:
            raise missed[0]
        return frozenset(kept)

    def close(self) -> None:
        """Close the connection."""
        self._runner.run(self._connection.close())
        self._runner.close()
