"""What every store of jobs promises of partitions and lanes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from job_stores import SILENCE_S, STORES, Store, opened

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.job_ports import Entry
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import JOB_FIELD, Position, parse, position_of
from sploot_media_clustering.services.lanes import LIVE, Lane, lanes_of, located, partition_of

pytestmark = pytest.mark.anyio

PARTITIONS = 4
BACKFILL = Lane(0, "backfill")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    async with opened(request.param) as found:
        yield found


@pytest.fixture(params=STORES)
async def split(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """A store with several partitions."""
    async with opened(request.param, PARTITIONS) as found:
        yield found


def job(job_id: str | None, pet_id: str = "milo", lane: str = "live") -> JobRequest:
    return JobRequest(job_id=job_id, pet_id=pet_id, remove_image_ids=("a",), lane=lane)


def message(told: JobRequest) -> dict[bytes, bytes]:
    return {JOB_FIELD: msgspec.json.encode(told)}


def place(entry: Entry) -> Position:
    return position_of(entry.fields, entry.entry_id)


async def test_a_partition_is_told_by_the_album_alone() -> None:
    """CRC-32, which every language has; these figures are those of the documents."""
    assert [partition_of(pet, 4) for pet in ("milo-42", "bella", "nero", "mia")] == [0, 0, 2, 1]
    assert {partition_of(f"pet-{number}", PARTITIONS) for number in range(20)} == set(range(PARTITIONS))
    assert partition_of("milo-42", 1) == 0


async def test_no_two_entries_of_all_streams_have_the_same_id() -> None:
    """And from an id it is known where the entry is."""
    lanes = lanes_of(PARTITIONS)
    named = [lane.named("17-5") for lane in lanes]
    assert len(set(named)) == len(lanes) == 2 * PARTITIONS
    assert [located(name) for name in named] == [(lane, "17-5") for lane in lanes]
    assert LIVE.named("17-5") == "17-5"


async def test_backfill_is_set_aside_at_its_place(store: Store) -> None:
    """Whoever reads the live lane sees none of it; in the other lane it has the position it had."""
    first = (await store.queue.add(job("bulk", lane="backfill"))).position
    live = (await store.queue.add(job("now"))).position
    assert [parse(one.fields, one.entry_id).job_id for one in await store.taken("w1", LIVE)] == ["now"]
    assert (await store.waiting(LIVE), await store.waiting(BACKFILL)) == (1, 1)
    (aside,) = await store.taken("w1", BACKFILL)
    assert parse(aside.fields, aside.entry_id) == job("bulk", lane="backfill")
    assert place(aside) == first < live
    assert not aside.again
    await store.stream("w1").acknowledge([aside.entry_id])
    assert (await store.waiting(LIVE), await store.waiting(BACKFILL)) == (1, 0)


async def test_backfill_keeps_its_place_whoever_sets_it_aside_first(store: Store) -> None:
    """Two workers read; the one that read last is the first to set aside, under ids that can't fall."""
    places = [(await store.queue.add(job(f"bulk-{n}", lane="backfill"))).position for n in range(3)]
    unnamed = await store.publish(message(job(None, lane="backfill")))
    if store.connection is not None:  # the first one is read by a worker that pauses there
        await store.connection.execute("XGROUP", "CREATE", keys.JOBS, keys.GROUP, "0", "MKSTREAM")
        read = ("XREADGROUP", "GROUP", keys.GROUP, "slow", "COUNT", 1, "STREAMS", keys.JOBS, ">")
        await store.connection.execute(*read)
    late = store.stream("late")
    assert await store.taken("w2", LIVE) == []
    await asyncio.sleep(2 * SILENCE_S)
    assert await late.claim(LIVE, 10) == []
    found = await store.taken("w2", BACKFILL)
    names = {str(parse(entry.fields, entry.entry_id).job_id) for entry in found}
    assert names == {"bulk-0", "bulk-1", "bulk-2", unnamed}
    assert sorted(place(entry) for entry in found) == [*places, Position.parse(unnamed)]
    assert all(place(entry) <= Position.parse(entry.entry_id) for entry in found)
    assert await store.waiting(LIVE) == 0


async def test_a_job_handed_in_again_keeps_lane_and_position(store: Store) -> None:
    """As one whose letter is requeued."""
    first = (await store.queue.add(job("bulk", lane="backfill"))).position
    for _ in range(2):
        assert await store.taken("w1", LIVE) == []
        (entry,) = await store.taken("w1", BACKFILL)
        assert place(entry) == first
        await store.stream("w1").acknowledge([entry.entry_id])
        await store.queue.add(job("bulk", lane="backfill"), first)


async def test_what_cannot_be_set_aside_stays(store: Store) -> None:
    """A message that can't be read, that names no lane that there is, or that has far too many fields."""
    odd = [
        {JOB_FIELD: b"nonsense"},
        {JOB_FIELD: b'{"pet_id": "milo", "lane": "slow"}'},
        {b"lane": b"backfill"},
        message(job("x", lane="backfill")) | {b"%d" % number: b"" for number in range(9000)},
    ]
    sent = [await store.publish(fields) for fields in odd]
    assert [entry.entry_id for entry in await store.taken("w1", LIVE)] == sent


async def test_backfill_of_the_silent_is_claimed_in_its_lane(store: Store) -> None:
    """Attempts are counted there, and heartbeats hold it there."""
    for name in ("lost", "kept"):
        await store.queue.add(job(name, lane="backfill"))
    await store.taken("w1", LIVE)
    lost, kept = await store.taken("w1", BACKFILL)
    end, claimed = time.monotonic() + 3 * SILENCE_S, list[Entry]()
    other = store.stream("w2")
    while time.monotonic() < end:
        assert await store.beat("w1", [kept.entry_id]) == {kept.entry_id}
        claimed += await other.claim(BACKFILL, 10)
        assert await other.claim(LIVE, 10) == []
        await store.beat("w2", [entry.entry_id for entry in claimed])
        await asyncio.sleep(0.01)
    assert [(entry.entry_id, entry.again) for entry in claimed] == [(lost.entry_id, True)]
    assert place(claimed[0]) == place(lost)
    assert [await other.attempt(lost.entry_id) for _ in range(2)] == [1, 2]
    await other.acknowledge([lost.entry_id, kept.entry_id])
    assert await other.attempt(lost.entry_id) == 0
    assert await store.waiting(BACKFILL) == 0


async def test_jobs_of_an_album_wait_in_its_partition(split: Store) -> None:
    """In both lanes; entries of all are acknowledged together, each where it is."""
    pets = [f"pet-{number}" for number in range(8)]
    told = {pet: (await split.queue.add(job(f"job-{pet}", pet))).position for pet in pets}
    for pet in pets:
        await split.queue.add(job(f"bulk-{pet}", pet, "backfill"))
    lanes = await split.stream("w1").lanes()
    assert list(lanes) == list(lanes_of(PARTITIONS))
    found = [(lane, entry) for lane in lanes for entry in await split.taken("w1", lane)]
    assert len(found) == 2 * len(pets)
    for lane, entry in found:
        read = parse(entry.fields, entry.entry_id)
        assert lane.partition == partition_of(read.pet_id, PARTITIONS)
        assert (lane.name == "live") == (place(entry) == told[read.pet_id])
    ids = [entry.entry_id for _, entry in found]
    assert await split.beat("w1", ids) == set(ids)
    await split.stream("w1").acknowledge(ids)
    assert [await split.waiting(lane) for lane in lanes] == [0] * len(lanes)


async def test_a_message_in_another_partition_is_read_there(split: Store) -> None:
    """Publishers that know of no partitions go on; its place is like no other's."""
    sent = [await split.publish(message(job(None)), lane) for lane in lanes_of(PARTITIONS)[:PARTITIONS]]
    assert len({Position.parse(entry_id) for entry_id in sent}) == PARTITIONS
    found = [entry for lane in lanes_of(PARTITIONS) for entry in await split.taken("w1", lane)]
    assert [entry.entry_id for entry in found] == sent
    names = [parse(entry.fields, entry.entry_id).job_id for entry in found]
    assert names == sent


@pytest.mark.parametrize("name", STORES[1:])
async def test_the_number_of_partitions_is_said_once(name: str) -> None:
    """Whoever begins says it; whoever says another is told what to do; whoever says nothing takes it."""
    async with opened(name) as store:
        connection = store.connection
        assert connection is not None
        assert await RedisPartitions(connection)() == 1
        assert await RedisPartitions(connection, 3)() == 3  # looks, and begins nothing
        assert await connection.execute("GET", keys.PARTITIONS) is None
        assert await RedisPartitions(connection, 4, begin=True)() == 4
        assert await RedisPartitions(connection, begin=True)() == 4
        assert await RedisPartitions(connection, 4)() == 4
        for begin in (False, True):
            with pytest.raises(ConfigurationError, match=r"SPLOOT_PARTITIONS to be 4.*got 3; set it to 4"):
                await RedisPartitions(connection, 3, begin=begin)()


async def test_partitions_lie_in_slots_of_their_own() -> None:
    """So that a cluster's servers share them; all keys of one in one slot, for its scripts."""
    crc = pytest.importorskip("redis.crc")
    slots = set()
    for partition in range(16):
        lanes = [Lane(partition, "live"), Lane(partition, "backfill")]
        own = {
            crc.key_slot(key.encode()) for lane in lanes for key in (keys.stream(lane), keys.attempts(lane))
        }
        assert len(own) == 1
        slots |= own
    assert len(slots) == 16
