"""Workers die, the network is cut, the store is killed: nothing is lost or doubled; and we would see it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from chaos.course import Plan, ended
from chaos.findings import findings

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.jobs import Position

pytestmark = pytest.mark.slow


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "more",
    [(), ("--change-model", "--partitions", "3", "--backfill", "0.4")],
    ids=["one model", "another model halfway, partitions, back-fill"],
)
def test_nothing_is_lost_and_nothing_doubled(more: tuple[str, ...]) -> None:
    """Each job once, each version published, replayed to the byte, and as a calm run makes it."""
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-m", "chaos", "--jobs", "500", "--pets", "12", "--seed", "7", *more]
    told = subprocess.run(command, cwd=tests, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    for what in ("killed at random", "that died", "cuts of the network", "published twice", "came late"):
        assert what in told.stdout
    carried = re.findall(r"albums carried over: (\d+)", told.stdout)
    assert [int(count) > 0 for count in carried] == [True for what in more if what == "--change-model"]
    (published,) = re.findall(r"versions published: (\d+)", told.stdout)
    assert f"versions replayed: {published}\n" in told.stdout
    assert int(published) > 100


@pytest.mark.anyio
async def test_what_is_lost_or_doubled_is_found(tmp_path: Path) -> None:
    """Each of these would be told."""
    async with ended(tmp_path, Plan(jobs=24, pets=3, workers=1, seed=1, calm=True)) as end:

        async def found() -> str:
            return "; ".join(await findings(end.run, end.connection, end.counts))

        assert not await found()
        await end.connection.execute("PERSIST", keys.payload("pet-0"))
        assert f"{keys.payload('pet-0')} has a TTL of -1 ms" in await found()
        await end.connection.execute("SET", "stray", "1")
        assert "stray should not be there" in await found()
        await _misplace_a_photo(end.connection, "pet-1")
        assert "pet-1: replaying all versions gives other bytes" in await found()
        ((entry_id, fields), *_) = await end.connection.execute("XREVRANGE", keys.RESULTS, "+", "-")
        await end.connection.execute("XDEL", keys.RESULTS, entry_id)
        assert "has 0 commits and 0 dead letters" in await found()
        flat = [part for pair in fields.items() for part in pair]
        for _ in range(2):
            await end.connection.execute("XADD", keys.RESULTS, "*", *flat)
        assert "has 2 commits and 0 dead letters" in await found()
        await end.connection.execute("XADD", keys.JOBS, "*", "job", "1")
        assert "jobs are left in the stream" in await found()


async def _misplace_a_photo(connection: RedisConnection, pet_id: str) -> None:
    record = album_record.unpack(await connection.execute("HGET", keys.album(pet_id), "record"))
    moved = record.images | {next(iter(record.images)): Position(1, 1)}
    packed = album_record.pack(msgspec.structs.replace(record, images=moved))
    await connection.execute("HSET", keys.album(pet_id), "record", packed)
