"""The worker's loop: each album has one thing done at a time, many albums are served side by side."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar, runtime_checkable

from sploot_media_clustering.errors import InputError, SplootError, TemporaryError
from sploot_media_clustering.services.job_ports import Entry, JobStream
from sploot_media_clustering.services.lanes import Lane, LaneName, located
from sploot_media_clustering.services.processing import Processor, Work, work_of
from sploot_media_clustering.services.turns import Turns

T = TypeVar("T")

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
        in_hand: live messages, at most; each partition has an equal share of them.
        backfill: the same of back-fill, which has them to itself: few, since who comes after waits for them,
            and enough to keep the networks busy; never none, so that back-fill goes on under any load.
        together: messages of one album that share a commit, at most.
        wait_s: for new messages, until we look whether to end.
        claim_every_s: how often we look for messages of silent workers.
        drain_s: time to finish what is in hand when told to end.
    """

    in_hand: int = 64
    backfill: int = 8
    together: int = 32
    wait_s: float = 1.0
    claim_every_s: float = 5.0
    drain_s: float = 30.0


class Consumer:
    """Consumes the stream.

    Args:
        stream: of jobs, in lanes.
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
        self._shut: dict[Lane, str | None] = {}
        self._told: str | None = None
        self._unknown = _Trouble("going on as before")
        self._waiting: dict[str, deque[Work]] = {}
        self._in_hand: set[str] = set()
        self._held: Counter[Lane] = Counter()
        self._changed = asyncio.Event()
        self._turns = Turns()
        self._stopping = asyncio.Event()
        self._running = False

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until told to end, then finish what is in hand.

        Raises:
            ExceptionGroup: a fault of ours; what is in hand falls to other workers.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._begin(tasks), name="begin")
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

    async def _begin(self, tasks: asyncio.TaskGroup) -> None:
        """A loop for each lane, once it is known which there are, and one for what silent workers hold."""
        trouble = _Trouble("no messages")
        while not (lanes := await self._patient(self._stream.lanes(), trouble)):
            if self._stopping.is_set():
                return
        self._shut = dict.fromkeys(lanes)
        troubles = {lane.partition: _Trouble("no messages") for lane in lanes}
        for lane in lanes:
            loop = self._take(lane, tasks, troubles[lane.partition])
            tasks.create_task(loop, name=f"read {lane.name} {lane.partition}")
        tasks.create_task(self._take_over(lanes, tasks), name="claim")

    def _free(self, lane: Lane) -> int:
        """Room for messages of a lane; live ones and back-fill don't take each other's."""
        most = self._pace.in_hand if lane.name == "live" else self._pace.backfill
        partitions = sum(other.name == lane.name for other in self._shut)
        return max(most // partitions, 1) - self._held[lane]

    async def _take(self, lane: Lane, tasks: asyncio.TaskGroup, trouble: _Trouble) -> None:
        """New messages of a lane, as many as there is room for."""
        while not self._stopping.is_set():
            free = self._free(lane)
            if free <= 0:
                await self._change()
                continue
            self._shut[lane] = await self._why_shut(self._shut[lane])
            self._tell()
            if self._shut[lane] is None:
                for entry in await self._patient(self._stream.read(lane, free, self._pace.wait_s), trouble):
                    self._accept(entry, tasks)
            else:
                await self._pause(self._pace.wait_s)

    async def _take_over(self, lanes: Sequence[Lane], tasks: asyncio.TaskGroup) -> None:
        """Messages of workers that fell silent."""
        troubles = {lane.partition: _Trouble("no messages of silent workers") for lane in lanes}
        while not self._stopping.is_set():
            for lane in lanes:
                free = self._free(lane)
                if free > 0 and await self._why_shut(self.shut) is None:
                    claimed = self._stream.claim(lane, free)
                    for entry in await self._patient(claimed, troubles[lane.partition]):
                        self._accept(entry, tasks)
            await self._pause(self._pace.claim_every_s)

    @property
    def shut(self) -> str | None:
        """Why no new messages are taken; None while they are, or while one is still waited for."""
        reasons = list(self._shut.values())
        return None if None in reasons else next(iter(reasons), None)

    async def _why_shut(self, before: str | None) -> str | None:
        """What a gate says that is shut; where that is not known, we go on as before."""
        try:
            told = [await gate.shut() for gate in self._gates]
        except TemporaryError as error:
            self._unknown.goes_on(error)
            return before
        self._unknown.ends()
        return next((reason for reason in told if reason is not None), None)

    def _tell(self) -> None:
        """Once all loops that wait for new messages agree."""
        if self.shut != self._told:
            _log.info("taking jobs" if self.shut is None else f"no jobs are taken: {self.shut}")
        self._told = self.shut

    async def _patient(self, asked: Awaitable[Sequence[T]], trouble: _Trouble) -> Sequence[T]:
        """What is there, or nothing after a pause where the store did not answer."""
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
        self._held[located(entry.entry_id)[0]] += 1
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
            works = _next(waiting, self._pace.together)
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
                async with self._turns.shared():
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
                async with self._turns.alone():
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
        self._held.subtract(located(entry_id)[0] for entry_id in entry_ids)
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


def _next(waiting: deque[Work], most: int) -> list[Work]:
    """What of an album comes first: live jobs, where there are any, without back-fill beside them."""
    name = "live" if any(_lane(work) == "live" for work in waiting) else "backfill"
    works = [work for work in waiting if _lane(work) == name][:most]
    for work in works:
        waiting.remove(work)
    return works


def _lane(work: Work) -> LaneName:
    return located(work.entry.entry_id)[0].name


def _waits() -> Iterator[float]:
    """Pauses between tries: ever longer, up to a point."""
    wait_s = _FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _told(error: Exception) -> str:
    told = str(error) if isinstance(error, SplootError) else f"{type(error).__name__}: {error}"
    return told or type(error).__name__
