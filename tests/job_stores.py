"""Every store of jobs and albums that there is, by its ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from memory_store import MemoryDeadLetters, MemoryJobQueue, MemoryJobStream, MemoryPetStore, MemoryServer
from servers import SERVERS, serving

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions
from sploot_media_clustering.adapters.redis_pulse import RedisPulse
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.adapters.redis_stream import RedisJobStream
from sploot_media_clustering.services.job_ports import DeadLetters, Entry, JobQueue, JobStream, PetStore
from sploot_media_clustering.services.lanes import LIVE, Lane, located

SILENCE_S = 0.25
STORES = [
    "memory",
    "embedded",
    *(pytest.param(name, marks=pytest.mark.slow) for name in SERVERS if name != "embedded"),
]


@dataclass
class Store:
    """One store, by its ports; ``publish`` is what any publisher does, ``results`` what readers see."""

    queue: JobQueue
    pets: PetStore
    letters: DeadLetters
    stream: Callable[[str], JobStream]
    connection: RedisConnection | None
    server: MemoryServer

    async def publish(self, fields: dict[bytes, bytes], lane: Lane = LIVE) -> str:
        if self.connection is None:
            return self.server.add(fields, lane)
        flat = [part for pair in fields.items() for part in pair]
        return lane.named((await self.connection.execute("XADD", keys.stream(lane), "*", *flat)).decode())

    async def results(self) -> list[tuple[str, int]]:
        if self.connection is None:
            return [(pet_id, version) for pet_id, version, _ in self.server.results]
        found = await self.connection.execute("XRANGE", keys.RESULTS, "-", "+")
        return [(fields[b"pet_id"].decode(), int(fields[b"version"])) for _, fields in found]

    async def waiting(self, lane: Lane = LIVE) -> int:
        if self.connection is None:
            return sum(located(entry_id)[0] == lane for entry_id in self.server.entries)
        return int(await self.connection.execute("XLEN", keys.stream(lane)))

    async def beat(self, consumer: str, entry_ids: list[str]) -> frozenset[str]:
        stream = self.stream(consumer)
        if isinstance(stream, MemoryJobStream):
            return stream.beat(entry_ids)
        assert self.connection is not None
        pulse = RedisPulse.__new__(RedisPulse)
        pulse._connection, pulse._consumer = self.connection, consumer
        return await pulse._beat(entry_ids)

    async def taken(self, consumer: str, lane: Lane, count: int = 100) -> list[Entry]:
        return await self.stream(consumer).read(lane, count, 0.01)


@asynccontextmanager
async def opened(name: str, partitions: int = 1) -> AsyncIterator[Store]:
    """A store of a name in :data:`STORES`, with nothing in it."""
    server = MemoryServer(silence_s=SILENCE_S, partitions=partitions)
    if name == "memory":
        yield Store(
            MemoryJobQueue(server),
            MemoryPetStore(server),
            MemoryDeadLetters(server),
            lambda name: MemoryJobStream(server, name),
            None,
            server,
        )
        return
    found = serving(name)
    admin = connect(found.admin)
    await admin.execute("FLUSHALL")
    await admin.close()
    connection = connect(found.url)
    if partitions > 1:
        await RedisPartitions(connection, partitions, begin=True)()
    yield Store(
        RedisJobQueue(connection),
        RedisPetStore(connection),
        RedisDeadLetters(connection),
        lambda name: RedisJobStream(connection, name, silence_s=SILENCE_S),
        connection,
        server,
    )
    await connection.close()
