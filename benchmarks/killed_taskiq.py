"""taskiq's consumer of a Redis stream with the handler of ``killed_work.py``; needs the extra ``bench``.

``reclaim`` sets ``idle_timeout`` (ten minutes by default), after which unacknowledged tasks are delivered
again, and ``unacknowledged_lock_timeout``, without which the lock of a worker that was killed stays.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from killed_work import GROUP, RECLAIM_S, STREAM, handle, ready, tasks_in_time
from redis.asyncio import Redis
from taskiq import AsyncTaskiqDecoratedTask
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker


def opened(url: str, *settings: str) -> tuple[RedisStreamBroker, AsyncTaskiqDecoratedTask[..., Any]]:
    """The broker, and the task it knows."""
    told: dict[str, Any] = {}
    if "reclaim" in settings:
        told = {"idle_timeout": int(RECLAIM_S * 1000), "unacknowledged_lock_timeout": RECLAIM_S}
    broker = RedisStreamBroker(url, queue_name=STREAM, consumer_group_name=GROUP, **told)
    redis = Redis.from_url(url)

    @broker.task(task_name="work")
    async def work(body: dict[str, Any]) -> None:
        await handle(redis, body)

    return broker, work


async def consume(url: str, *settings: str) -> None:
    """Until it is killed."""
    broker, _ = opened(url, *settings)
    broker.is_worker_process = True
    await broker.startup()
    await ready(Redis.from_url(url))
    await run_receiver_task(broker)


async def publish(url: str) -> None:
    """All jobs of standard input."""
    broker, work = opened(url)
    await broker.startup()
    async for task in tasks_in_time():
        await work.kiq({"job_id": task.job_id, "kind": task.kind})
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run({"consume": consume, "publish": publish}[sys.argv[1]](*sys.argv[2:]))
