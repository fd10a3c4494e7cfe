"""The worker's process: consumes until it is told to end, then finishes what it has in hand."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass
from pathlib import Path

from sploot_media_clustering.bootstrap_service import open_models
from sploot_media_clustering.bootstrap_worker import Manner, Tools, Worker, open_worker
from sploot_media_clustering.entrypoints.worker_health import serve_health
from sploot_media_clustering.services.following import Fetch, successor

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a worker tells how it is."""

    host: str
    port: int


def work(
    url: str,
    tools: Tools,
    manner: Manner | None = None,
    health: Address | None = None,
    fetch: Fetch | None = None,
) -> Path | None:
    """Work on jobs until SIGTERM or SIGINT; a second one ends the process at once.

    Args:
        url: of the store.
        tools: what to work with.
        manner: how to work.
        health: where to tell how it goes; None for nowhere.
        fetch: gets models; without it a worker whose model was replaced waits.

    Returns:
        The folder of the model to go on with, where another one is in charge and was fetched; else None.
    """
    return asyncio.run(_until_signal(url, tools, manner, health, fetch))


async def _until_signal(
    url: str, tools: Tools, manner: Manner | None, health: Address | None, fetch: Fetch | None
) -> Path | None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(kind: signal.Signals) -> None:
        _log.info("%s: finishing what is in hand", kind.name)
        stop.set()
        loop.remove_signal_handler(kind)

    for kind in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(kind, end, kind)
    found = await attend(url, tools, stop, manner=manner, health=health, fetch=fetch)
    if found is None:
        _log.info("ended")
    else:
        _log.info("going on with the model in %s", found)
    return found


async def attend(
    url: str,
    tools: Tools,
    stop: asyncio.Event,
    *,
    manner: Manner | None = None,
    health: Address | None = None,
    fetch: Fetch | None = None,
) -> Path | None:
    """Work on jobs until told to stop or to go on with another model; see :func:`work`."""
    async with open_worker(url, tools, manner) as worker, open_models(url) as models:
        _log.info("waiting for jobs")
        following = None
        if fetch is not None:
            following = asyncio.create_task(
                successor(models, tools.clustering.model.version, fetch, passed=tools.passed_gate)
            )
        try:
            await _consume(worker, stop, health, following)
        finally:
            if following is not None:
                following.cancel()
        return following.result() if following and following.done() and not stop.is_set() else None


async def _consume(
    worker: Worker, stop: asyncio.Event, health: Address | None, following: asyncio.Task[Path] | None
) -> None:
    """Consume, and be watched and asked meanwhile; to the last message in hand."""
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        beside = [
            group.create_task(worker.fitness.watch()),
            group.create_task(_either(stop, following, enough)),
        ]
        if health is not None:
            _log.info("http://%s:%d/readyz and /metrics", health.host, health.port)
            beside.append(group.create_task(serve_health(worker, health.host, health.port)))
        await worker.consumer.run(enough)
        for task in beside:
            task.cancel()


async def _either(stop: asyncio.Event, following: asyncio.Task[Path] | None, enough: asyncio.Event) -> None:
    """Say enough once one of both came."""
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopped, *filter(None, [following])], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        enough.set()
