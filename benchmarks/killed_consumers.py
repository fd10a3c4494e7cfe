"""Consumers of Redis streams under the same kills, with the same handler: ours, FastStream's, taskiq's.

    pip install -e '.[service,bench]' && python benchmarks/killed_consumers.py [--seconds 30] [--calm 60]

Four processes of each consume some thousand short jobs, some long ones, some that raise and some that end
their process, while one of the processes is killed every few seconds; then comes a time without kills. The
handler counts its runs in the store when it is done, so a job that was lost has a count of 0, and one that
was done twice a count of 2. On a server of our own, emptied for each.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from killed_work import COUNTS, GROUP, LONG_S, READY, STREAM, Task
from redis.asyncio import Redis

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import embedded_store

RIVALS: Final = (
    ("ours", "killed_ours.py", ()),
    ("FastStream, defaults", "killed_faststream.py", ()),
    ("FastStream, reclaiming", "killed_faststream.py", ("reclaim",)),
    ("taskiq, defaults", "killed_taskiq.py", ()),
    ("taskiq, reclaiming", "killed_taskiq.py", ("reclaim",)),
)
WORKERS: Final = 4
RATE: Final = 50
LONG_JOBS, CRASHES, KILLS = 8, 5, 3
KILL_EVERY_S: Final = 3.0
START_S: Final = 30.0
TICK_S: Final = 0.1
HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Outcome:
    """What became of the jobs.

    Attributes:
        jobs: that can be done.
        undone: of these, those that nobody has done.
        repeated: of these, those that were done more than once.
        long_repeated: of those, the long ones.
        left: entries that are still in somebody's hands.
        letters: that were put aside with a reason.
        deaths: of workers, by jobs, after the last kill of ours.
    """

    jobs: int
    undone: int
    repeated: int
    long_repeated: int
    left: int
    letters: int
    deaths: int


def tasks(rng: random.Random, seconds: float) -> list[Task]:
    """In the order in which they are published."""
    count = int(RATE * seconds)
    kinds = ["long"] * LONG_JOBS + ["crash"] * CRASHES + ["kill"] * KILLS
    kinds += ["short"] * (count - len(kinds))
    rng.shuffle(kinds)
    return [Task(f"job-{number}", kind, number / RATE) for number, kind in enumerate(kinds)]


class Killed:
    """Four processes of one consumer."""

    def __init__(self, url: str, script: str, settings: tuple[str, ...], rng: random.Random) -> None:
        self._command = [sys.executable, str(HERE / script), "consume", url, *settings]
        self._rng = rng
        self.deaths = 0
        self._processes = [self._started() for _ in range(WORKERS)]

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603

    def replace_the_dead(self) -> None:
        """A process that ended by itself is started again."""
        for number, process in enumerate(self._processes):
            if process.poll() is not None:
                self.deaths += 1
                self._processes[number] = self._started()

    def kill_one(self) -> None:
        """As a machine would that runs out of memory."""
        number = self._rng.randrange(WORKERS)
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._started()

    def end(self) -> None:
        """All of them."""
        for process in self._processes:
            process.kill()
            process.wait()


async def outcome(url: str, script: str, settings: tuple[str, ...], told: argparse.Namespace) -> Outcome:
    """One consumer, killed."""
    rng, redis = random.Random(told.seed), Redis.from_url(url)  # noqa: S311 - the same kills again
    await redis.flushall()
    jobs = tasks(rng, told.seconds)
    killed = Killed(url, script, settings, rng)
    try:
        await until(redis, WORKERS)
        command = [sys.executable, str(HERE / script), "publish", url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as publisher:  # noqa: S603, ASYNC220
            pipe = publisher.stdin
            if pipe is None:
                raise RuntimeError("expected a pipe to the publisher, got none")
            pipe.write(b"".join(msgspec.json.encode(task) + b"\n" for task in jobs))
            pipe.close()
            await disturbed(killed, publisher)
        killed.deaths = 0
        end = time.monotonic() + told.calm
        while time.monotonic() < end:
            killed.replace_the_dead()
            await asyncio.sleep(TICK_S)
    finally:
        killed.end()
    found = await counted(redis, jobs, killed.deaths)
    await redis.aclose()
    return found


async def until(redis: Redis, workers: int) -> None:
    """So many processes consume; groups begin with what comes after them."""
    end = time.monotonic() + START_S
    while await redis.scard(READY) < workers:  # type: ignore[misc]  # redis-py's types know both kinds
        if time.monotonic() > end:
            raise TimeoutError("the consumers did not start; is the extra 'bench' installed?")
        await asyncio.sleep(TICK_S)


async def disturbed(killed: Killed, publisher: subprocess.Popen[bytes]) -> None:
    """Kills, as long as jobs are published."""
    last = time.monotonic()
    while publisher.poll() is None:
        killed.replace_the_dead()
        if time.monotonic() - last > KILL_EVERY_S:
            killed.kill_one()
            last = time.monotonic()
        await asyncio.sleep(TICK_S)


async def counted(redis: Redis, jobs: list[Task], deaths: int) -> Outcome:
    """What the store tells."""
    found = await redis.hgetall(COUNTS)  # type: ignore[misc]  # see above
    runs = Counter({name.decode(): int(count) for name, count in found.items()})
    doable = [task for task in jobs if task.kind in {"short", "long"}]
    left = 0
    for stream, group in ((STREAM, GROUP), (keys.JOBS, keys.GROUP)):
        if await redis.exists(stream):
            left += (await redis.xpending(stream, group))["pending"]
    return Outcome(
        jobs=len(doable),
        undone=sum(not runs[task.job_id] for task in doable),
        repeated=sum(runs[task.job_id] > 1 for task in doable),
        long_repeated=sum(runs[task.job_id] > 1 for task in doable if task.kind == "long"),
        left=left,
        letters=int(await redis.xlen(keys.LETTERS)),
        deaths=deaths,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of publishing and killing")
    parser.add_argument("--calm", type=float, default=60.0, help="seconds without kills, then it is counted")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="names that start with this")
    told = parser.parse_args()
    print(f"jobs of {LONG_S:.0f} s: {LONG_JOBS}; that raise: {CRASHES}; that end their process: {KILLS}")
    print("| | jobs | not done | done twice | of these long | pending | dead letters | deaths in the calm |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder, embedded_store(Path(folder)) as store:
        for name, script, settings in RIVALS:
            if name.startswith(told.only or ""):
                found = asyncio.run(outcome(store.url, script, settings, told))
                print(row(name, found), flush=True)


def row(name: str, found: Outcome) -> str:
    """Of the table."""
    told = (
        found.jobs,
        found.undone,
        found.repeated,
        found.long_repeated,
        found.left,
        found.letters,
        found.deaths,
    )
    return f"| {name} | " + " | ".join(map(str, told)) + " |"


if __name__ == "__main__":
    main()
