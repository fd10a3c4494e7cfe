"""Jobs into the stream, how far they are, and messages that were given up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import msgspec

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import RedisConnection, Value
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions
from sploot_media_clustering.errors import ConflictError, InputError, StoreUnavailableError
from sploot_media_clustering.services.desk import DeadLetter, JobState
from sploot_media_clustering.services.job_ports import Burial, Entry, Queued
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import (
    JOB_FIELD,
    POSITION_FIELD,
    Job,
    Position,
    digest,
    encode,
    name_of,
    parse,
    position_of,
)
from sploot_media_clustering.services.lanes import LANE_NAMES, Lane, partition_of
from sploot_media_clustering.services.letters import shown_letter
from sploot_media_clustering.services.overseeing import MOST_LETTERS

STATE_MS: Final = 8 * 24 * 3600 * 1000
"""How far a job is is told for longer than a message may be old."""
_LOOKED_AT_ONCE: Final = 10
"""Jobs of all albums; each may have 4 MB."""
_ENDED: Final = frozenset({"done", "superseded", "dead"})
_FIELD: Final = b"field:"
"""Before the name of a field of the message that was given up."""


class RedisJobQueue:
    """Implements :class:`~sploot_media_clustering.services.job_ports.JobQueue`.

    Args:
        connection: to the store.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._partitions = RedisPartitions(connection)

    async def add(self, job: Job, position: Position | None = None) -> Queued:
        """Store a job, which has an id; one that is known is not stored again."""
        name = name_of(job)
        body = encode(job)
        state = JobState(job_id=name, pet_id=job.pet_id, status="queued", updated_at=datetime.now(UTC))
        anew = "0" if position is None else "1"
        told = await self._connection.run(
            scripts.CLAIM_NAME, [keys.job(name)], [digest(job), msgspec.json.encode(state), STATE_MS, anew]
        )
        if told[0] == b"other":
            raise ConflictError(f"expected the job {name} as it was handed in before, got another")
        if told[0] == b"known":
            state = msgspec.json.decode(told[2], type=JobState)
            if told[1]:
                return Queued(Position.parse(told[1]), state, known=True)
        lane = Lane(partition_of(job.pet_id, await self._partitions()), "live")
        command: list[Value] = ["XADD", keys.stream(lane), "*", JOB_FIELD, body]
        if position is not None:
            command += [POSITION_FIELD, str(position)]
        entry: bytes = await self._connection.execute(*command)
        first = position or Position.parse(lane.named(entry.decode()))
        await self._connection.execute("HSET", keys.job(name), "entry", str(first))
        return Queued(first, state, known=told[0] == b"known")

    async def state(self, job_id: str) -> JobState | None:
        """How far a job is; None where it is not known, or no longer."""
        found: bytes | None = await self._connection.execute("HGET", keys.job(job_id), "state")
        return None if found is None else msgspec.json.decode(found, type=JobState)

    async def tell(self, states: Sequence[JobState]) -> None:
        """Note how far jobs are; a job that has ended stays as it ended."""
        for state in states:
            ended = "1" if state.status in _ENDED else "0"
            await self._connection.run(
                scripts.TELL, [keys.job(state.job_id)], [msgspec.json.encode(state), ended, STATE_MS]
            )

    async def coming(self, pet_id: str) -> list[JobRequest]:
        """Photos on their way to an album: its jobs that have not ended, the oldest first."""
        found: dict[Position, JobRequest] = {}
        partition = partition_of(pet_id, await self._partitions())
        for name in LANE_NAMES:  # live ones first: what is set aside meanwhile is met again in the other lane
            found |= await self._waiting(Lane(partition, name), pet_id)
        return [found[position] for position in sorted(found)]

    async def _waiting(self, lane: Lane, pet_id: str) -> dict[Position, JobRequest]:
        found: dict[Position, JobRequest] = {}
        start = "-"
        while entries := await self._connection.execute(
            "XRANGE", keys.stream(lane), start, "+", "COUNT", _LOOKED_AT_ONCE
        ):
            for entry_id, fields in entries:
                start = f"({entry_id.decode()}"
                named = lane.named(entry_id.decode())
                with suppress(InputError):  # a worker gives up what can't be read, and tells
                    job = parse(fields, named)
                    if isinstance(job, JobRequest) and job.pet_id == pet_id:
                        found[position_of(fields, named)] = job
        return found


class RedisDeadLetters:
    """Implements :class:`~sploot_media_clustering.services.job_ports.DeadLetters`.

    Args:
        connection: to the store.
        most: letters that are kept. Beyond them none is added and none is dropped: jobs wait.
    """

    def __init__(self, connection: RedisConnection, *, most: int = MOST_LETTERS) -> None:
        self._connection = connection
        self._most = most

    async def add(self, burial: Burial) -> str:
        """Keep a message; of one job, or one message without, there is one letter.

        Raises:
            StoreUnavailableError: there are as many as there may be.
        """
        told: dict[bytes, str] = {
            b"entry": burial.entry.entry_id,
            b"reason": burial.reason,
            b"attempts": str(burial.attempts),
            b"job_id": burial.job_id or "",
            b"pet_id": burial.pet_id or "",
            b"position": "" if burial.position is None else str(burial.position),
        }
        pairs: list[Value] = [part for pair in told.items() for part in pair]
        pairs += [part for name, value in burial.entry.fields.items() for part in (_FIELD + name, value)]
        letter: bytes | None = await self._connection.run(
            scripts.ADD_LETTER, [keys.LETTERS, keys.LETTER_OF], [self._most, burial.about, *pairs]
        )
        if letter is None:
            raise StoreUnavailableError(
                f"expected fewer than {self._most} dead letters, found no room for another; requeue or drop "
                "some, see `sploot-clustering deadletter`; the job waits until then"
            )
        return letter.decode()

    async def page(self, limit: int, cursor: str | None) -> tuple[tuple[DeadLetter, ...], str | None]:
        """The newest letters first, and the cursor of the next page."""
        last = "+" if cursor is None else f"({Position.parse(cursor)}"
        found = await self._connection.execute("XREVRANGE", keys.LETTERS, last, "-", "COUNT", limit + 1)
        letters = [_letter(letter_id.decode(), fields) for letter_id, fields in found[:limit]]
        return tuple(letters), letters[-1].id if len(found) > limit else None

    async def opened(self, letter_id: str) -> Burial | None:
        """A letter with its message as it came."""
        try:
            place = str(Position.parse(letter_id))
        except InputError:
            return None
        found = await self._connection.execute("XRANGE", keys.LETTERS, place, place)
        return _burial(found[0][1]) if found else None

    async def drop(self, letter_id: str) -> bool:
        """Throw a letter away; False where there is none."""
        burial = await self.opened(letter_id)
        if burial is None:
            return False
        gone = await self._connection.run(
            scripts.DROP_LETTER, [keys.LETTERS, keys.LETTER_OF], [letter_id, burial.about]
        )
        return bool(gone)


def _letter(letter_id: str, fields: dict[bytes, bytes]) -> DeadLetter:
    return shown_letter(letter_id, _burial(fields))


def _burial(fields: dict[bytes, bytes]) -> Burial:
    told = {name: value.decode("utf-8", "replace") for name, value in fields.items()}
    message = {name.removeprefix(_FIELD): value for name, value in fields.items() if name.startswith(_FIELD)}
    return Burial(
        entry=Entry(told[b"entry"], message, again=True),
        reason=told[b"reason"],
        attempts=int(told[b"attempts"]),
        job_id=told[b"job_id"] or None,
        pet_id=told[b"pet_id"] or None,
        position=Position.parse(told[b"position"]) if told[b"position"] else None,
    )
