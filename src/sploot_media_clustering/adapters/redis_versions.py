"""Which albums the store has published."""

from __future__ import annotations

from heapq import nlargest
from typing import Any, Final

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection

_AT_ONCE: Final = 1000


class RedisAlbumVersions:
    """Implements :class:`~sploot_media_clustering.services.gallery.AlbumVersions`.

    Args:
        connection: to the store.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    async def newest(self, count: int) -> dict[str, int]:
        """Versions by album of those that changed last, deleted ones among them."""
        found: dict[str, int] = {}
        cursor: Any = "0"
        while True:
            cursor, pairs = await self._connection.execute("HSCAN", keys.RELAYED, cursor, "COUNT", _AT_ONCE)
            told = pairs.items() if isinstance(pairs, dict) else zip(pairs[::2], pairs[1::2], strict=True)
            found |= {pet.decode(): int(version) for pet, version in told}
            if not int(cursor):
                return dict(nlargest(count, found.items(), key=lambda part: part[1]))
