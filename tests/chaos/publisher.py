"""Hands jobs in: some twice, some late, some done at once as the API does, all over a network that is cut."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fake_worker import sketch_clustering

from chaos.audit import Audit, AuditedApplier
from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap_service import QUESTIONS
from sploot_media_clustering.errors import SplootError, StoreUnavailableError
from sploot_media_clustering.services.committing import Committer
from sploot_media_clustering.services.jobs import JOB_FIELD, POSITION_FIELD, ChangeJob, Job, Position, encode
from sploot_media_clustering.services.lanes import lanes_of

TWICE, LATE, AT_ONCE = 0.05, 0.03, 0.5
"""Shares of the jobs that are published twice, and long after their place in the order; and of the changes
that are done by the API."""
LATE_JOBS = 100
"""Jobs that may come before one that is late."""
WAITING_MAX = 200
"""Jobs in the stream, so that kills fall on all of them."""
LATE_NUMBER = 1 << 20
"""Positions that no entry of its own has: more entries than fit into a millisecond."""
PAUSE_S = 0.05
API_S = 2.0


@dataclass
class Publisher:
    """One publisher.

    Attributes:
        connection: over the network that is cut.
        direct: over one that is not.
        partitions: of the jobs.
        rng: of what is done.
        audit: of what is done at once.
        positions: that jobs have, as far as the publisher heard.
        done_to: what was done, counted.
    """

    connection: RedisConnection
    direct: RedisConnection
    partitions: int
    rng: random.Random
    audit: Audit
    positions: dict[str, Position] = field(default_factory=dict)
    done_to: Counter[str] = field(default_factory=Counter)
    finished: bool = False

    async def publish(self, jobs: Sequence[Job]) -> None:
        """All jobs, each until it is stored."""
        applier = AuditedApplier(sketch_clustering(), self.audit, questions=QUESTIONS)
        self._api = Committer(RedisPetStore(self.connection), applier)
        late: list[tuple[int, Job]] = []
        again: list[Job] = []
        for number, job in enumerate(jobs):
            if self.rng.random() < LATE:
                self.positions[str(job.job_id)] = await self._place(number)
                late.append((number + self.rng.randint(1, LATE_JOBS), job))
            else:
                await self._add(job)
            for due in [due for due in late if due[0] <= number]:
                late.remove(due)
                await self._add_late(due[1])
            if self.rng.random() < TWICE:
                again.append(job)
            if again and self.rng.random() < TWICE:
                await self._add_again(again.pop(self.rng.randrange(len(again))))
            await self._room()
        for _, job in late:
            await self._add_late(job)
        self.finished = True

    async def _add(self, job: Job) -> None:
        while True:
            try:
                queued = await RedisJobQueue(self.connection).add(job)
            except StoreUnavailableError:
                self.done_to["jobs handed in again since no answer came"] += 1
                await asyncio.sleep(PAUSE_S)
            else:
                break
        self.positions[str(job.job_id)] = queued.position
        if isinstance(job, ChangeJob) and self.rng.random() < AT_ONCE:
            await self._at_once(job, queued.position)

    async def _at_once(self, job: ChangeJob, position: Position) -> None:
        """As the API does a change; what it can't do is left to a worker."""
        with suppress(SplootError, TimeoutError):
            async with asyncio.timeout(API_S):
                await self._api.apply(job, position)
            self.done_to["changes done at once"] += 1

    async def _place(self, number: int) -> Position:
        """A place in the order, before anything that is handed in from now on."""
        seconds, micros = await _patient(self.direct, "TIME")
        return Position(int(seconds) * 1000 + int(micros) // 1000 - 1, LATE_NUMBER + number)

    async def _add_late(self, job: Job) -> None:
        await _patient(self.direct, *self._entry(job))
        self.done_to["jobs that came late"] += 1

    async def _add_again(self, job: Job) -> None:
        if str(job.job_id) in self.positions:
            await _patient(self.direct, *self._entry(job))
            self.done_to["jobs published twice"] += 1

    def _entry(self, job: Job) -> tuple[str | bytes, ...]:
        """To a partition that may be another's, as of publishers that know of none."""
        stream = keys.jobs(self.rng.randrange(self.partitions))
        position = str(self.positions[str(job.job_id)])
        return ("XADD", stream, "*", JOB_FIELD, encode(job), POSITION_FIELD, position)

    async def _room(self) -> None:
        while await waiting(self.direct, self.partitions) > WAITING_MAX:  # noqa: ASYNC110 - others have to work them off
            await asyncio.sleep(PAUSE_S)


async def waiting(connection: RedisConnection, partitions: int) -> int:
    """Jobs in the streams; at least one where we can't know."""
    try:
        streams = [keys.stream(lane) for lane in lanes_of(partitions)]
        return sum([int(await connection.execute("XLEN", stream)) for stream in streams])
    except StoreUnavailableError:
        return 1


async def _patient(connection: RedisConnection, *command: str | bytes) -> object:
    """A command that may be repeated, until it is answered."""
    while True:
        try:
            return await connection.execute(*command)
        except StoreUnavailableError:
            await asyncio.sleep(PAUSE_S)
