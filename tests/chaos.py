"""Workers and the store are killed while jobs come in; in the end nothing is lost and nothing doubled.

``python tests/chaos.py --jobs 20000 --pets 500 --workers 4`` prints what was done to them and what was found,
and fails where something is amiss. Networks are drawn, so the time goes into the protocol.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from album_view import CLUSTERING, seen
from fake_worker import ANIMALS, SketchEmbedder, photos_job

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import EmbeddedStore, embedded_store
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord, Failed, Source
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.applying import AlbumApplier, Prepared, ReadyPhoto
from sploot_media_clustering.services.decision_records import Said, Sighted
from sploot_media_clustering.services.desk import Decide, DeletePet, RemoveImage
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import JOB_FIELD, POSITION_FIELD, ChangeJob, Job, Position, encode
from sploot_media_clustering.services.results import AlbumResult

STEPS = ("prepare", "apply", "commit", "relay", "tell", "letter", "acknowledge")
START = datetime(2026, 5, 1, tzinfo=UTC)
PHOTOS_A_PET = 40
TWICE = 0.05
"""Share of the jobs that are published twice."""
LETTERS_MAX = 100_000
FAULTS_SHOWN = 50
WAITING_MAX = 200
"""Jobs in the stream, so that kills fall on all of them."""
KILL_EVERY_S, RESTART_EVERY_S = 3, 15


@dataclass
class Chaos:
    """One run.

    Attributes:
        stack: of what has to be closed.
        folder: of the store's data and of kept embeddings.
        rng: of everything that happens.
        positions: that jobs have.
        done_to: what was done to them, counted.
    """

    stack: ExitStack
    folder: Path
    rng: random.Random
    store: EmbeddedStore
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    done_to: Counter[str] = field(default_factory=Counter)
    published: bool = False

    def start_worker(self) -> None:
        """One more; every other one kills itself after some step."""
        step = []
        if self.rng.random() < 0.5 and not self.published:
            step = [f"{self.rng.choice(STEPS)}:{self.rng.randint(1, 60)}"]
        program = str(Path(__file__).parent / "fake_worker.py")
        command = [sys.executable, program, self.store.url, str(self.folder / "kept"), *step]
        self.workers.append(
            subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)})
        )

    def replace_the_dead(self) -> None:
        for worker in [worker for worker in self.workers if worker.poll() is not None]:
            self.done_to["workers that died at a step or of a job"] += 1
            self.workers.remove(worker)
            self.start_worker()

    def kill_a_worker(self) -> None:
        worker = self.rng.choice(self.workers)
        worker.kill()
        worker.wait()
        self.workers.remove(worker)
        self.done_to["workers killed at random"] += 1
        self.start_worker()

    async def restart_the_store(self) -> None:
        os.kill(self.store.pid, signal.SIGKILL)
        self.done_to["kills of the store"] += 1
        await asyncio.sleep(self.rng.uniform(0.2, 2.0))
        self.store = self.stack.enter_context(embedded_store(self.folder / "store"))


def jobs_of(rng: random.Random, pets: int, count: int) -> list[Job]:
    """Photos that come and are replaced, words, removals, deletions, poison; of all pets in turn."""
    jobs: list[Job] = []
    for number in range(count):
        pet_id, job_id = f"pet-{rng.randrange(pets)}", f"job-{number}"
        image_id, kind = f"photo-{rng.randrange(PHOTOS_A_PET)}", rng.random()
        if kind < 0.9:
            text = "crash" if kind < 0.002 else f"{rng.choice(ANIMALS)} {rng.randrange(50)}"
            text = "a cloud" if kind > 0.89 else text
            jobs.append(photos_job(job_id, pet_id, {image_id: text}))
            continue
        sighted = (Sighted(image_id=image_id),)
        change = (
            RemoveImage(image_id=image_id)
            if kind < 0.95
            else Decide(said=Said(kind="name", name=rng.choice(ANIMALS), sightings=sighted))
            if kind < 0.998
            else DeletePet()
        )
        at = START + timedelta(seconds=number)
        jobs.append(ChangeJob(job_id=job_id, pet_id=pet_id, change=change, at=at))
    return jobs


async def publish(chaos: Chaos, connection: RedisConnection, jobs: Sequence[Job]) -> None:
    """Each job until it is stored, some of them again later, at the position they have."""
    queue, again = RedisJobQueue(connection), []
    for job in jobs:
        while str(job.job_id) not in chaos.positions:
            try:
                chaos.positions[str(job.job_id)] = (await queue.add(job)).position
            except StoreUnavailableError:
                await asyncio.sleep(0.05)
        if chaos.rng.random() < TWICE:
            again.append(job)
        if again and chaos.rng.random() < TWICE:
            await _publish_again(chaos, connection, again.pop(chaos.rng.randrange(len(again))))
        while await _waiting(connection) > WAITING_MAX:  # noqa: ASYNC110 - others have to work them off
            await asyncio.sleep(0.05)
    chaos.published = True


async def _publish_again(chaos: Chaos, connection: RedisConnection, job: Job) -> None:
    position = str(chaos.positions[str(job.job_id)])
    with suppress(StoreUnavailableError):
        await connection.execute("XADD", keys.JOBS, "*", JOB_FIELD, encode(job), POSITION_FIELD, position)
        chaos.done_to["jobs published twice"] += 1


async def disturb(chaos: Chaos, connection: RedisConnection) -> None:
    """Kills until all is published, then lets what is there come to an end."""
    seconds = 0
    while not chaos.published or await _waiting(connection):
        await asyncio.sleep(1.0)
        seconds += 1
        chaos.replace_the_dead()
        if not chaos.published and seconds % KILL_EVERY_S == 0:
            chaos.kill_a_worker()
        if not chaos.published and seconds % RESTART_EVERY_S == 0:
            await chaos.restart_the_store()


async def _waiting(connection: RedisConnection) -> int:
    try:
        return int(await connection.execute("XLEN", keys.JOBS))
    except StoreUnavailableError:
        return 1


async def faults(chaos: Chaos, connection: RedisConnection, jobs: Sequence[Job]) -> list[str]:
    """What is not as it should be."""
    letters, _ = await RedisDeadLetters(connection).page(LETTERS_MAX, None)
    dead = Counter(str(letter.job_id) for letter in letters)
    entries = await connection.execute("XRANGE", keys.RESULTS, "-", "+")
    results = [msgspec.json.decode(fields[b"result"], type=AlbumResult) for _, fields in entries]
    committed = Counter(name for result in results for name in result.job_ids)
    chaos.done_to |= Counter({"jobs committed": len(committed), "jobs in the dead letters": len(dead)})
    chaos.done_to["versions published"] = len(results)
    found = [
        f"{job.job_id} has {committed[job.job_id]} commits and {dead[job.job_id]} dead letters"
        for job in jobs
        if committed[str(job.job_id)] + dead[str(job.job_id)] != 1
    ]
    versions: dict[str, int] = defaultdict(int)
    for result in results:
        if result.previous_version != versions[result.pet_id]:
            found.append(f"a version of {result.pet_id} is missing before {result.version}")
        versions[result.pet_id] = result.version
    by_pet: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        if str(job.job_id) not in dead:
            by_pet[job.pet_id].append(job)
    for pet_id, own in by_pet.items():
        stored = await RedisPetStore(connection).read(pet_id)
        if stored.version != versions[pet_id]:
            found.append(f"{pet_id} is of version {stored.version}, published is {versions[pet_id]}")
        places = sorted(chaos.positions.values())
        parts = zip(
            seen(_ranked(album_record.unpack(stored.record), places)),
            seen(_ranked(calm(chaos, own), places)),
            strict=False,
        )
        if differ := [number for number, (one, other) in enumerate(parts) if one != other]:
            found.append(f"{pet_id} is not what a calm run makes it, parts {differ}")
    return found + await _left(connection)


async def _left(connection: RedisConnection) -> list[str]:
    """Keys that should be empty, or should go by themselves."""
    found = []
    for key in await connection.execute("KEYS", "*"):
        name = key.decode()
        lives_ms = await connection.execute("PTTL", key)
        if name.endswith(":outbox") or name == keys.ATTEMPTS:
            found.append(f"{name} is not empty")
        if (name.startswith("job:") or name.endswith((":payload", ":fence"))) != (lives_ms > 0):
            found.append(f"{name} has a TTL of {lives_ms} ms")
    return found


def _ranked(record: AlbumRecord, places: Sequence[Position]) -> AlbumRecord:
    """Positions as ranks: a job whose publisher lost the reply has an earlier entry than the one known."""

    def rank(position: Position | None) -> Position | None:
        return None if position is None else Position(bisect_left(places, position), 0)

    return msgspec.structs.replace(
        record,
        images={name: rank(at) for name, at in record.images.items()},
        decisions={name: rank(at) for name, at in record.decisions.items()},
        failed={name: Failed(rank(part.position), part.image) for name, part in record.failed.items()},
        expected=rank(record.expected),
        deleted=rank(record.deleted),
    )


def calm(chaos: Chaos, jobs: Sequence[Job]) -> AlbumRecord:
    """The album after one job after the other, in order of position."""
    prepared = [Prepared(job, chaos.positions[str(job.job_id)], _photos(job)) for job in jobs]
    applier = AlbumApplier(CLUSTERING)
    return applier.apply(AlbumRecord(), prepared, pet_id=jobs[0].pet_id, version=1, settle=True).record


def _photos(job: Job) -> dict[str, object]:
    if not isinstance(job, JobRequest):
        return {}
    photos: dict[str, object] = {}
    for image in job.images:
        text = image.uri.removeprefix("sketch:").encode()
        (found,) = SketchEmbedder().embed([PhotoInput(image.image_id, text)])
        error = getattr(found, "error", None)
        photos[image.image_id] = (
            FailedImage(image_id=image.image_id, error=type(error).__name__, message=str(error))
            if error
            else ReadyPhoto(found, Source(image.uri, hashlib.sha256(text).digest()))
        )
    return photos


async def run(told: argparse.Namespace, chaos: Chaos) -> list[str]:
    jobs = jobs_of(chaos.rng, told.pets, told.jobs)
    connection = connect(chaos.store.url)
    for _ in range(told.workers):
        chaos.start_worker()
    await asyncio.gather(publish(chaos, connection, jobs), disturb(chaos, connection))
    for worker in chaos.workers:
        worker.send_signal(signal.SIGTERM)
    for worker in chaos.workers:
        await asyncio.to_thread(worker.wait)
    found = await faults(chaos, connection, jobs)
    await connection.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--pets", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    told, begun = parser.parse_args(), time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        store = stack.enter_context(embedded_store(folder / "store"))
        chaos = Chaos(stack, folder, random.Random(told.seed), store)  # noqa: S311 - the same chaos again
        found = asyncio.run(run(told, chaos))
    lines = [f"{told.jobs} jobs, {told.pets} pets, {told.workers} workers: {time.monotonic() - begun:.0f} s"]
    lines += [f"  {what}: {count}" for what, count in sorted(chaos.done_to.items())]
    lines += found[:FAULTS_SHOWN] or ["nothing lost, nothing doubled"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
