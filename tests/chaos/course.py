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
from chaos.traffic import FIRST, SECOND, jobs_of, poison
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect

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


@asynccontextmanager
async def ended(
    folder: Path,
    *,
    jobs: int,
    pets: int,
    workers: int,
    seed: int,
    calm: bool = False,
    change_model: bool = False,
) -> AsyncIterator[Ended]:
    """A run that has come to its end; its store lives as long as the context."""
    rng, begun = random.Random(seed), time.monotonic()  # noqa: S311 - the same chaos again
    handed_in = jobs_of(rng, pets, jobs)
    audits = folder / "audit"
    audits.mkdir()
    async with AsyncExitStack() as stack:
        store = stack.enter_context(embedded_store(folder / "store"))
        chaos = Disturbance(stack, folder, store, random.Random(rng.random()), calm=calm)  # noqa: S311
        await chaos.begin(workers)
        direct, cut = connect(store.url), connect(chaos.proxies[-1].url)
        stack.push_async_callback(direct.close)
        stack.push_async_callback(cut.close)
        publisher = Publisher(cut, direct, random.Random(rng.random()), Audit(audits))  # noqa: S311
        publishing = asyncio.create_task(publisher.publish(handed_in))
        while not publishing.done():
            await asyncio.gather(chaos.tick(), asyncio.sleep(TICK_S))
            if change_model and chaos.model == FIRST and 2 * len(publisher.positions) > jobs:
                chaos.release(SECOND)
        await publishing
        chaos.calm, end = True, time.monotonic() + END_S
        while await waiting(direct) and time.monotonic() < end:
            await asyncio.gather(chaos.tick(), asyncio.sleep(TICK_S))
        found = await chaos.end(direct)
        counts = chaos.done_to + publisher.done_to
        counts["jobs that nobody can do"] = len(poison(handed_in))
        counts["moments of death that never came"] = len(chaos.fates)
        counts["seconds until all jobs had ended"] = round(time.monotonic() - begun)
        known = Run({str(job.job_id): job for job in handed_in}, publisher.positions, audits)
        yield Ended(known, direct, counts, found)
