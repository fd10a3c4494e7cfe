"""The worker's end of the stream: entries are read, claimed from the silent, and let go."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from redis.exceptions import ResponseError

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.job_ports import Entry

SILENCE_S: Final = 15.0
"""A worker that was not heard of for so long has lost its entries."""
_ENDED_MS: Final = 3600 * 1000
"""A worker asks for entries every second; one that has not for an hour, and holds none, is gone."""
_LEAST_WAIT_MS: Final = 1
"""A wait of 0 would be one without end."""


class RedisJobStream:
    """Implements :class:`~sploot_media_clustering.services.job_ports.JobStream`.

    Args:
        connection: to the store.
        consumer: name of this worker, used by no other, ever.
        silence_s: after which entries of another worker are claimed.
    """

    def __init__(self, connection: RedisConnection, consumer: str, *, silence_s: float = SILENCE_S) -> None:
        self._connection = connection
        self._consumer = consumer
        self._silence_s = silence_s
        self._calm_since = time.monotonic()
        self._cursor: str = "0-0"

    def disturbed(self) -> None:
        """The store did not answer: whoever lives has to be heard again before anything is claimed."""
        self._calm_since = time.monotonic()

    async def read(self, count: int, wait_s: float) -> list[Entry]:
        """At most ``count`` new entries, waiting for the first."""
        wait_ms = max(int(wait_s * 1000), _LEAST_WAIT_MS)
        found = await self._asked(
            "XREADGROUP", "GROUP", keys.GROUP, self._consumer, "COUNT", count, "BLOCK", wait_ms,
            "STREAMS", keys.JOBS, ">",
        )  # fmt: skip
        return [entry for _, entries in _streams(found) for entry in _entries(entries, again=False)]

    async def claim(self, count: int) -> list[Entry]:
        """At most ``count`` entries of workers that fell silent; none soon after the store did."""
        if time.monotonic() - self._calm_since < self._silence_s:
            return []
        found = await self._asked(
            "XAUTOCLAIM", keys.JOBS, keys.GROUP, self._consumer, int(self._silence_s * 1000),
            self._cursor,
            "COUNT", count,
        )  # fmt: skip
        self._cursor = found[0].decode()
        return list(_entries(found[1], again=True))

    async def attempt(self, entry_id: str) -> int:
        """Count one more attempt at an entry that is worked on alone, and tell all; 0 once it is gone."""
        told = await self._connection.run(scripts.ATTEMPT, [keys.JOBS, keys.ATTEMPTS], [keys.GROUP, entry_id])
        return int(told)

    async def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """The entries are done with and go."""
        if entry_ids:
            await self._connection.run(
                scripts.ACKNOWLEDGE, [keys.JOBS, keys.ATTEMPTS], [keys.GROUP, *entry_ids]
            )

    async def leave(self) -> None:
        """This worker ends; what it has not acknowledged can be claimed. Names of killed ones go as well."""
        try:
            await self._connection.run(scripts.LEAVE, [keys.JOBS], [keys.GROUP, self._consumer, _ENDED_MS])
        except ResponseError as error:
            if "NOGROUP" not in str(error) and "no such key" not in str(error):
                raise

    async def _asked(self, *command: str | int) -> Any:  # noqa: ANN401 - what a command answers is up to it
        try:
            try:
                return await self._connection.execute(*command)
            except ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                await self._found_group()
                return await self._connection.execute(*command)
        except StoreUnavailableError:
            self.disturbed()
            raise

    async def _found_group(self) -> None:
        with suppress(ResponseError):  # another worker was faster
            await self._connection.execute("XGROUP", "CREATE", keys.JOBS, keys.GROUP, "0", "MKSTREAM")


def _streams(found: Any) -> list[Any]:  # noqa: ANN401 - None where nothing came in time
    return list(found.items()) if isinstance(found, dict) else list(found or ())


def _entries(found: Any, *, again: bool) -> Iterator[Entry]:  # noqa: ANN401 - as the client parsed it
    """Entries with fields: those that were deleted meanwhile come without, from Redis 6.2 even without id."""
    for entry in found:
        if entry and entry[0] is not None and entry[1]:
            yield Entry(entry[0].decode(), entry[1], again)
