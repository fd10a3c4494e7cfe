"""The service at a glance, read from its store; and whether its workers shall take up jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.adapters.redis_drift import RedisDrift
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.jobs import Position, parse
from sploot_media_clustering.services.lanes import Lane, lanes_of
from sploot_media_clustering.services.overseeing import (
    MOST_LETTERS,
    OpenJob,
    OpenStatus,
    Overview,
    Waiting,
)

_HEARD_OF_MS: Final = 60_000
"""A worker asks for entries every second, so one that has not for a minute has ended or is stuck."""
_HEARD_OF_PAUSED_MS: Final = 3600_000
"""While consumption is paused workers ask for nothing."""


@dataclass(frozen=True, slots=True)
class _Stream:
    """A lane as the store has it."""

    lane: Lane
    told: Waiting
    last_read: str
    workers: tuple[str, ...]


class RedisOverseer:
    """Implements :class:`~sploot_media_clustering.services.overseeing.Overseer`.

    Args:
        connection: to the store.
        letters_most: dead letters that are kept.
        uri_template: of photos that are told by id alone.
    """

    def __init__(
        self,
        connection: RedisConnection,
        *,
        letters_most: int = MOST_LETTERS,
        uri_template: str | None = None,
    ) -> None:
        self._connection = connection
        self._partitions = RedisPartitions(connection)
        self._letters_most = letters_most
        self._uri_template = uri_template

    async def overview(self) -> Overview:
        """The service at a glance."""
        paused: bytes | None = await self._connection.execute("GET", keys.PAUSED)
        streams = await self._streams(_HEARD_OF_MS if paused is None else _HEARD_OF_PAUSED_MS)
        lanes = tuple(stream.told for stream in streams)
        return Overview(
            paused_at=None if paused is None else datetime.fromisoformat(paused.decode()),
            waiting=sum(lane.waiting for lane in lanes),
            in_hand=sum(lane.in_hand for lane in lanes),
            oldest_s=max(lane.oldest_s for lane in lanes),
            workers=tuple(sorted({name for stream in streams for name in stream.workers})),
            dead_letters=int(await self._connection.execute("XLEN", keys.LETTERS)),
            dead_letters_most=self._letters_most,
            drift=await RedisDrift(self._connection).last(),
            lanes=lanes,
        )

    async def open_jobs(self, limit: int) -> tuple[OpenJob, ...]:
        """Jobs that have not ended: first those in hand, then those that wait, the oldest first."""
        streams = await self._streams(_HEARD_OF_MS)
        held = [job for stream in streams if stream.told.in_hand for job in await self._held(stream, limit)]
        waiting = [job for stream in streams for job in await self._not_held(stream, limit)]
        return tuple((sorted(held, key=_oldest_first) + sorted(waiting, key=_oldest_first))[:limit])

    async def pause(self) -> None:
        """Let workers take up no more jobs."""
        await self._connection.execute("SET", keys.PAUSED, datetime.now(UTC).isoformat(), "NX")

    async def resume(self) -> None:
        """Let them go on."""
        await self._connection.execute("DEL", keys.PAUSED)

    async def shut(self) -> str | None:
        """Whether consumption is paused, as a gate that a consumer heeds."""
        paused: bytes | None = await self._connection.execute("GET", keys.PAUSED)
        return None if paused is None else f"consumption is paused since {paused.decode()}"

    async def _streams(self, heard_of_ms: int) -> list[_Stream]:
        lanes = lanes_of(await self._partitions())
        return list(await asyncio.gather(*(self._stream(lane, heard_of_ms) for lane in lanes)))

    async def _stream(self, lane: Lane, heard_of_ms: int) -> _Stream:
        entries, in_hand, oldest, last, workers = await self._connection.run(
            scripts.OVERVIEW, [keys.stream(lane)], [keys.GROUP, heard_of_ms]
        )
        told = Waiting(
            partition=lane.partition,
            lane=lane.name,
            waiting=max(0, entries - in_hand),
            in_hand=in_hand,
            oldest_s=_age_s(oldest.decode()) if oldest else 0.0,
        )
        return _Stream(lane, told, last.decode(), tuple(name.decode() for name in workers))

    async def _held(self, stream: _Stream, limit: int) -> list[OpenJob]:
        found = await self._connection.run(scripts.IN_HAND, [keys.stream(stream.lane)], [keys.GROUP, limit])
        return [
            self._job(
                stream.lane, entry_id, dict(_pairs(fields)), "in_hand",
                worker=worker.decode(), silent_s=silent_ms / 1000, deliveries=deliveries,
            )
            for entry_id, fields, worker, silent_ms, deliveries in found
        ]  # fmt: skip

    async def _not_held(self, stream: _Stream, limit: int) -> list[OpenJob]:
        found = await self._connection.execute(
            "XRANGE", keys.stream(stream.lane), f"({stream.last_read}", "+", "COUNT", limit
        )
        return [self._job(stream.lane, entry_id, fields, "waiting") for entry_id, fields in found]

    def _job(
        self,
        lane: Lane,
        own_id: bytes,
        fields: dict[bytes, bytes],
        status: OpenStatus,
        **about: Any,  # noqa: ANN401
    ) -> OpenJob:
        entry_id = lane.named(own_id.decode())
        try:
            job = parse(fields, entry_id, self._uri_template)
        except InputError:
            job_id = pet_id = None
        else:
            job_id, pet_id = job.job_id, job.pet_id
        return OpenJob(
            entry_id=entry_id,
            job_id=job_id,
            pet_id=pet_id,
            status=status,
            age_s=_age_s(entry_id),
            lane=lane.name,
            **about,
        )


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _oldest_first(job: OpenJob) -> Position:
    return Position.parse(job.entry_id)


def _age_s(entry_id: str) -> float:
    return max(0.0, time.time() - Position.parse(entry_id).ms / 1000)
