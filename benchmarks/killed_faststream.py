"""FastStream's consumer of a Redis stream with the handler of ``killed_work.py``; needs the extra ``bench``.

``reclaim`` adds a second subscriber with ``min_idle_time``, as FastStream's documents tell for entries of
consumers that died. Its newer ``claim_min_idle_time`` needs Redis 8.4.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from faststream.redis import RedisBroker, StreamSub
from killed_work import GROUP, RECLAIM_S, STREAM, handle, ready, tasks_in_time
from redis.asyncio import Redis


async def consume(url: str, *settings: str) -> None:
    """Until it is killed."""
    broker, redis = RedisBroker(url), Redis.from_url(url)
    subscriptions = [StreamSub(STREAM, group=GROUP, consumer=f"faststream-{os.getpid()}")]
    if "reclaim" in settings:
        idle_ms = int(RECLAIM_S * 1000)
        name = f"reclaim-{os.getpid()}"
        subscriptions.append(StreamSub(STREAM, group=GROUP, consumer=name, min_idle_time=idle_ms))
    for subscription in subscriptions:

        @broker.subscriber(stream=subscription)
        async def work(body: dict[str, Any]) -> None:
            await handle(redis, body)

    await broker.start()
    await ready(redis)
    await asyncio.Event().wait()


async def publish(url: str) -> None:
    """All jobs of standard input."""
    async with RedisBroker(url) as broker:
        async for task in tasks_in_time():
            await broker.publish({"job_id": task.job_id, "kind": task.kind}, stream=STREAM)


if __name__ == "__main__":
    asyncio.run({"consume": consume, "publish": publish}[sys.argv[1]](*sys.argv[2:]))
