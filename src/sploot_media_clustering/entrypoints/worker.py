"""The worker's process: consumes until it is told to end, then finishes what it has in hand."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass

from sploot_media_clustering.bootstrap_worker import Manner, Tools, Worker, open_worker
from sploot_media_clustering.entrypoints.worker_health import serve_health

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a worker tells how it is."""

    host: str
    port: int


def work(url: str, tools: Tools, manner: Manner | None = None, health: Address | None = None) -> None:
    """Work on jobs until SIGTERM or SIGINT; a second one ends the process at once.

    Args:
        url: of the store.
        tools: what to work with.
        manner: how to work.
        health: where to tell how it goes; None for nowhere.
    """
    asyncio.run(_work(url, tools, manner, health))


async def _work(url: str, tools: Tools, manner: Manner | None, health: Address | None) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(kind: signal.Signals) -> None:
        _log.info("%s: finishing what is in hand", kind.name)
        stop.set()
        loop.remove_signal_handler(kind)

    for kind in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(kind, end, kind)
    async with open_worker(url, tools, manner) as worker:
        _log.info("waiting for jobs")
        await _consume(worker, stop, health)
    _log.info("ended")


async def _consume(worker: Worker, stop: asyncio.Event, health: Address | None) -> None:
    """Consume, and be watched and asked meanwhile; to the last message in hand."""
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(worker.fitness.watch())]
        if health is not None:
            _log.info("http://%s:%d/readyz and /metrics", health.host, health.port)
            beside.append(group.create_task(serve_health(worker, health.host, health.port)))
        await worker.consumer.run(stop)
        for task in beside:
            task.cancel()
