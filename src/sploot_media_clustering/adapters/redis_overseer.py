"""The service at a glance, read from its store; and whether its workers shall take up jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import RedisConnection, Value
from sploot_media_clustering.adapters.redis_drift import RedisDrift
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.jobs import Position, parse
from sploot_media_clustering.services.overseeing import MOST_LETTERS, OpenJob, Overview

_HEARD_OF_MS: Final = 60_000
"""A worker asks for entries every second, so one that has not for a minute has ended or is stuck."""
_HEARD_OF_PAUSED_MS: Final = 3600_000
"""While consumption is paused workers ask for nothing."""


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
        self._letters_most = letters_most
        self._uri_template = uri_template

    async def overview(self) -> Overview:
        """The service at a glance."""
        paused, entries, in_hand, oldest, _, workers = await self._read()
        return Overview(
            paused_at=None if paused is None else datetime.fromisoformat(paused.decode()),
            waiting=max(0, entries - in_hand),
            in_hand=in_hand,
            oldest_s=_age_s(oldest.decode()) if oldest else 0.0,
            workers=tuple(sorted(name.decode() for name in workers)),
            dead_letters=int(await self._connection.execute("XLEN", keys.LETTERS)),
            dead_letters_most=self._letters_most,
            drift=await RedisDrift(self._connection).last(),
        )

    async def open_jobs(self, limit: int) -> tuple[OpenJob, ...]:
        """Jobs that have not ended: first those in hand, then those that wait, the oldest first."""
        _, _, in_hand, _, last, _ = await self._read()
        found: list[OpenJob] = []
        if in_hand:
            held = await self._connection.run(scripts.IN_HAND, [keys.JOBS], [keys.GROUP, limit])
            found += [self._held(*part) for part in held]
        if len(found) < limit:
            waiting = await self._connection.execute(
                "XRANGE", keys.JOBS, f"({last.decode()}", "+", "COUNT", limit - len(found)
            )
            found += [self._job(entry_id.decode(), fields, "waiting") for entry_id, fields in waiting]
        return tuple(found)

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

    async def _read(self) -> Sequence[Any]:
        limits: list[Value] = [keys.GROUP, _HEARD_OF_MS, _HEARD_OF_PAUSED_MS]
        read: Sequence[Any] = await self._connection.run(scripts.OVERVIEW, [keys.JOBS, keys.PAUSED], limits)
        return read

    def _held(
        self, entry_id: bytes, fields: Sequence[bytes], worker: bytes, silent_ms: int, deliveries: int
    ) -> OpenJob:
        told = dict(_pairs(fields))
        about = {"worker": worker.decode(), "silent_s": silent_ms / 1000, "deliveries": deliveries}
        return self._job(entry_id.decode(), told, "in_hand", **about)

    def _job(self, entry_id: str, fields: dict[bytes, bytes], status: Any, **about: Any) -> OpenJob:  # noqa: ANN401
        try:
            job = parse(fields, entry_id, self._uri_template)
        except InputError:
            job_id = pet_id = None
        else:
            job_id, pet_id = job.job_id, job.pet_id
        return OpenJob(
            entry_id=entry_id, job_id=job_id, pet_id=pet_id, status=status, age_s=_age_s(entry_id), **about
        )


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _age_s(entry_id: str) -> float:
    return max(0.0, time.time() - Position.parse(entry_id).ms / 1000)
