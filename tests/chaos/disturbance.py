"""What is done to workers, the network and the store while jobs come in."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from chaos.proxy import CUTS, Proxy
from chaos.traffic import FIRST
from chaos.victim import RARE, STEPS
from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import EmbeddedStore, embedded_store
from sploot_media_clustering.adapters.redis_connection import RedisConnection

TICK_S = 0.5
KILL, CUT, CUT_ALL, RESTART = 0.15, 0.2, 0.02, 0.03
"""Chances, each tick, of a worker's death, of a cut between one client or all and the store, of its death."""
CUT_S = (0.2, 4.0)
DOWN_S = (0.1, 2.0)
MORTAL = 0.5
"""Share of the workers that kill themselves at a step, after so many of them at most:"""
OFTEN_MAX, RARE_MAX = 80, 2
START_S = END_S = 60.0
"""For a worker to begin, and to end when told to."""


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    fate: str | None


@dataclass
class Disturbance:
    """One run's.

    Attributes:
        stack: of what has to be closed.
        folder: of the store's data, kept embeddings and audits.
        store: that runs.
        rng: of everything that happens.
        proxies: one for each worker, and the publisher's.
        done_to: what was done, counted.
        fates: moments at which no worker has killed itself yet, and then again.
        calm: nothing more is done.
        model: of workers that start.
    """

    stack: AsyncExitStack
    folder: Path
    store: EmbeddedStore
    rng: random.Random
    proxies: list[Proxy] = field(default_factory=list)
    done_to: Counter[str] = field(default_factory=Counter)
    fates: list[str] = field(default_factory=list)
    calm: bool = False
    model: str = FIRST
    _workers: list[_Worker] = field(default_factory=list)
    _cuts: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin(self, workers: int) -> None:
        """Proxies, the publisher's last, and workers."""
        for number in range(workers + 1):
            proxy = Proxy(self.folder / f"{number}.sock", self.store.url.removeprefix("unix://"))
            self.proxies.append(await self.stack.enter_async_context(proxy.running()))
        self._workers = [self._started(number) for number in range(workers)]
        self.stack.callback(self._kill_all)

    async def tick(self) -> None:
        """Whoever died is replaced; something else may happen."""
        for number, worker in enumerate(self._workers):
            if worker.process.poll() is not None:
                self.done_to[f"workers that died {worker.fate or 'of a job'}"] += 1
                worker.fate = None
                self._workers[number] = self._started(number)
        if self.calm:
            return
        if self.rng.random() < KILL:
            self._kill(self.rng.randrange(len(self._workers)))
        if self.rng.random() < CUT:
            self._cut([self.rng.choice(self.proxies)])
        if self.rng.random() < CUT_ALL:
            self._cut(self.proxies)
        if self.rng.random() < RESTART:
            await self._restart_the_store()

    def release(self, model: str) -> None:
        """Another model from now on: half of the workers at once, the others when something ends them."""
        self.model = model
        for number in range(0, len(self._workers), 2):
            self._kill(number)

    async def end(self, connection: RedisConnection) -> list[str]:
        """Workers are told to end, once they have begun; what is not as it should be."""
        await asyncio.gather(*self._cuts)
        end = time.monotonic() + START_S
        while not await self._begun(connection) and time.monotonic() < end:
            await asyncio.gather(self.tick(), asyncio.sleep(TICK_S))
        for worker in self._workers:
            worker.process.send_signal(signal.SIGTERM)
        codes = [await asyncio.to_thread(worker.process.wait, END_S) for worker in self._workers]
        return [f"a worker that was told to end did so with {code}" for code in codes if code]

    async def _begun(self, connection: RedisConnection) -> bool:
        """Whether all workers are in the group."""
        told = await connection.execute("XINFO", "CONSUMERS", keys.JOBS, keys.GROUP)
        return all(f"-{worker.process.pid}-" in str(told) for worker in self._workers)

    def _started(self, number: int) -> _Worker:
        fate, told = None, ""
        if not self.calm and self.rng.random() < MORTAL:
            fate = self._next_fate()
            most = RARE_MAX if fate.partition(" ")[2] in RARE else OFTEN_MAX
            told = f"{fate.replace(' ', ':', 1)}:{self.rng.randint(1, most)}"
        command = [sys.executable, "-m", "chaos.victim", self.proxies[number].url, str(self.folder)]
        command += [self.model, told]
        places = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
        with (self.folder / "workers.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, stderr=log)
        return _Worker(process, fate)

    def _next_fate(self) -> str:
        if not self.fates:
            self.fates = [f"{when} {step}" for when in ("before", "after") for step in STEPS]
            self.rng.shuffle(self.fates)
        return self.fates.pop(0)

    def _kill(self, number: int) -> None:
        self._workers[number].process.kill()
        self._workers[number].process.wait()
        if fate := self._workers[number].fate:
            self.fates.append(fate)  # another comes to it
        self._workers[number] = self._started(number)
        self.done_to["workers killed at random"] += 1

    def _kill_all(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()

    def _cut(self, proxies: list[Proxy]) -> None:
        kind, seconds = self.rng.choice(CUTS), self.rng.uniform(*CUT_S)
        heals = self.rng.random() < 0.5
        for proxy in proxies:
            task = asyncio.create_task(proxy.cut(kind, seconds, heals=heals))
            self._cuts.add(task)
            task.add_done_callback(self._cuts.discard)
        self.done_to[f"cuts of the network ({kind})"] += len(proxies)

    async def _restart_the_store(self) -> None:
        os.kill(self.store.pid, signal.SIGKILL)
        self.done_to["kills of the store"] += 1
        await asyncio.sleep(self.rng.uniform(*DOWN_S))
        self.store = await asyncio.to_thread(self._store_again)

    def _store_again(self) -> EmbeddedStore:
        return self.stack.enter_context(embedded_store(self.folder / "store"))
