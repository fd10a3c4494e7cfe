"""What the last look for drift came to, where all processes of the service find it."""

from __future__ import annotations

import msgspec

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.services.drift import DriftReport


class RedisDrift:
    """Implements :class:`~sploot_media_clustering.services.watching.Reports`.

    Args:
        connection: to the store.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    async def keep(self, report: DriftReport) -> None:
        """Keep a report in place of the last one."""
        await self._connection.execute("SET", keys.DRIFT, msgspec.json.encode(report))

    async def last(self) -> DriftReport | None:
        """The last report; None where there is none, or one of another release."""
        kept = await self._connection.execute("GET", keys.DRIFT)
        try:
            return None if kept is None else msgspec.json.decode(kept, type=DriftReport)
        except msgspec.MsgspecError:
            return None
