"""Whether a worker is fit for its work: it reaches its store, consumes, and its networks still see."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, runtime_checkable

from sploot_media_clustering.errors import SplootError
from sploot_media_clustering.services.overseeing import Overseer

_log = logging.getLogger(__name__)

CANARY_EVERY_S: Final = 30.0
CANARY_GOOD_FOR_S: Final = 90.0
"""A busy worker may take a minute until it is the canary's turn."""
STUCK_S: Final = 600.0
"""Networks that have not answered for so long will not any more; the process should be started again."""
_STORE_S: Final = 2.0
"""Below the usual time-out of a probe, 3 s and more."""


@runtime_checkable
class Consuming(Protocol):
    """What a :class:`~sploot_media_clustering.services.consuming.Consumer` tells of itself."""

    @property
    def running(self) -> bool:
        """Whether messages are taken."""
        ...


class Fitness:
    """Watches over a worker.

    Args:
        consumer: that works.
        overseer: of the service.
        health: reaches the store, and raises where it does not answer or can't be trusted.
        canary: sends a picture through the networks as any photo goes, and raises where they don't see what
            is in it; without one they are not tried.
        every_s: between two canaries.
        clock: seconds, rising.
    """

    def __init__(
        self,
        consumer: Consuming,
        overseer: Overseer,
        health: Callable[[], Awaitable[None]],
        canary: Callable[[], Awaitable[None]] | None = None,
        *,
        every_s: float = CANARY_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._overseer = overseer
        self._health = health
        self._canary = canary
        self._every_s = every_s
        self._clock = clock
        self._seen_s: float | None = None
        self._sent_s: float | None = None
        self._alarm: str | None = None

    async def watch(self) -> None:
        """Send canaries, and tell in the log what somebody has to look after, until cancelled."""
        while True:
            await self._send()
            await self._look()
            await asyncio.sleep(self._every_s)

    async def unfit(self) -> tuple[str, ...]:
        """Why no jobs should be expected to be done here; nothing where they are."""
        found = (await self._store(), self._sight(), self._work(), self._alarm)
        return tuple(part for part in found if part is not None)

    def stuck(self) -> bool:
        """Whether the process should be started again."""
        return self._sent_s is not None and self._clock() - self._sent_s > STUCK_S

    async def _send(self) -> None:
        if self._canary is None:
            return
        self._sent_s = self._clock()
        try:
            await self._canary()
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker is not fit, and says so
            _log.warning("the canary was not seen: %s", error)
        else:
            self._seen_s = self._clock()
        self._sent_s = None

    async def _look(self) -> None:
        try:
            alarm = (await self._overseer.overview()).alarm
        except Exception as error:  # noqa: BLE001 - looking after the worker must not end it
            _log.warning("the store was not looked at: %s", error)
            return
        if alarm is not None:
            _log.warning("%s; see `sploot-clustering deadletter`", alarm)
        self._alarm = alarm

    def _sight(self) -> str | None:
        if self._canary is None:
            return None
        if self._seen_s is None:
            return "the networks: they have seen no canary yet"
        age_s = self._clock() - self._seen_s
        if age_s > CANARY_GOOD_FOR_S:
            return f"the networks: the last canary was seen {age_s:.0f} s ago"
        return None

    def _work(self) -> str | None:
        return None if self._consumer.running else "the consumer: it takes no jobs"

    async def _store(self) -> str | None:
        try:
            async with asyncio.timeout(_STORE_S):
                await self._health()
        except (SplootError, TimeoutError) as error:
            return f"the store: {str(error) or type(error).__name__}"
        return None
