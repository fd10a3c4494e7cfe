"""Albums in Redis: read, committed, published. ``docs/redis.md`` has the protocol and the argument for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.errors import ConfigurationError, StoreUnavailableError
from sploot_media_clustering.services.job_ports import Commit, CommitResult, Ended, StoredAlbum

_DAY_MS: Final = 24 * 3600 * 1000
_RELAYED_AT_ONCE: Final = 100
"""Items of an outbox; far below the arguments that a script may have."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept, and how surely.

    Attributes:
        payload_ms: an album's answer kept ready.
        done_ms: that a job is done; longer than a message may be old.
        results_ms: what is published.
        results_count: what is published, at most.
        replicas: that have to confirm a commit before its job is acknowledged.
        replicas_wait_ms: how long they may take.
    """

    payload_ms: int = _DAY_MS
    done_ms: int = 14 * _DAY_MS
    results_ms: int = 7 * _DAY_MS
    results_count: int = 1_000_000
    replicas: int = 0
    replicas_wait_ms: int = 1000


class RedisPetStore:
    """Implements :class:`~sploot_media_clustering.services.job_ports.PetStore`.

    Args:
        connection: to the store.
        keeping: how long things are kept, and how surely.

    Raises:
        ConfigurationError: replicas are to confirm, in a cluster, where we can't ask them.
    """

    def __init__(self, connection: RedisConnection, keeping: Keeping | None = None) -> None:
        self._connection = connection
        self._keeping = keeping or Keeping()
        if self._keeping.replicas and connection.clustered:
            raise ConfigurationError(
                "expected 0 replicas to confirm in a cluster; set min-replicas-to-write there instead"
            )

    async def read(self, pet_id: str, job_ids: Collection[str] = ()) -> StoredAlbum:
        """The album at one moment, and which of some jobs have ended."""
        names = list(job_ids)
        version, record, ended = await self._connection.run(
            scripts.READ, [keys.done(pet_id), keys.dead(pet_id), keys.album(pet_id)], names
        )
        size = len(record or b"")
        return StoredAlbum(
            version=int(version or 0), record=record, record_bytes=size, **_ended(names, ended)
        )

    async def ended(self, pet_id: str, job_ids: Collection[str]) -> Ended:
        """Which of some jobs have ended, without the album."""
        names = list(job_ids)
        record_bytes, ended = await self._connection.run(
            scripts.ENDED, [keys.done(pet_id), keys.dead(pet_id), keys.album(pet_id)], names
        )
        return Ended(record_bytes=record_bytes, **_ended(names, ended))

    async def payload(self, pet_id: str) -> bytes | None:
        """The answer kept ready; None where it expired, or there is no album."""
        found: bytes | None = await self._connection.execute("GET", keys.payload(pet_id))
        return found

    async def keep_payload(self, pet_id: str, version: int, payload: bytes) -> None:
        """Keep an answer ready that was made again, if the album is still of that version."""
        await self._connection.run(
            scripts.KEEP_PAYLOAD,
            [keys.album(pet_id), keys.payload(pet_id)],
            [version, payload, self._keeping.payload_ms],
        )

    async def commit(self, commit: Commit) -> CommitResult:
        """Store the next version; ``ok``, ``done`` or ``stale``."""
        pet = commit.pet_id
        told: bytes = await self._connection.run(
            scripts.COMMIT,
            [keys.album(pet), keys.payload(pet), keys.done(pet), keys.dead(pet), keys.outbox(pet)],
            [
                commit.base,
                commit.version,
                commit.record,
                commit.payload or b"",
                self._keeping.payload_ms,
                commit.version - self._keeping.done_ms,
                commit.result,
                *commit.job_ids,
            ],
        )
        result: dict[bytes, CommitResult] = {b"ok": "ok", b"stale": "stale", b"done": "done"}
        return result[told]

    async def relay(self, pet_id: str) -> int:
        """Publish what waits of an album, once replicas have it."""
        await self._durable(pet_id)
        published = 0
        while items := await self._connection.execute("LRANGE", keys.outbox(pet_id), 0, _RELAYED_AT_ONCE - 1):
            pairs = [item.split(b" ", 1) for item in items]
            published += await self._connection.run(
                scripts.RELAY,
                [keys.RESULTS, keys.RELAYED],
                [
                    pet_id,
                    self._keeping.results_ms,
                    self._keeping.results_count,
                    *(part for pair in pairs for part in pair),
                ],
            )
            await self._connection.run(scripts.SHORTEN_OUTBOX, [keys.outbox(pet_id)], [pairs[-1][0]])
        return published

    async def bury(self, pet_id: str, job_id: str) -> bool:
        """Mark a job as dead, so that no commit holds it; False where one does already."""
        now_ms = (await self.ended(pet_id, ())).now_ms
        marked = await self._connection.run(
            scripts.BURY, [keys.done(pet_id), keys.dead(pet_id)], [job_id, now_ms]
        )
        return bool(marked)

    async def revive(self, pet_id: str, job_id: str) -> None:
        """Take that mark away."""
        await self._connection.execute("ZREM", keys.dead(pet_id), job_id)

    async def _durable(self, pet_id: str) -> None:
        wanted = self._keeping.replicas
        if not wanted:
            return
        wait_ms = self._keeping.replicas_wait_ms
        confirmed = await self._connection.confirm(keys.fence(pet_id), _DAY_MS, wanted, wait_ms)
        if confirmed < wanted:
            raise StoreUnavailableError(
                f"expected {wanted} replicas to confirm within {wait_ms} ms, {confirmed} did"
            )


def _ended(names: Sequence[str], told: Sequence[bytes | None]) -> dict[str, Any]:
    """What a script tells of the store's clock, and of each job: when it was done, and when it died."""
    seconds, micros, *at = told
    pairs = list(zip(names, at[::2], at[1::2], strict=True))
    return {
        "now_ms": int(seconds or 0) * 1000 + int(micros or 0) // 1000,
        "done": {name: int(float(done)) for name, done, _ in pairs if done is not None},
        "dead": frozenset(name for name, _, dead in pairs if dead is not None),
    }
