"""Whether a worker says that it is fit, and when it is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from sploot_media_clustering.errors import ModelPackageError, StoreUnavailableError
from sploot_media_clustering.services.fitness import CANARY_GOOD_FOR_S, STUCK_S, Fitness
from sploot_media_clustering.services.overseeing import OpenJob, Overview


@dataclass
class Worker:
    """All that fitness looks at, to be broken by tests."""

    running: bool = True
    now_s: float = 0.0
    store: Exception | None = None
    canary: Exception | None = None
    letters: int = 0
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: bool = False

    async def overview(self) -> Overview:
        return Overview(
            paused_at=datetime.now(UTC),
            waiting=3,
            in_hand=1,
            oldest_s=5.0,
            workers=("w",),
            dead_letters=self.letters,
            dead_letters_most=10,
        )

    async def open_jobs(self, limit: int) -> tuple[OpenJob, ...]:
        return ()[:limit]

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    async def health(self) -> None:
        if self.store is not None:
            raise self.store

    async def send(self) -> None:
        self.sent.set()
        if self.hanging:
            await asyncio.Event().wait()
        if self.canary is not None:
            raise self.canary

    def fitness(self) -> Fitness:
        return Fitness(self, self, self.health, self.send, every_s=0.001, clock=lambda: self.now_s)


def unfit(worker: Worker, later: Callable[[], None] = lambda: None) -> tuple[str, ...]:
    """What it says after its canary was sent, and then something happened."""

    async def watched() -> tuple[str, ...]:
        fitness = worker.fitness()
        watching = asyncio.create_task(fitness.watch())
        await worker.sent.wait()
        await asyncio.sleep(0.01)
        watching.cancel()
        later()
        return await fitness.unfit()

    return asyncio.run(watched())


def test_a_worker_that_sees_reaches_and_consumes_is_fit() -> None:
    """A pause is no fault of its own."""
    assert unfit(Worker()) == ()


def test_before_its_first_canary_a_worker_is_not_fit() -> None:
    """Networks that were loaded have seen nothing yet."""
    assert "no canary yet" in asyncio.run(Worker().fitness().unfit())[0]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"running": False}, "it takes no jobs"),
        ({"store": StoreUnavailableError("no route to it")}, "no route to it"),
        ({"store": TimeoutError()}, "TimeoutError"),
        ({"canary": ModelPackageError("no animal in the canary")}, "no canary yet"),
        ({"canary": ZeroDivisionError()}, "no canary yet"),
        ({"letters": 8}, "8 dead letters, 10 at most"),
        ({"letters": 10}, "no room for more"),
    ],
    ids=str,
)
def test_whatever_is_wrong_is_named(broken: dict[str, object], reason: str) -> None:
    """One reason for each."""
    (told,) = unfit(Worker(**broken))  # type: ignore[arg-type]
    assert reason in told


def test_a_canary_is_good_for_a_while() -> None:
    """Networks that saw one long ago may have stopped since."""
    worker = Worker()

    def wait() -> None:
        worker.now_s += CANARY_GOOD_FOR_S + 1

    assert "91 s ago" in unfit(worker, wait)[0]


def test_networks_that_never_answer_are_stuck() -> None:
    """Then nothing but another process helps."""

    async def watched() -> tuple[bool, bool]:
        worker = Worker(hanging=True)
        fitness = worker.fitness()
        watching = asyncio.create_task(fitness.watch())
        await worker.sent.wait()
        before = fitness.stuck()
        worker.now_s = STUCK_S + 1
        after = fitness.stuck()
        watching.cancel()
        return before, after

    assert asyncio.run(watched()) == (False, True)


def test_dead_letters_that_pile_up_are_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Before there is no more room."""
    with caplog.at_level(logging.WARNING):
        unfit(Worker(letters=8))
    assert "8 dead letters, 10 at most" in caplog.text
