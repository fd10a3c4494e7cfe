"""A heartbeat over several streams, where one of them is out of reach."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from sploot_media_clustering.adapters.redis_pulse import RedisPulse
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.lanes import LIVE, Lane

FAR, NEAR = Lane(1, "live"), Lane(2, "backfill")


class HalfReached:
    """A cluster without one of its servers."""

    def __init__(self) -> None:
        self.beaten: list[str] = []

    async def run(self, script: str, keys: Sequence[str], args: Sequence[str]) -> list[bytes]:
        del script
        if keys[0].endswith(".1"):
            raise StoreUnavailableError("no route")
        self.beaten += keys
        return [own_id.encode() for own_id in args[2:]]


def beaten(*entry_ids: str) -> tuple[frozenset[str] | None, list[str]]:
    connection, pulse = HalfReached(), RedisPulse.__new__(RedisPulse)
    pulse._connection, pulse._consumer = connection, "w"  # type: ignore[assignment]
    try:
        return asyncio.run(pulse._beat(entry_ids)), connection.beaten
    except StoreUnavailableError:
        return None, connection.beaten


@pytest.mark.parametrize("order", [1, -1])
def test_entries_elsewhere_are_kept_and_the_silence_is_told(order: int) -> None:
    """Whichever stream is first; so that nobody claims what is worked on."""
    ids = [FAR.named("7-0"), NEAR.named("7-0")][::order]
    assert beaten(*ids) == (None, ["{streams:media.cluster.2}:backfill"])


def test_entries_of_all_lanes_are_kept() -> None:
    """Under the ids they have among all; without any the first stream tells whether the store lives."""
    ids = [LIVE.named("7-0"), NEAR.named("7-0")]
    assert beaten(*ids)[0] == frozenset(ids)
    assert beaten() == (frozenset(), ["streams:media.cluster"])
