"""What every store of jobs and albums promises."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
from embedded_server import server_url
from job_stores import SILENCE_S, STORES, Store, opened

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_store import Keeping, RedisPetStore
from sploot_media_clustering.adapters.redis_stream import RedisJobStream
from sploot_media_clustering.errors import ConflictError, InputError, StoreUnavailableError
from sploot_media_clustering.services.desk import JobState
from sploot_media_clustering.services.job_ports import (
    Burial,
    Commit,
    Entry,
)
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import (
    JOB_FIELD,
    POSITION_FIELD,
    Position,
    encode,
    parse,
    position_of,
)
from sploot_media_clustering.services.lanes import LIVE

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    async with opened(request.param) as found:
        yield found


def job(job_id: str = "job-1", pet_id: str = "milo", *images: str) -> JobRequest:
    told = tuple(JobImage(image_id=name, uri=f"https://x.example/{name}") for name in images or ("a",))
    return JobRequest(job_id=job_id, pet_id=pet_id, images=told)


def commit(base: int, version: int, *job_ids: str, payload: bytes | None = b"{}") -> Commit:
    return Commit("milo", job_ids, base, version, b"record %d" % version, payload, b"result %d" % version)


async def test_a_job_is_stored_once(store: Store) -> None:
    """Handed in again it is known, at the position it has; as another job it is refused."""
    first = await store.queue.add(job())
    again = await store.queue.add(job())
    assert (first.known, again.known) == (False, True)
    assert first.position == again.position
    assert await store.waiting() == 1
    with pytest.raises(ConflictError):
        await store.queue.add(job("job-1", "milo", "b"))
    assert await store.waiting() == 1


async def test_photos_on_their_way_are_known_until_their_job_has_ended(store: Store) -> None:
    """Those of one album, in order, in either lane, with a worker or none; what can't be read names none."""
    for number in range(25):
        told = job(f"job-{number}", "milo" if number % 2 else "rex")
        await store.queue.add(msgspec.structs.replace(told, lane="backfill" if number == 3 else "live"))
    await store.publish({b"job": b"no json"})
    milos = [f"job-{number}" for number in range(1, 25, 2)]
    assert [part.job_id for part in await store.queue.coming("milo")] == milos
    worker = store.stream("w")
    entries = await worker.read(LIVE, 4, 1)
    assert [part.job_id for part in await store.queue.coming("milo")] == milos
    await worker.acknowledge([entry.entry_id for entry in entries])
    assert [part.job_id for part in await store.queue.coming("milo")] == milos[1:]
    assert await store.queue.coming("nobody") == []


async def test_a_job_needs_an_id(store: Store) -> None:
    """The queue makes none up."""
    with pytest.raises(InputError, match="id"):
        await store.queue.add(JobRequest(pet_id="milo"))


async def test_how_far_a_job_is(store: Store) -> None:
    """Queued at first; what has ended stays as it ended."""
    assert await store.queue.state("job-1") is None
    await store.queue.add(job())
    told = await store.queue.state("job-1")
    assert told is not None
    assert (told.status, told.pet_id) == ("queued", "milo")
    done = JobState(job_id="job-1", pet_id="milo", status="done", version=7, updated_at=datetime.now(UTC))
    await store.queue.tell([msgspec.structs.replace(done, status="running", version=None), done])
    assert await store.queue.state("job-1") == done
    await store.queue.tell([msgspec.structs.replace(done, status="running")])
    assert await store.queue.state("job-1") == done


async def test_a_job_handed_in_again_keeps_its_position(store: Store) -> None:
    """And is queued once more, though it had ended."""
    first = await store.queue.add(job())
    await store.queue.tell([JobState(job_id="job-1", pet_id="milo", status="dead")])
    again = await store.queue.add(job(), first.position)
    assert again.position == first.position
    told = await store.queue.state("job-1")
    assert told is not None
    assert told.status == "queued"
    entries = await store.stream("w1").read(LIVE, 10, 0.01)
    assert [position_of(entry.fields, entry.entry_id) for entry in entries] == [first.position] * 2


async def test_what_is_read_is_what_was_published(store: Store) -> None:
    """By the queue, or by anybody."""
    stream = store.stream("w1")
    assert await stream.read(LIVE, 1, 0.01) == []
    await store.queue.add(job())
    other = await store.publish({JOB_FIELD: encode(job("job-2"))})
    one, two = await stream.read(LIVE, 10, 0.5)
    assert parse(one.fields, one.entry_id) == job()
    assert (two.entry_id, two.again) == (other, False)
    assert await store.stream("w2").read(LIVE, 10, 0.01) == []


async def test_entries_of_the_silent_are_claimed(store: Store) -> None:
    """Not those of a worker whose heart beats; and not what was acknowledged."""
    for number in range(3):
        await store.queue.add(job(f"job-{number}"))
    lost, kept, done = await store.stream("w1").read(LIVE, 3, 0.5)
    await store.stream("w1").acknowledge([done.entry_id])
    other = store.stream("w2")
    end = time.monotonic() + 4 * SILENCE_S
    claimed: list[Entry] = []
    while time.monotonic() < end:
        assert await store.beat("w1", [kept.entry_id]) == {kept.entry_id}
        claimed += await other.claim(LIVE, 10)
        await store.beat("w2", [entry.entry_id for entry in claimed])
    assert [(entry.entry_id, entry.again) for entry in claimed] == [(lost.entry_id, True)]
    assert claimed[0].fields == lost.fields
    assert await store.beat("w1", [lost.entry_id]) == frozenset()


async def test_attempts_are_counted_until_the_acknowledgement(store: Store) -> None:
    """Of each entry by itself, by whichever worker; one that comes late leaves no count behind."""
    await store.queue.add(job())
    (entry,) = await store.stream("w1").read(LIVE, 1, 0.5)
    assert await store.stream("w1").attempt(entry.entry_id) == 1
    assert await store.stream("w2").attempt(entry.entry_id) == 2
    await store.stream("w2").acknowledge([entry.entry_id])
    assert await store.waiting() == 0
    assert await store.stream("w2").attempt(entry.entry_id) == 0
    if store.connection is not None:
        assert not await store.connection.execute("EXISTS", keys.attempts(LIVE))


async def test_a_commit_is_whole_and_once(store: Store) -> None:
    """The same job again is done, whatever it brings; nothing of the second is stored."""
    empty = await store.pets.read("milo", ["job-1"])
    assert (empty.version, empty.record, dict(empty.done), empty.dead) == (0, None, {}, frozenset())
    assert empty.next_version >= empty.now_ms > 0
    assert await store.pets.commit(commit(0, 5, "job-1", "job-2")) == "ok"
    stored = await store.pets.read("milo", ["job-1", "job-2", "job-3"])
    assert (stored.version, stored.record) == (5, b"record 5")
    assert dict(stored.done) == {"job-1": 5, "job-2": 5}
    ended = await store.pets.ended("milo", ["job-1", "job-3"])
    stored = await store.pets.read("milo")
    assert ended.record_bytes == len(stored.record or b"") > 0 == empty.record_bytes
    assert (dict(ended.done), ended.dead, ended.now_ms >= empty.now_ms) == ({"job-1": 5}, frozenset(), True)
    assert await store.pets.commit(commit(0, 6, "job-1")) == "done"
    assert await store.pets.commit(commit(5, 6, "job-3", "job-2")) == "done"
    assert (await store.pets.read("milo")).record == b"record 5"
    assert await store.pets.payload("milo") == b"{}"


async def test_a_commit_on_an_old_version_is_stale(store: Store) -> None:
    """And stores nothing, not even that its job is done."""
    assert await store.pets.commit(commit(0, 5, "job-1")) == "ok"
    assert await store.pets.commit(commit(0, 6, "job-2")) == "stale"
    assert await store.pets.commit(commit(4, 6, "job-2")) == "stale"
    stored = await store.pets.read("milo", ["job-2"])
    assert (stored.version, dict(stored.done)) == (5, {})
    assert await store.pets.relay("milo") == 1


async def test_a_commit_without_an_answer_takes_the_old_one_away(store: Store) -> None:
    """As a deletion does."""
    await store.pets.commit(commit(0, 5, "job-1"))
    await store.pets.commit(commit(5, 6, "job-2", payload=None))
    assert await store.pets.payload("milo") is None


async def test_an_answer_made_again_is_kept_only_for_its_version(store: Store) -> None:
    """A newer one is not overwritten by an older one that took its time."""
    await store.pets.commit(commit(0, 5, "job-1", payload=None))
    await store.pets.keep_payload("milo", 4, b"old")
    assert await store.pets.payload("milo") is None
    await store.pets.keep_payload("milo", 5, b"new")
    assert await store.pets.payload("milo") == b"new"


async def test_every_version_is_published_once_and_in_order(store: Store) -> None:
    """However often the outbox is relayed."""
    await store.pets.commit(commit(0, 5, "job-1"))
    await store.pets.commit(commit(5, 6, "job-2"))
    assert await store.pets.relay("milo") == 2
    await store.pets.commit(commit(6, 7, "job-3"))
    assert [await store.pets.relay("milo") for _ in range(2)] == [1, 0]
    assert await store.results() == [("milo", 5), ("milo", 6), ("milo", 7)]


async def test_a_job_is_committed_or_dead_and_never_both(store: Store) -> None:
    """Whichever comes first; a dead one may be revived."""
    await store.pets.commit(commit(0, 5, "job-1"))
    assert not await store.pets.bury("milo", "job-1")
    assert await store.pets.bury("milo", "job-2")
    assert await store.pets.bury("milo", "job-2")
    assert await store.pets.commit(commit(5, 6, "job-2")) == "done"
    assert (await store.pets.read("milo", ["job-1", "job-2"])).dead == {"job-2"}
    await store.pets.revive("milo", "job-2")
    assert await store.pets.commit(commit(5, 6, "job-2")) == "ok"


def burial(entry_id: str, job_id: str | None = "job-1", reason: str = "no reason") -> Burial:
    fields = {JOB_FIELD: encode(job()), b"\xff": b"\x00\xff"}
    entry = Entry(entry_id, fields, again=True)
    return Burial(entry, reason, 3, job_id, "milo", Position(1, 2))


async def test_a_job_has_one_dead_letter(store: Store) -> None:
    """With all that its message said, however often it was published; until it is dropped."""
    letter_id = await store.letters.add(burial("10-0"))
    assert await store.letters.add(burial("11-0", reason="again")) == letter_id
    unread = await store.letters.add(burial("12-0", None))
    assert await store.letters.add(burial("12-0", None)) == unread != letter_id
    assert await store.letters.add(burial("13-0", None)) != unread
    assert await store.letters.opened(letter_id) == burial("10-0")
    assert await store.letters.drop(letter_id)
    assert not await store.letters.drop(letter_id)
    assert await store.letters.opened(letter_id) is None
    assert await store.letters.opened("nonsense") is None
    assert await store.letters.add(burial("10-0")) != letter_id


async def test_dead_letters_are_paged_newest_first(store: Store) -> None:
    """A page tells where the next one begins, and the last one that it is the last."""
    made = [await store.letters.add(burial(f"{number}-0", f"job-{number}")) for number in range(5)]
    seen, cursor = [], None
    for _ in range(3):
        page, cursor = await store.letters.page(2, cursor)
        seen += [letter.id for letter in page]
    assert seen == made[::-1]
    assert cursor is None
    (last,), _ = await store.letters.page(1, None)
    assert (last.job_id, last.pet_id, last.reason, last.attempts) == ("job-4", "milo", "no reason", 3)


async def test_a_position_can_be_claimed_by_a_message(store: Store) -> None:
    """But only one in its past."""
    entry_id = await store.publish({JOB_FIELD: encode(job()), POSITION_FIELD: b"7-1"})
    assert position_of({POSITION_FIELD: b"7-1"}, entry_id) == Position(7, 1)
    with pytest.raises(InputError, match="before"):
        position_of({POSITION_FIELD: b"99999999999999-0"}, entry_id)


async def test_nothing_is_published_that_too_few_replicas_have() -> None:
    """It waits in the outbox, and goes out once they confirm."""
    connection = connect(server_url())
    await connection.execute("FLUSHALL")
    careful = RedisPetStore(connection, Keeping(replicas=1, replicas_wait_ms=10))
    assert await careful.commit(commit(0, 5, "job-1")) == "ok"
    with pytest.raises(StoreUnavailableError, match="replicas"):
        await careful.relay("milo")
    assert await connection.execute("XLEN", keys.RESULTS) == 0
    assert await RedisPetStore(connection).relay("milo") == 1
    await connection.close()


async def test_a_worker_that_leaves_keeps_what_it_holds() -> None:
    """Its name goes with its last entry, or that would be lost; without a stream there is no name."""
    connection = connect(server_url())
    await connection.execute("FLUSHALL")
    stream = RedisJobStream(connection, "w1", silence_s=0)
    await stream.leave()
    await RedisJobQueue(connection).add(job())
    (entry,) = await stream.read(LIVE, 1, 0.5)
    await RedisJobStream(connection, "w2").read(LIVE, 1, 0.01)
    await stream.leave()
    assert len(await connection.execute("XINFO", "CONSUMERS", keys.JOBS, keys.GROUP)) == 2
    await stream.acknowledge([entry.entry_id])
    await stream.leave()
    (left,) = await connection.execute("XINFO", "CONSUMERS", keys.JOBS, keys.GROUP)
    assert b"w2" in left
    await connection.close()


@pytest.mark.slow
async def test_old_results_and_old_jobs_are_forgotten() -> None:
    """At each commit what is beyond its time, or beyond the count, goes; by whole nodes of the stream."""
    connection = connect(server_url())
    await connection.execute("FLUSHALL")
    store = RedisPetStore(connection, Keeping(done_ms=50, results_count=100))
    for version in range(1, 251):
        assert await store.commit(commit(version - 1, version, f"job-{version}")) == "ok"
        await store.relay("milo")
    assert 100 <= await connection.execute("XLEN", keys.RESULTS) <= 200
    found = await store.read("milo", ["job-1", "job-199", "job-200", "job-250"])
    assert dict(found.done) == {"job-200": 200, "job-250": 250}
    brief = RedisPetStore(connection, Keeping(results_ms=-1000))  # the clock is read in whole seconds
    assert await brief.commit(commit(250, 251, "job-251")) == "ok"
    await brief.relay("milo")
    assert await connection.execute("XLEN", keys.RESULTS) < 100
    await connection.close()
