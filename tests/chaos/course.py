"""One run: jobs in, disturbance until all of them are published, calm until all have ended."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaos.audit import Audit
from chaos.disturbance import TICK_S, Disturbance
from chaos.findings import Run
from chaos.publisher import Publisher, waiting
from chaos.traffic import FIRST, SECOND, is_backfill, jobs_of, poison
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions

END_S = 300.0
"""For the last jobs, once all is calm."""


@dataclass
class Ended:
    """What is there once all jobs have ended.

    Attributes:
        run: what was handed in.
        connection: to the store.
        counts: of what was done.
        found: what is not as it should be so far.
    """

    run: Run
    connection: RedisConnection
    counts: Counter[str]
    found: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is to be.

    Attributes:
        jobs: that are handed in.
        pets: whose they are.
        workers: at a time.
        seed: of all that is drawn.
        calm: nothing is disturbed.
        change_model: another model takes over halfway.
        partitions: of the jobs.
        backfill: share of the jobs of photos that is back-fill.
    """

    jobs: int
    pets: int
    workers: int
    seed: int
    calm: bool = False
    change_model: bool = False
    partitions: int = 1
    backfill: float = 0.0


@asynccontextmanager
async def ended(folder: Path, plan: Plan) -> AsyncIterator[Ended]:
    """A run that has come to its end; its store lives as long as the context."""
    rng, begun = random.Random(plan.seed), time.monotonic()  # noqa: S311 - the same chaos again
    handed_in = jobs_of(rng, plan.pets, plan.jobs, plan.backfill)
    audits = folder / "audit"
    audits.mkdir()
    async with AsyncExitStack() as stack:
        store = stack.enter_context(embedded_store(folder / "store"))
        chaos = Disturbance(stack, folder, store, random.Random(rng.random()), calm=plan.calm)  # noqa: S311
        await begun_with(store.url, plan.partitions)
        await chaos.begin(plan.workers)
        direct, cut = connect(store.url), connect(chaos.proxies[-1].url)
        stack.push_async_callback(direct.close)
        stack.push_async_callback(cut.close)
        publisher = Publisher(cut, direct, plan.partitions, random.Random(rng.random()), Audit(audits))  # noqa: S311
        publishing = asyncio.create_task(publisher.publish(handed_in))
        while not publishing.done():
            await asyncio.gather(chaos.tick(), asyncio.sleep(TICK_S))
            if plan.change_model and chaos.model == FIRST and 2 * len(publisher.positions) > plan.jobs:
                chaos.release(SECOND)
        await publishing
        chaos.calm, end = True, time.monotonic() + END_S
        while await waiting(direct, plan.partitions) and time.monotonic() < end:
            await asyncio.gather(chaos.tick(), asyncio.sleep(TICK_S))
        found = await chaos.end(direct)
        counts = chaos.done_to + publisher.done_to
        counts["jobs that nobody can do"] = len(poison(handed_in))
        counts["moments of death that never came"] = len(chaos.fates)
        counts["seconds until all jobs had ended"] = round(time.monotonic() - begun)
        counts["jobs of back-fill"] = sum(is_backfill(job) for job in handed_in)
        by_id = {str(job.job_id): job for job in handed_in}
        known = Run(by_id, publisher.positions, audits, plan.partitions)
        yield Ended(known, direct, counts, found)


async def begun_with(url: str, partitions: int) -> None:
    """The store begins with so many partitions, as its first worker would say."""
    connection = connect(url)
    await RedisPartitions(connection, partitions, begin=True)()
    await connection.close()
