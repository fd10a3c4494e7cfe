"""The work of all consumers that are killed: a pause, then one count, a handler as anybody might write it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from redis.asyncio import Redis

STREAM: Final = "jobs"
GROUP: Final = "workers"
COUNTS: Final = "effects"
READY: Final = "ready"
SHORT_S: Final = 0.02
LONG_S: Final = 6.0
"""A job that takes longer than a consumer may be silent."""
RECLAIM_S: Final = 2.0
"""Silence after which a job may be claimed from its consumer, where that can be set."""


class Task(msgspec.Struct, frozen=True):
    """One job.

    Attributes:
        job_id: unique.
        kind: ``short``, ``long``, ``crash`` (raises) or ``kill`` (ends the process).
        due_s: when it is published, after the first.
    """

    job_id: str
    kind: str
    due_s: float


async def handle(redis: Redis, task: dict[str, Any]) -> None:
    """One job: the pause stands for work, the count for what it leaves behind."""
    kind = task["kind"]
    if kind == "crash":
        raise ZeroDivisionError("this job can't be done")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.sleep(LONG_S if kind == "long" else SHORT_S)
    await redis.hincrby(COUNTS, task["job_id"], 1)  # type: ignore[misc]  # redis-py's types know both kinds


async def ready(redis: Redis) -> None:
    """This process consumes."""
    await redis.sadd(READY, str(os.getpid()))  # type: ignore[misc]  # see above


async def tasks_in_time() -> AsyncIterator[Task]:
    """Jobs from standard input, each when it is due."""
    begun = time.monotonic()
    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=Task)
        await asyncio.sleep(max(0.0, task.due_s - (time.monotonic() - begun)))
        yield task
