"""The store in memory: what the real one does, without a server, which is one object here."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import ConflictError, InputError
from sploot_media_clustering.services.desk import DeadLetter, JobState
from sploot_media_clustering.services.job_ports import (
    Burial,
    Commit,
    CommitResult,
    Ended,
    Entry,
    Queued,
    StoredAlbum,
)
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import (
    JOB_FIELD,
    POSITION_FIELD,
    Job,
    Position,
    digest,
    encode,
    lane_of,
    name_of,
    parse,
    position_of,
)
from sploot_media_clustering.services.lanes import LIVE, Lane, lanes_of, located, partition_of
from sploot_media_clustering.services.letters import shown_letter
from sploot_media_clustering.services.models_in_charge import Term

ENDED = {"done", "superseded", "dead"}


@dataclass
class MemoryServer:
    """All data, and a clock that is advanced by hand where a test wants that."""

    silence_s: float = 15.0
    late_s: float = 0.0
    entries: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    partitions: int = 1
    unread: dict[Lane, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    pending: dict[str, tuple[str, float]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    jobs: dict[str, tuple[str, Position, JobState]] = field(default_factory=dict)
    albums: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    payloads: dict[str, bytes] = field(default_factory=dict)
    done: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    dead: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    outbox: dict[str, deque[tuple[int, bytes]]] = field(default_factory=lambda: defaultdict(deque))
    results: list[tuple[str, int, bytes]] = field(default_factory=list)
    relayed: dict[str, int] = field(default_factory=dict)
    letters: dict[str, Burial] = field(default_factory=dict)
    last: dict[str, Position] = field(default_factory=lambda: defaultdict(lambda: Position(0, 0)))

    def now_ms(self) -> int:
        return int((time.time() + self.late_s) * 1000)

    def next_id(self, stream: str) -> str:
        """Each stream has ids of its own, as it has on a server."""
        now, last = self.now_ms(), self.last[stream]
        self.last[stream] = Position(last.ms, last.number + 1) if now <= last.ms else Position(now, 0)
        return str(self.last[stream])

    def add(self, fields: dict[bytes, bytes], lane: Lane = LIVE) -> str:
        entry_id = lane.named(self.next_id(f"jobs {lane}"))
        self.entries[entry_id] = fields
        self.unread[lane].append(entry_id)
        return entry_id

    def set_aside(self, entry_id: str) -> None:
        fields = self.entries.pop(entry_id)
        lane = Lane(located(entry_id)[0].partition, "backfill")
        self.add({POSITION_FIELD: entry_id.encode(), **fields}, lane)
        self.pending.pop(entry_id)


@dataclass
class MemoryJobQueue:
    server: MemoryServer

    async def add(self, job: Job, position: Position | None = None) -> Queued:
        name, known = name_of(job), self.server.jobs.get(name_of(job))
        if known is not None and position is None:
            if known[0] not in {"", digest(job)}:
                raise ConflictError("another job of this id")
            if known[1] != Position(0, 0):
                return Queued(known[1], known[2], known=True)
        fields = {JOB_FIELD: encode(job)}
        if position is not None:
            fields[POSITION_FIELD] = str(position).encode()
        lane = Lane(partition_of(job.pet_id, self.server.partitions), "live")
        entry_id = self.server.add(fields, lane)
        first = position or Position.parse(entry_id)
        state = JobState(job_id=name, pet_id=job.pet_id, status="queued", updated_at=datetime.now(UTC))
        self.server.jobs[name] = (digest(job), first, state)
        return Queued(first, state, known=False)

    async def state(self, job_id: str) -> JobState | None:
        known = self.server.jobs.get(job_id)
        return None if known is None else known[2]

    async def tell(self, states: Sequence[JobState]) -> None:
        for state in states:
            known = self.server.jobs.get(state.job_id, ("", Position(0, 0), state))
            if known[2].status not in ENDED or state.status in ENDED:
                self.server.jobs[state.job_id] = (known[0], known[1], state)

    async def coming(self, pet_id: str) -> list[JobRequest]:
        found = {}
        for entry_id, fields in self.server.entries.items():
            with suppress(InputError):
                job = parse(fields, entry_id)
                if isinstance(job, JobRequest) and job.pet_id == pet_id:
                    found[position_of(fields, entry_id)] = job
        return [found[position] for position in sorted(found)]


@dataclass
class MemoryJobStream:
    server: MemoryServer
    consumer: str

    async def lanes(self) -> Sequence[Lane]:
        return lanes_of(self.server.partitions)

    async def read(self, lane: Lane, count: int, wait_s: float) -> list[Entry]:
        unread = self.server.unread[lane]
        for _ in range(max(int(wait_s / 0.005), 1)):
            if unread:
                break
            await asyncio.sleep(0.005)
        taken = [unread.popleft() for _ in range(min(count, len(unread)))]
        return self._sorted(lane, [self._mine(entry_id, again=False) for entry_id in taken])

    async def claim(self, lane: Lane, count: int) -> list[Entry]:
        now, held = self.server.now_ms() / 1000, self.server.pending.items()
        silent = [key for key, (_, at) in held if now - at >= self.server.silence_s]
        own = [key for key in silent if located(key)[0] == lane]
        return self._sorted(lane, [self._mine(entry_id, again=True) for entry_id in own[:count]])

    async def attempt(self, entry_id: str) -> int:
        if entry_id not in self.server.pending:
            return 0
        self.server.attempts[entry_id] += 1
        return self.server.attempts[entry_id]

    async def acknowledge(self, entry_ids: Sequence[str]) -> None:
        for entry_id in entry_ids:
            self.server.pending.pop(entry_id, None)
            self.server.entries.pop(entry_id, None)
            self.server.attempts.pop(entry_id, None)

    def beat(self, entry_ids: Sequence[str]) -> frozenset[str]:
        mine = [name for name in entry_ids if self.server.pending.get(name, ("", 0))[0] == self.consumer]
        for name in mine:
            self.server.pending[name] = (self.consumer, self.server.now_ms() / 1000)
        return frozenset(mine)

    def _sorted(self, lane: Lane, entries: list[Entry]) -> list[Entry]:
        kept = []
        for entry in entries:
            if lane.name == "live" and lane_of(entry.fields) != "live":
                self.server.set_aside(entry.entry_id)
            else:
                kept.append(entry)
        return kept

    def _mine(self, entry_id: str, *, again: bool) -> Entry:
        self.server.pending[entry_id] = (self.consumer, self.server.now_ms() / 1000)
        return Entry(entry_id, dict(self.server.entries[entry_id]), again)


@dataclass
class MemoryPetStore:
    server: MemoryServer

    async def read(self, pet_id: str, job_ids: Collection[str] = ()) -> StoredAlbum:
        version, record = self.server.albums.get(pet_id, (0, None))
        done, dead = self.server.done[pet_id], self.server.dead[pet_id]
        return StoredAlbum(
            version=version,
            record=record,
            now_ms=self.server.now_ms(),
            done={name: done[name] for name in job_ids if name in done},
            dead=frozenset(name for name in job_ids if name in dead),
        )

    async def ended(self, pet_id: str, job_ids: Collection[str]) -> Ended:
        stored = await self.read(pet_id, job_ids)
        size = len(stored.record or b"")
        return Ended(now_ms=stored.now_ms, done=stored.done, dead=stored.dead, record_bytes=size)

    async def payload(self, pet_id: str) -> bytes | None:
        return self.server.payloads.get(pet_id)

    async def keep_payload(self, pet_id: str, version: int, payload: bytes) -> None:
        if self.server.albums.get(pet_id, (0, b""))[0] == version:
            self.server.payloads[pet_id] = payload

    async def commit(self, commit: Commit) -> CommitResult:
        pet = commit.pet_id
        if any(name in self.server.done[pet] or name in self.server.dead[pet] for name in commit.job_ids):
            return "done"
        if self.server.albums.get(pet, (0, b""))[0] != commit.base:
            return "stale"
        self.server.albums[pet] = (commit.version, commit.record)
        self.server.payloads.pop(pet, None)
        if commit.payload is not None:
            self.server.payloads[pet] = commit.payload
        self.server.done[pet] |= dict.fromkeys(commit.job_ids, commit.version)
        self.server.outbox[pet].append((commit.version, commit.result))
        return "ok"

    async def relay(self, pet_id: str) -> int:
        waiting, published = self.server.outbox[pet_id], 0
        while waiting:
            version, result = waiting.popleft()
            if version > self.server.relayed.get(pet_id, 0):
                self.server.results.append((pet_id, version, result))
                self.server.relayed[pet_id] = version
                published += 1
        return published

    async def bury(self, pet_id: str, job_id: str) -> bool:
        if job_id in self.server.done[pet_id]:
            return False
        self.server.dead[pet_id].add(job_id)
        return True

    async def revive(self, pet_id: str, job_id: str) -> None:
        self.server.dead[pet_id].discard(job_id)


@dataclass
class MemoryDeadLetters:
    server: MemoryServer

    async def add(self, burial: Burial) -> str:
        for letter_id, known in self.server.letters.items():
            if known.about == burial.about:
                return letter_id
        letter_id = self.server.next_id("letters")
        entry = Entry(burial.entry.entry_id, burial.entry.fields, again=True)
        self.server.letters[letter_id] = Burial(
            entry, burial.reason, burial.attempts, burial.job_id, burial.pet_id, burial.position
        )
        return letter_id

    async def page(self, limit: int, cursor: str | None) -> tuple[tuple[DeadLetter, ...], str | None]:
        names = sorted(self.server.letters, key=Position.parse, reverse=True)
        if cursor is not None:
            names = [name for name in names if Position.parse(name) < Position.parse(cursor)]
        page = tuple(self._letter(name) for name in names[:limit])
        return page, page[-1].id if len(names) > limit else None

    async def opened(self, letter_id: str) -> Burial | None:
        return self.server.letters.get(letter_id)

    async def drop(self, letter_id: str) -> bool:
        return self.server.letters.pop(letter_id, None) is not None

    def _letter(self, letter_id: str) -> DeadLetter:
        burial = self.server.letters[letter_id]
        return shown_letter(letter_id, burial)


@dataclass
class MemoryPetEmbeddings:
    kept: dict[tuple[str, str, str], PhotoEmbedding] = field(default_factory=dict)

    def load(self, pet_id: str, image_id: str, key: str) -> PhotoEmbedding | None:
        return self.kept.get((pet_id, image_id, key))

    def save(self, pet_id: str, image_id: str, key: str, embedding: PhotoEmbedding) -> None:
        self.kept[pet_id, image_id, key] = embedding

    def erase(self, pet_id: str, image_ids: Collection[str] | None = None) -> None:
        for name in list(self.kept):
            if name[0] == pet_id and (image_ids is None or name[1] in image_ids):
                del self.kept[name]


@dataclass
class MemoryModels:
    kept: list[Term] = field(default_factory=list)

    async def take(self, model_version: str) -> str:
        if model_version not in {term.model_version for term in self.kept}:
            self.kept.append(Term(model_version, datetime.now(UTC)))
        return self.kept[-1].model_version

    async def activate(self, model_version: str, *, unmeasured: bool = False) -> None:
        if not self.kept or self.kept[-1].model_version != model_version:
            self.kept.append(Term(model_version, datetime.now(UTC), unmeasured))

    async def terms(self) -> tuple[Term, ...]:
        return tuple(self.kept)
