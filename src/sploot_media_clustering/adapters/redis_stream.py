"""The worker's end of the streams: entries are read, claimed from the silent, set aside, and let go."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from redis.exceptions import ResponseError

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import RedisConnection, Value
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.job_ports import Entry
from sploot_media_clustering.services.jobs import lane_of
from sploot_media_clustering.services.lanes import Lane, lanes_of, located

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
        partitions: how many there are; by default as many as the store says.
    """

    def __init__(
        self,
        connection: RedisConnection,
        consumer: str,
        *,
        silence_s: float = SILENCE_S,
        partitions: RedisPartitions | None = None,
    ) -> None:
        self._connection = connection
        self._consumer = consumer
        self._silence_s = silence_s
        self._partitions = partitions or RedisPartitions(connection)
        self._calm_since = time.monotonic()
        self._cursors: dict[Lane, str] = {}

    def disturbed(self) -> None:
        """The store did not answer: whoever lives has to be heard again before anything is claimed."""
        self._calm_since = time.monotonic()

    async def lanes(self) -> Sequence[Lane]:
        """Where entries come in."""
        return lanes_of(await self._partitions())

    async def read(self, lane: Lane, count: int, wait_s: float) -> list[Entry]:
        """At most ``count`` new entries of a lane, waiting for the first; none where all were set aside."""
        wait_ms = max(int(wait_s * 1000), _LEAST_WAIT_MS)
        found = await self._asked(
            lane,
            "XREADGROUP", "GROUP", keys.GROUP, self._consumer, "COUNT", count, "BLOCK", wait_ms,
            "STREAMS", keys.stream(lane), ">",
        )  # fmt: skip
        entries = [entry for _, told in _streams(found) for entry in _entries(lane, told, again=False)]
        return await self._sorted(lane, entries)

    async def claim(self, lane: Lane, count: int) -> list[Entry]:
        """At most ``count`` entries of workers that fell silent; none soon after the store did."""
        if time.monotonic() - self._calm_since < self._silence_s:
            return []
        found = await self._asked(
            lane,
            "XAUTOCLAIM", keys.stream(lane), keys.GROUP, self._consumer, int(self._silence_s * 1000),
            self._cursors.get(lane, "0-0"),
            "COUNT", count,
        )  # fmt: skip
        self._cursors[lane] = found[0].decode()
        return await self._sorted(lane, list(_entries(lane, found[1], again=True)))

    async def attempt(self, entry_id: str) -> int:
        """Count one more attempt at an entry that is worked on alone, and tell all; 0 once it is gone."""
        lane, own_id = located(entry_id)
        stored = [keys.stream(lane), keys.attempts(lane)]
        return int(await self._connection.run(scripts.ATTEMPT, stored, [keys.GROUP, own_id]))

    async def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """The entries are done with and go."""
        for lane, own_ids in by_lane(entry_ids).items():
            stored = [keys.stream(lane), keys.attempts(lane)]
            await self._connection.run(scripts.ACKNOWLEDGE, stored, [keys.GROUP, *own_ids])

    async def leave(self) -> None:
        """This worker ends; what it has not acknowledged can be claimed. Names of killed ones go as well."""
        for lane in await self.lanes():
            told: list[Value] = [keys.GROUP, self._consumer, _ENDED_MS]
            try:
                await self._connection.run(scripts.LEAVE, [keys.stream(lane)], told)
            except ResponseError as error:
                if "NOGROUP" not in str(error) and "no such key" not in str(error):
                    raise

    async def _sorted(self, lane: Lane, entries: list[Entry]) -> list[Entry]:
        """Those that belong in the lane; back-fill among live ones is set aside, where its turn will come."""
        if lane.name != "live":
            return entries
        aside = [entry.entry_id for entry in entries if lane_of(entry.fields) != lane.name]
        if aside:
            stored = [keys.stream(lane), keys.stream(Lane(lane.partition, "backfill"))]
            told: list[Value] = [keys.GROUP]
            told += [part for entry_id in aside for part in (located(entry_id)[1], entry_id)]
            await self._connection.run(scripts.SET_ASIDE, stored, told)
        return [entry for entry in entries if entry.entry_id not in aside]

    async def _asked(self, lane: Lane, *command: Value) -> Any:  # noqa: ANN401 - what a command answers is up to it
        try:
            try:
                return await self._connection.execute(*command)
            except ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                await self._found_group(lane)
                return await self._connection.execute(*command)
        except StoreUnavailableError:
            self.disturbed()
            raise

    async def _found_group(self, lane: Lane) -> None:
        with suppress(ResponseError):  # another worker was faster
            await self._connection.execute("XGROUP", "CREATE", keys.stream(lane), keys.GROUP, "0", "MKSTREAM")


def by_lane(entry_ids: Iterable[str]) -> dict[Lane, list[str]]:
    """Ids of entries in their own streams, by lane."""
    found: dict[Lane, list[str]] = defaultdict(list)
    for entry_id in entry_ids:
        lane, own_id = located(entry_id)
        found[lane].append(own_id)
    return found


def _streams(found: Any) -> list[Any]:  # noqa: ANN401 - None where nothing came in time
    return list(found.items()) if isinstance(found, dict) else list(found or ())


def _entries(lane: Lane, found: Any, *, again: bool) -> Iterator[Entry]:  # noqa: ANN401 - as the client parsed it
    """Entries with fields: those that were deleted meanwhile come without, from Redis 6.2 even without id."""
    for entry in found:
        if entry and entry[0] is not None and entry[1]:
            yield Entry(lane.named(entry[0].decode()), entry[1], again)
