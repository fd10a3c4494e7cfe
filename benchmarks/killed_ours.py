"""Our consumer with the handler of ``killed_work.py``; run by ``killed_consumers.py``."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence

from killed_work import RECLAIM_S, handle, ready, tasks_in_time
from redis.asyncio import Redis

from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_pulse import RedisPulse
from sploot_media_clustering.adapters.redis_stream import RedisJobStream
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.consuming import Consumer, Pace
from sploot_media_clustering.services.heart import Heart
from sploot_media_clustering.services.job_ports import Burial, Entry
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.processing import Limits, Processor, Work

PETS = 20


class HandlerProcessor(Processor):
    """In place of the protocol's steps: the handler, then the acknowledgement."""

    def __init__(self, redis: Redis, connection: RedisConnection, stream: RedisJobStream) -> None:
        self.limits = Limits()
        self._redis = redis
        self._letters = RedisDeadLetters(connection)
        self._stream = stream

    async def process(self, works: Sequence[Work], *, settle: Callable[[], bool] = lambda: True) -> None:
        """Jobs of one album, one after the other."""
        del settle  # there is no album
        for work in works:
            if isinstance(work.job, JobRequest):
                await handle(self._redis, work.job.metadata)
            await self._stream.acknowledge([work.entry.entry_id])

    async def give_up(self, work: Work, reason: str, attempts: int) -> None:
        """Into the dead letters."""
        await self._letters.add(Burial(work.entry, reason, attempts, work.job_id, work.job.pet_id))
        await self._stream.acknowledge([work.entry.entry_id])

    async def give_up_unread(self, entry: Entry, error: InputError) -> None:
        """Into the dead letters."""
        await self._letters.add(Burial(entry, str(error), 0))
        await self._stream.acknowledge([entry.entry_id])


async def consume(url: str) -> None:
    """Until it is killed."""
    redis, connection, name = Redis.from_url(url), connect(url), f"ours-{os.getpid()}"
    stream = RedisJobStream(connection, name, silence_s=RECLAIM_S)
    processor = HandlerProcessor(redis, connection, stream)
    pace = Pace(claim_every_s=RECLAIM_S / 4)
    with Heart(RedisPulse(url, name), stream.disturbed, beat_s=RECLAIM_S / 5) as heart:
        await ready(redis)
        await Consumer(stream, processor, heart, pace).run(asyncio.Event())


async def publish(url: str) -> None:
    """All jobs of standard input."""
    connection = connect(url)
    queue, number = RedisJobQueue(connection), 0
    async for task in tasks_in_time():
        number += 1
        told = {"job_id": task.job_id, "kind": task.kind}
        await queue.add(JobRequest(job_id=task.job_id, pet_id=f"pet-{number % PETS}", metadata=told))
    await connection.close()


if __name__ == "__main__":
    asyncio.run({"consume": consume, "publish": publish}[sys.argv[1]](sys.argv[2]))
