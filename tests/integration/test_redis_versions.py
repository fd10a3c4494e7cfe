"""Which albums a real store has published."""

from __future__ import annotations

import asyncio

import pytest
from embedded_server import server_url

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_versions import RedisAlbumVersions


@pytest.mark.parametrize("albums", [0, 3, 2500])
def test_the_albums_that_changed_last_come_first(albums: int) -> None:
    """Of as many as there are, by their versions."""

    async def asked() -> dict[str, int]:
        connection = connect(server_url())
        try:
            await connection.execute("FLUSHALL")
            if albums:
                pairs = [part for number in range(albums) for part in (f"pet-{number}", number + 1)]
                await connection.execute("HSET", keys.RELAYED, *pairs)
            return await RedisAlbumVersions(connection).newest(2)
        finally:
            await connection.close()

    last = [f"pet-{number}" for number in reversed(range(albums))]
    assert list(asyncio.run(asked())) == last[:2]
