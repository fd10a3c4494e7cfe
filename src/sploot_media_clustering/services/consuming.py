"""The worker's loop: each album has one thing done at a time, many albums are served side by side."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from sploot_media_clustering.errors import InputError, SplootError, TemporaryError
from sploot_media_clustering.services.job_ports import Entry, JobStream
from sploot_media_clustering.services.processing import Processor, Work, work_of

_log = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 5.0
"""Between two tries while the store does not answer."""


@runtime_checkable
class Holder(Protocol):
    """Keeps entries alive; :class:`~sploot_media_clustering.services.heart.Heart` is one."""

    def hold(self, entry_ids: Collection[str]) -> None:
        """These entries are in our hands."""
        ...

    def drop(self, entry_ids: Collection[str]) -> None:
        """They are no longer."""
        ...


@runtime_checkable
class Gate(Protocol):
    """Whether messages may be taken; :class:`~.models_in_charge.Charge` is one."""

    async def shut(self) -> str | None:
        """Why not, for people; None while they may.

        Raises:
            TemporaryError: that is not known for the moment.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a worker takes on.

    Attributes:
        in_hand: messages, at most.
        together: messages of one album that share a commit, at most.
        wait_s: for new messages, until we look whether to end.
        claim_every_s: how often we look for messages of silent workers.
        drain_s: time to finish what is in hand when told to end.
    """

    in_hand: int = 64
    together: int = 32
    wait_s: float = 1.0
    claim_every_s: float = 5.0
    drain_s: float = 30.0


class Consumer:
    """Consumes the stream.

    Args:
        stream: of jobs.
        processor: of the messages of an album.
        holder: keeps entries alive.
        pace: how much is taken on.
        gates: all of which have to be open for new messages; those in hand are finished.
        uri_template: of photos that are told by id alone.
    """

    def __init__(
        self,
        stream: JobStream,
        processor: Processor,
        holder: Holder,
        pace: Pace | None = None,
        *,
        gates: Sequence[Gate] = (),
        uri_template: str | None = None,
    ) -> None:
        self._stream = stream
        self._processor = processor
        self._holder = holder
        self._pace = pace or Pace()
        self._gates = gates
        self._uri_template = uri_template
        self._shut: str | None = None
        self._unknown = _Trouble("going on as before")
        self._waiting: dict[str, deque[Work]] = {}
        self._in_hand: set[str] = set()
        self._changed = asyncio.Event()
        self._lanes = _Lanes()
        self._stopping = asyncio.Event()
        self._running = False

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until told to end, then finish what is in hand.

        Raises:
            ExceptionGroup: a fault of ours; what is in hand falls to other workers.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._take(tasks), name="read")
                tasks.create_task(self._take_over(tasks), name="claim")
                self._running = True
                await stop.wait()
                self._stopping.set()
                self._running = False
                async with asyncio.timeout(self._pace.drain_s):
                    while self._in_hand:
                        await self._change()
        except* TimeoutError:
            _log.warning("%d messages are left to other workers", len(self._in_hand))

    @property
    def running(self) -> bool:
        """Whether messages are taken, or would be if a gate were not shut."""
        return self._running

    @property
    def in_hand_count(self) -> int:
        """Messages that are not done with."""
        return len(self._in_hand)

    async def _take(self, tasks: asyncio.TaskGroup) -> None:
        """New messages, as many as there is room for."""
        trouble = _Trouble("no messages")
        while not self._stopping.is_set():
            free = self._pace.in_hand - len(self._in_hand)
            if free <= 0:
                await self._change()
                continue
            self._tell(await self._why_shut())
            if self._shut is None:
                for entry in await self._patient(self._stream.read(free, self._pace.wait_s), trouble):
                    self._accept(entry, tasks)
            else:
                await self._pause(self._pace.wait_s)

    async def _take_over(self, tasks: asyncio.TaskGroup) -> None:
        """Messages of workers that fell silent."""
        trouble = _Trouble("no messages of silent workers")
        while not self._stopping.is_set():
            free = self._pace.in_hand - len(self._in_hand)
            if free > 0 and await self._why_shut() is None:
                for entry in await self._patient(self._stream.claim(free), trouble):
                    self._accept(entry, tasks)
            await self._pause(self._pace.claim_every_s)

    @property
    def shut(self) -> str | None:
        """Why no new messages are taken; None while they are, or while one is still waited for."""
        return self._shut

    async def _why_shut(self) -> str | None:
        """What a gate says that is shut; where that is not known, we go on as before."""
        try:
            told = [await gate.shut() for gate in self._gates]
        except TemporaryError as error:
            self._unknown.goes_on(error)
            return self._shut
        self._unknown.ends()
        return next((reason for reason in told if reason is not None), None)

    def _tell(self, reason: str | None) -> None:
        """For the one loop that waits for new messages: where another told it, a wait could still be on."""
        if reason != self._shut:
            _log.info("taking jobs" if reason is None else f"no jobs are taken: {reason}")
        self._shut = reason

    async def _patient(self, asked: Awaitable[list[Entry]], trouble: _Trouble) -> list[Entry]:
        """Messages, or none after a pause where the store did not answer."""
        try:
            found = await asked
        except TemporaryError as error:
            await self._pause(trouble.goes_on(error))
            return []
        trouble.ends()
        return found

    def _accept(self, entry: Entry, tasks: asyncio.TaskGroup) -> None:
        if entry.entry_id in self._in_hand:
            return  # claimed from ourselves: the store was out of reach for long
        self._in_hand.add(entry.entry_id)
        self._holder.hold([entry.entry_id])
        try:
            work = work_of(entry, self._uri_template)
        except InputError as error:
            tasks.create_task(self._refuse(entry, error))
            return
        if entry.again:
            tasks.create_task(self._alone(work, "the worker ended while it was at this job"))
            return
        pet_id = work.job.pet_id
        if pet_id in self._waiting:
            self._waiting[pet_id].append(work)
        else:
            self._waiting[pet_id] = deque([work])
            tasks.create_task(self._serve(pet_id), name=f"album {pet_id}")

    async def _serve(self, pet_id: str) -> None:
        """What waits for an album, until nothing does; what comes together shares a commit."""
        waiting = self._waiting[pet_id]
        while waiting:
            works = [waiting.popleft() for _ in range(min(len(waiting), self._pace.together))]
            error = await self._together(works, waiting)
            if error is None:
                self._let_go([work.entry.entry_id for work in works])
            else:
                for work in works:
                    await self._alone(work, _told(error))
        del self._waiting[pet_id]

    async def _together(self, works: Sequence[Work], waiting: Collection[Work]) -> Exception | None:
        """None once they are done; else what trying again together does not help against."""
        for wait_s in _waits():
            try:
                async with self._lanes.shared():
                    await self._processor.process(works, settle=lambda: not waiting)
            except TemporaryError as error:
                _log.warning("jobs of the album %s wait: %s", works[0].job.pet_id, error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the jobs are tried one by one
                return error
            else:
                return None
            if await self._pause(wait_s):
                break
        return None

    async def _alone(self, work: Work, reason: str) -> None:
        """One message with nothing beside it, so that it is known whose fault a crash is."""
        count = True
        for wait_s in _waits():
            try:
                async with self._lanes.alone():
                    attempts = await self._stream.attempt(work.entry.entry_id) if count else 0
                    if attempts > self._processor.limits.attempts:
                        await self._processor.give_up(work, reason, attempts - 1)
                    else:
                        count = False
                        await self._processor.process([work])
                break
            except TemporaryError as error:
                _log.warning("job %s waits: %s", work.job_id, error)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted, and told in the end
                _log.warning("job %s failed: %s", work.job_id, error)
                reason, count = _told(error), True
            if await self._pause(wait_s):
                break
        self._let_go([work.entry.entry_id])

    async def _refuse(self, entry: Entry, error: InputError) -> None:
        for wait_s in _waits():
            try:
                await self._processor.give_up_unread(entry, error)
                break
            except TemporaryError as trouble:
                _log.warning("a message that can't be read waits: %s", trouble)
            if await self._pause(wait_s):
                break
        self._let_go([entry.entry_id])

    def _let_go(self, entry_ids: Collection[str]) -> None:
        self._holder.drop(entry_ids)
        self._in_hand.difference_update(entry_ids)
        self._changed.set()

    async def _change(self) -> None:
        """Wait until messages were let go."""
        self._changed.clear()
        await self._changed.wait()

    async def _pause(self, wait_s: float) -> bool:
        """Wait, but not when told to end; whether we were."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), wait_s)
        return self._stopping.is_set()


class _Trouble:
    """A store that does not answer for a while: told when that begins and when it ends, not in between.

    Args:
        consequence: for people.
    """

    def __init__(self, consequence: str) -> None:
        self._consequence = consequence
        self._waits: Iterator[float] | None = None

    def goes_on(self, error: TemporaryError) -> float:
        """Seconds to wait until the next try."""
        if self._waits is None:
            _log.warning("%s until that is over: %s", self._consequence, error)
            self._waits = _waits()
        return next(self._waits)

    def ends(self) -> None:
        if self._waits is not None:
            _log.info("%s: that is over", self._consequence)
            self._waits = None


class _Lanes:
    """Many side by side, or one alone, which goes before those that have not begun."""

    def __init__(self) -> None:
        self._running = 0
        self._waiting_alone = 0
        self._alone = False
        self._free = asyncio.Condition()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        async with self._free:
            await self._free.wait_for(lambda: not self._alone and not self._waiting_alone)
            self._running += 1
        try:
            yield
        finally:
            async with self._free:
                self._running -= 1
                self._free.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._free:
            self._waiting_alone += 1
            try:
                await self._free.wait_for(lambda: not self._alone and not self._running)
                self._alone = True
            finally:
                self._waiting_alone -= 1
                self._free.notify_all()
        try:
            yield
        finally:
            async with self._free:
                self._alone = False
                self._free.notify_all()


def _waits() -> Iterator[float]:
    """Pauses between tries: ever longer, up to a point."""
    wait_s = _FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _told(error: Exception) -> str:
    told = str(error) if isinstance(error, SplootError) else f"{type(error).__name__}: {error}"
    return told or type(error).__name__
