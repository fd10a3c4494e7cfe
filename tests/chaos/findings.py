"""What is not as it should be, once all jobs have come to an end."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from album_view import seen
from fake_worker import SketchEmbedder, sketch_clustering

from chaos.audit import Line, digest, lines
from chaos.traffic import FIRST, NETWORKS_OF
from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.adapters.redis_jobs import STATE_MS, RedisDeadLetters
from sploot_media_clustering.adapters.redis_store import Keeping, RedisPetStore
from sploot_media_clustering.bootstrap_service import QUESTIONS
from sploot_media_clustering.errors import NotAnImageError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord, Source
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.applying import AlbumApplier, Prepared, ReadyPhoto
from sploot_media_clustering.services.carrying import Carrier
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import Job, Position
from sploot_media_clustering.services.lanes import MOST_PARTITIONS, lanes_of
from sploot_media_clustering.services.results import AlbumResult

LETTERS_MAX = 1_000_000
FOR_EVER = -1
"""What PTTL answers for a key that stays."""
CLUSTERINGS = {model: sketch_clustering(model, networks) for model, networks in NETWORKS_OF.items()}
APPLIERS = {model: AlbumApplier(part, questions=QUESTIONS) for model, part in CLUSTERINGS.items()}

Photos = dict[str, ReadyPhoto | FailedImage]


@dataclass(frozen=True)
class Run:
    """What was handed in.

    Attributes:
        jobs: all of them, by id.
        positions: that they have, as far as their publisher heard.
        folder: of audits.
        partitions: of the jobs.
    """

    jobs: Mapping[str, Job]
    positions: Mapping[str, Position]
    folder: Path
    partitions: int = 1


async def findings(run: Run, connection: RedisConnection, counts: Counter[str]) -> list[str]:
    """What is not as it should be; what there is, is counted."""
    dead = await _dead(connection, counts)
    entries = await connection.execute("XRANGE", keys.RESULTS, "-", "+")
    results = [msgspec.json.decode(fields[b"result"], type=AlbumResult) for _, fields in entries]
    by_pet: dict[str, list[AlbumResult]] = defaultdict(list)
    for result in results:
        by_pet[result.pet_id].append(result)
    counts["versions published"] = len(results)
    counts["jobs committed"] = sum(len(result.job_ids) for result in results)
    found = [*_uncounted(run, results, dead), *_gaps(by_pet), *await _left(connection, run.partitions)]
    applied: dict[str, list[Line]] = defaultdict(list)
    for line in lines(run.folder):
        applied[line.pet_id].append(line)
    jobs: dict[str, dict[str, Job]] = defaultdict(dict)
    for name, job in run.jobs.items():
        jobs[job.pet_id][name] = job
    albums = [
        Album(
            pet_id,
            own,
            {name: run.positions[name] for name in own},
            (await RedisPetStore(connection).read(pet_id)).record,
            by_pet[pet_id],
            applied[pet_id],
        )
        for pet_id, own in jobs.items()
    ]
    with ProcessPoolExecutor() as processes:
        for told, album_counts in processes.map(Album.findings, albums):
            found += told
            counts.update(album_counts)
    return found


async def _dead(connection: RedisConnection, counts: Counter[str]) -> Counter[str]:
    letters, _ = await RedisDeadLetters(connection).page(LETTERS_MAX, None)
    for letter in letters:
        counts[f"jobs given up: {letter.reason}"] += 1
    return Counter(str(letter.job_id) for letter in letters)


def _uncounted(run: Run, results: Iterable[AlbumResult], dead: Mapping[str, int]) -> Iterator[str]:
    """Each job is in one version, or in one dead letter."""
    committed = Counter(name for result in results for name in result.job_ids)
    for name in sorted(run.jobs.keys() | committed.keys() | dead.keys()):
        if committed[name] + dead.get(name, 0) != 1:
            yield f"{name} has {committed[name]} commits and {dead.get(name, 0)} dead letters"


def _gaps(by_pet: Mapping[str, Sequence[AlbumResult]]) -> Iterator[str]:
    """Each version is published after the one before."""
    for pet_id, results in by_pet.items():
        last = 0
        for result in results:
            if result.previous_version != last or result.version <= last:
                yield f"{pet_id}: {result.version} after {result.previous_version} was published after {last}"
            last = result.version


@dataclass
class Album:
    """One album as it is stored, and as it should be.

    Attributes:
        pet_id: whose it is.
        jobs: that were handed in, by id.
        places: that they have, as far as their publisher heard.
        stored: its record.
        results: that were published, in order.
        applied: what was computed for it.
        positions: at which jobs were done, once its versions have been replayed.
        counts: of what was looked at.
    """

    pet_id: str
    jobs: Mapping[str, Job]
    places: Mapping[str, Position]
    stored: bytes | None
    results: Sequence[AlbumResult]
    applied: Sequence[Line]
    positions: dict[str, Position] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def findings(self) -> tuple[list[str], Counter[str]]:
        """What is not as it should be with the album; counts of what was looked at."""
        return self._findings(), self.counts

    def _findings(self) -> list[str]:
        published = self.results[-1].version if self.results else 0
        record = album_record.unpack(self.stored)
        if record.version != published:
            return [f"{self.pet_id} is of version {record.version}, published is {published}"]
        if not self.results:
            return []
        if told := self._replay():
            return [told]
        return [*self._displaced(), *self._not_calm(record)]

    def _replay(self) -> str | None:
        """(a) The commits again, in order of version: the same bytes after each."""
        now, model = {digest(AlbumRecord()): AlbumRecord()}, FIRST
        for result in self.results:
            model = result.model_version or model
            told = [line for line in self.applied if _is_of(line, result)]
            before = now | self._carried(now.values(), told, model)
            fitting = [line for line in told if line.before in before]
            after: dict[str, AlbumRecord] = {}
            for line in {(line.before, line.after, line.settle): line for line in fitting}.values():
                record = self._again(before[line.before], line, model)
                if digest(record) != line.after:
                    return f"{self.pet_id}: replaying version {result.version} gives other bytes"
                after[line.after] = album_record.unpack(album_record.pack(record))  # as others read it
                self.positions |= line.positions
            if not after:
                return f"{self.pet_id}: nobody said to have made version {result.version}"
            now = after
            self.counts["versions replayed"] += 1
        if self.stored not in {album_record.pack(record) for record in now.values()}:
            return f"{self.pet_id}: replaying all versions gives other bytes"
        return None

    def _carried(
        self, records: Iterable[AlbumRecord], told: Iterable[Line], model: str
    ) -> dict[str, AlbumRecord]:
        """Records of another model, as they are carried over before jobs are applied to them."""
        found = {}
        for record in records:
            if record.state is not None and record.model_version != model:
                for line in told:
                    jobs = self._prepared(line.positions, model)
                    carrier = Carrier(CLUSTERINGS[model], _SeenAgain(NETWORKS_OF[model]))
                    carried = asyncio.run(carrier.carried(record, jobs, self.pet_id))
                    found[digest(carried)] = carried
                self.counts["albums carried over"] += 1
        return found

    def _again(self, record: AlbumRecord, line: Line, model: str) -> AlbumRecord:
        jobs = self._prepared(line.positions, model)
        return (
            APPLIERS[model]
            .apply(record, jobs, pet_id=self.pet_id, version=line.version, settle=line.settle)
            .record
        )

    def _prepared(self, positions: Mapping[str, Position], model: str) -> list[Prepared]:
        networks = NETWORKS_OF[model]
        return [
            Prepared(self.jobs[name], position, photos_of(self.jobs[name], networks))
            for name, position in positions.items()
        ]

    def _displaced(self) -> Iterator[str]:
        """A job has the place that its publisher heard of, or an earlier one, of which the reply was lost."""
        for name, position in self.positions.items():
            self.counts["jobs done at an earlier entry, whose reply was lost"] += position < self.places[name]
            if position > self.places[name]:
                yield f"{name} was done at {position}, after {self.places[name]}, its place"

    def _not_calm(self, record: AlbumRecord) -> Iterator[str]:
        """(b) One job after the other, in order of position, gives the same photos, clusters, decisions."""
        model, calm = record.model_version or FIRST, AlbumRecord()
        for part in sorted(self._prepared(self.positions, model), key=lambda part: part.position):
            calm = (
                APPLIERS[model]
                .apply(calm, [part], pet_id=self.pet_id, version=record.version, settle=False)
                .record
            )
        parts = zip(seen(record, CLUSTERINGS[model]), seen(calm, CLUSTERINGS[model]), strict=False)
        if differ := [number for number, (one, other) in enumerate(parts) if one != other]:
            yield f"{self.pet_id} is not what a calm run makes it, parts {differ}"


def _is_of(line: Line, result: AlbumResult) -> bool:
    return line.version == result.version and line.positions.keys() == set(result.job_ids)


@dataclass(frozen=True)
class _SeenAgain:
    """Photos as a worker sees them again; a :class:`~.preparing.Preparer` as far as carrying needs one."""

    networks: str

    async def prepare_again(self, pet_id: str, sources: Mapping[str, Source]) -> Photos:
        del pet_id
        return {name: _photo(name, source.uri, self.networks) for name, source in sources.items()}

    async def prepare(self, job: JobRequest) -> Photos:
        return photos_of(job, self.networks)

    async def erase(self, pet_id: str, image_ids: Sequence[str] | None) -> None:
        del pet_id, image_ids


def photos_of(job: Job, networks: str) -> Photos:
    """What a worker makes of a job's photos."""
    if not isinstance(job, JobRequest):
        return {}
    return {image.image_id: _photo(image.image_id, image.uri, networks) for image in job.images}


def _photo(image_id: str, uri: str, networks: str) -> ReadyPhoto | FailedImage:
    data = uri.removeprefix("sketch:").removeprefix("slow ").encode()
    try:
        embedding = SketchEmbedder(networks).embed_one(PhotoInput(image_id, data))
    except NotAnImageError as error:
        return FailedImage(image_id=image_id, error=type(error).__name__, message=str(error))
    return ReadyPhoto(embedding, Source(uri, hashlib.sha256(data).digest()))


async def _left(connection: RedisConnection, partitions: int) -> list[str]:
    """Entries and keys that should have gone, or should go by themselves."""
    found = []
    for stream in [keys.stream(lane) for lane in lanes_of(partitions)]:
        if await connection.execute("XLEN", stream):
            found.append(f"jobs are left in the stream {stream}")
        if (await connection.execute("XPENDING", stream, keys.GROUP))["pending"]:
            found.append(f"jobs of {stream} are left in somebody's hands")
    for key in await connection.execute("KEYS", "*"):
        lives_ms = int(await connection.execute("PTTL", key))
        most_ms = _lives_at_most_ms(key.decode())
        if most_ms is None:
            found.append(f"{key.decode()} should not be there")
        elif not (lives_ms == most_ms if most_ms == FOR_EVER else 0 < lives_ms <= most_ms):
            found.append(f"{key.decode()} has a TTL of {lives_ms} ms")
    return found


def _lives_at_most_ms(name: str) -> int | None:
    """Of a key; None for one that is not in the documents, or should be empty at rest."""
    streams = {keys.stream(lane) for lane in lanes_of(MOST_PARTITIONS)}
    kept = {keys.PARTITIONS, keys.MODELS, keys.RESULTS, keys.RELAYED, keys.LETTERS, keys.LETTER_OF}
    if name in streams | kept:
        return FOR_EVER
    if name.startswith("job:"):
        return STATE_MS
    kind = name.rpartition(":")[2]
    return {"album": FOR_EVER, "done": FOR_EVER, "dead": FOR_EVER, "payload": Keeping().payload_ms}.get(kind)
