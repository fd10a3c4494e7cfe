"""How many partitions the jobs of a store have: said once, when the service begins there, and kept."""

from __future__ import annotations

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.errors import ConfigurationError


class RedisPartitions:
    """Asks the store once.

    Args:
        connection: to the store.
        asked: how many there are to be; None for as many as there are, or one.
        begin: whether the service begins with this; else the store is left as it is.
    """

    def __init__(self, connection: RedisConnection, asked: int | None = None, *, begin: bool = False) -> None:
        self._connection = connection
        self._asked = asked
        self._begin = begin
        self._kept: int | None = None

    async def __call__(self) -> int:
        """How many there are.

        Raises:
            ConfigurationError: there are others than was asked for.
            StoreUnavailableError: the store did not answer.
        """
        if self._kept is None:
            self._kept = await self._read()
        count = self._kept or self._asked or 1
        if self._asked not in {None, count}:
            raise ConfigurationError(
                f"expected SPLOOT_PARTITIONS to be {count}, which is how the service began in this store, "
                f"got {self._asked}; set it to {count} or leave it out: it stays as long as the store"
            )
        return count

    async def _read(self) -> int | None:
        if self._begin:
            await self._connection.execute("SET", keys.PARTITIONS, self._asked or 1, "NX")
        kept: bytes | None = await self._connection.execute("GET", keys.PARTITIONS)
        return None if kept is None else int(kept)
