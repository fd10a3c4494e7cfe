"""The worker's loop while the store does not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from unittest.mock import create_autospec

import pytest

from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.consuming import Consumer, Pace
from sploot_media_clustering.services.job_ports import Entry
from sploot_media_clustering.services.lanes import LIVE, Lane
from sploot_media_clustering.services.processing import Processor

FAILURES = 8


class AbsentStream:
    """Does not answer for a while, and then has nothing."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self.asked = 0

    async def lanes(self) -> Sequence[Lane]:
        return (LIVE,)

    async def read(self, lane: Lane, count: int, wait_s: float) -> list[Entry]:
        del lane, count, wait_s
        self.asked += 1
        if self.asked <= FAILURES:
            raise StoreUnavailableError("the store did not answer: refused")
        self._stop.set()
        await asyncio.sleep(0)
        return []

    async def claim(self, lane: Lane, count: int) -> list[Entry]:
        del lane, count
        return []

    async def attempt(self, entry_id: str) -> int:
        raise NotImplementedError(entry_id)

    async def acknowledge(self, entry_ids: Sequence[str]) -> None:
        raise NotImplementedError(entry_ids)


class Nobody:
    def hold(self, entry_ids: Collection[str]) -> None:
        del entry_ids

    def drop(self, entry_ids: Collection[str]) -> None:
        del entry_ids


def test_a_store_that_does_not_answer_is_told_once_and_asked_less_and_less(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A line when it begins, one when it is over, and ever longer pauses in between, up to a point."""
    pauses: list[float] = []

    async def passed(_consumer: Consumer, wait_s: float) -> bool:
        pauses.append(wait_s)
        await asyncio.sleep(0)
        return False

    async def consume() -> None:
        stop = asyncio.Event()
        pace = Pace(claim_every_s=0.0)
        await Consumer(AbsentStream(stop), create_autospec(Processor), Nobody(), pace).run(stop)

    monkeypatch.setattr(Consumer, "_pause", passed)
    with caplog.at_level(logging.INFO):
        asyncio.run(consume())
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "refused" in caplog.records[0].message
    waited = [wait_s for wait_s in pauses if wait_s > 0]
    assert waited == sorted(waited)
    assert len(waited) == FAILURES
    assert waited[-1] == waited[-2] > waited[0]
