"""The worker's process: consumes until it is told to end, then finishes what it has in hand."""

from __future__ import annotations

import asyncio
import logging
import signal

from sploot_media_clustering.bootstrap_worker import Manner, Tools, open_consumer

_log = logging.getLogger(__name__)


def work(url: str, tools: Tools, manner: Manner | None = None) -> None:
    """Work on jobs until SIGTERM or SIGINT; a second one ends the process at once.

    Args:
        url: of the store.
        tools: what to work with.
        manner: how to work.
    """
    asyncio.run(_work(url, tools, manner))


async def _work(url: str, tools: Tools, manner: Manner | None) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(kind: signal.Signals) -> None:
        _log.info("%s: finishing what is in hand", kind.name)
        stop.set()
        loop.remove_signal_handler(kind)

    for kind in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(kind, end, kind)
    async with open_consumer(url, tools, manner) as consumer:
        _log.info("waiting for jobs")
        await consumer.run(stop)
    _log.info("ended")
