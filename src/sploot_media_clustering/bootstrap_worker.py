"""The composition root of a worker. Needs the extra ``service``."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from os import getpid
from typing import Final

from prometheus_client import CollectorRegistry

from sploot_media_clustering.adapters.canary_photo import canary_photo
from sploot_media_clustering.adapters.images import ImageLimits
from sploot_media_clustering.adapters.measured import (
    MeasuredApplier,
    MeasuredBatcher,
    MeasuredDecoder,
    MeasuredEmbeddings,
    MeasuredLetters,
    MeasuredProcessor,
    MeasuredQueue,
    MeasuredSource,
    MeasuredStore,
    MeasuredStream,
)
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.adapters.redis_health import RedisHealth
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.adapters.redis_overseer import RedisOverseer
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions
from sploot_media_clustering.adapters.redis_pulse import RedisPulse
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.adapters.redis_stream import SILENCE_S, RedisJobStream
from sploot_media_clustering.adapters.telemetry import Telemetry
from sploot_media_clustering.adapters.worker_metrics import StoreGauges
from sploot_media_clustering.bootstrap import kept_embeddings, open_embedding
from sploot_media_clustering.bootstrap_service import (
    QUESTIONS,
    guarded_source,
    open_connection,
    open_spans,
    pipelines_of,
)
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.batching import Batcher, PhotoEmbedder
from sploot_media_clustering.services.carrying import Carrier
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.committing import Committer
from sploot_media_clustering.services.consuming import Consumer, Gate, Pace
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.fitness import Fitness
from sploot_media_clustering.services.heart import BEAT_S, Heart
from sploot_media_clustering.services.job_ports import JobStream, PetEmbeddings
from sploot_media_clustering.services.models_in_charge import Charge
from sploot_media_clustering.services.overseeing import MOST_LETTERS, Overseer
from sploot_media_clustering.services.ports import ImageDecoder, PhotoSource
from sploot_media_clustering.services.preparing import FETCHES, Patience, PhotoPreparer
from sploot_media_clustering.services.processing import Limits, Ports, Processor
from sploot_media_clustering.services.rollout import Pipelines, Shares
from sploot_media_clustering.settings import Settings, UriSettings


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with.

    Attributes:
        clustering: embeddings into albums.
        embedder: photos into embeddings.
        source: where photos are read from.
        kept: embeddings of albums.
        canary: a photo on which the networks have to find an animal; without one they are not tried.
        telemetry: what is told of the work.
        passed_gate: whether the model did, so that it may take charge by itself.
        pipelines: which pipeline answers for which album.
    """

    clustering: ClusteringService
    embedder: PhotoEmbedder
    source: PhotoSource
    kept: PetEmbeddings
    canary: bytes = b""
    telemetry: Telemetry = field(default_factory=Telemetry)
    passed_gate: bool = True
    pipelines: Pipelines = field(default_factory=Shares)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a worker works.

    Attributes:
        pace: how much it takes on.
        limits: when it gives a job up.
        patience: how often it asks for a photo.
        beat_s: between two heartbeats.
        silence_s: after which entries of another worker are claimed.
        uri_template: of photos that are told by id alone.
        letters_most: dead letters that are kept; beyond it jobs wait.
        partitions: of the jobs; None for as many as there are, or one.
        after: called with the name of each step of the protocol that was done.
    """

    pace: Pace | None = None
    limits: Limits | None = None
    patience: Patience | None = None
    beat_s: float = BEAT_S
    silence_s: float = SILENCE_S
    uri_template: str | None = None
    letters_most: int = MOST_LETTERS
    partitions: int | None = None
    after: Callable[[str], None] = lambda _step: None


NETWORK_THREADS: Final = 1
"""Of one run of a network. Threads that wait for each other cost the processes beside them more than they
give: on two busy cores 61 ms of processor time a photo, against 29 with one. More workers use more cores."""


@contextmanager
def open_telemetry(*, traces: bool) -> Iterator[Telemetry]:
    """Figures of a worker, and spans of its jobs where they are collected; see :func:`open_spans`."""
    with open_spans("sploot-worker", traces=traces) as spans:
        yield Telemetry(spans)


@contextmanager
def open_tools(settings: Settings, uris: UriSettings, telemetry: Telemetry | None = None) -> Iterator[Tools]:
    """Networks, sources and kept embeddings, closed at the end.

    Raises:
        ConfigurationError: the model package or a network can't be used.
    """
    telemetry = telemetry or Telemetry()

    def measured(decoder: ImageDecoder) -> ImageDecoder:
        return MeasuredDecoder(decoder, telemetry)

    with open_embedding(settings, threads=NETWORK_THREADS, around=measured) as parts:
        source = guarded_source(uris, ImageLimits(), settings.timeout_s)
        try:
            heads = read_heads(parts.package)
            yield Tools(
                ClusteringService(heads),
                parts.service,
                source,
                kept_embeddings(settings),
                canary_photo(),
                telemetry,
                passed_gate=parts.package.manifest.passed_gate(heads.tree.version),
                pipelines=pipelines_of(settings),
            )
        finally:
            source.close()


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker, ready to consume.

    Attributes:
        consumer: of the stream.
        fitness: tells whether it is fit for its work.
        overseer: of the service.
        registry: where its figures are found.
        gauges: of what is in the store.
    """

    consumer: Consumer
    fitness: Fitness
    overseer: Overseer
    registry: CollectorRegistry
    gauges: StoreGauges


@asynccontextmanager
async def open_consumer(url: str, tools: Tools, manner: Manner | None = None) -> AsyncIterator[Consumer]:
    """A consumer of the stream at ``url``; see :func:`open_worker`."""
    async with open_worker(url, tools, manner) as worker:
        yield worker.consumer


@asynccontextmanager
async def open_worker(url: str, tools: Tools, manner: Manner | None = None) -> AsyncIterator[Worker]:
    """A worker for the stream at ``url``, its heart beating; it leaves the group at the end.

    Raises:
        ConfigurationError: the URL is none.
    """
    manner = manner or Manner()
    name = f"{socket.gethostname()}-{getpid()}-{secrets.token_hex(4)}"
    telemetry = tools.telemetry
    telemetry.metrics.runs(tools.clustering.model.version, tools.embedder.version)
    batcher = MeasuredBatcher(tools.embedder, telemetry)
    async with open_connection(url) as connection, batcher.running():
        partitions = RedisPartitions(connection, manner.partitions, begin=True)
        stream = RedisJobStream(connection, name, silence_s=manner.silence_s, partitions=partitions)
        overseer = RedisOverseer(
            connection, letters_most=manner.letters_most, uri_template=manner.uri_template
        )
        charge = Charge(RedisModels(connection), tools.clustering.model.version, passed=tools.passed_gate)
        gates: list[Gate] = [charge, overseer]
        with ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch") as threads:
            source = MeasuredSource(tools.source, telemetry)
            kept = MeasuredEmbeddings(tools.kept, telemetry)
            preparer = PhotoPreparer(source, batcher, kept, threads, manner.patience)
            measured = MeasuredStream(stream, telemetry)
            processor = _processor(connection, measured, preparer, tools, manner)
            with Heart(RedisPulse(url, name), stream.disturbed, beat_s=manner.beat_s) as heart:
                consumer = Consumer(
                    measured,
                    processor,
                    heart,
                    manner.pace,
                    gates=gates,
                    uri_template=manner.uri_template,
                )
                canary = _canary(batcher, tools.canary) if tools.canary else None
                fitness = Fitness(consumer, overseer, RedisHealth(connection), canary)
                yield Worker(consumer, fitness, overseer, telemetry.registry, telemetry.gauges)
            await stream.leave()


def _processor(
    connection: RedisConnection,
    stream: JobStream,
    preparer: PhotoPreparer,
    tools: Tools,
    manner: Manner,
) -> Processor:
    """The protocol over the store."""
    clustering, telemetry = tools.clustering, tools.telemetry
    queue = MeasuredQueue(RedisJobQueue(connection), telemetry)
    pets = MeasuredStore(RedisPetStore(connection), telemetry)
    letters = MeasuredLetters(RedisDeadLetters(connection, most=manner.letters_most), telemetry)
    applier = MeasuredApplier(clustering, telemetry, questions=QUESTIONS, pipelines=tools.pipelines)
    return MeasuredProcessor(
        Ports(queue, stream, pets, letters),
        Committer(pets, applier, Carrier(clustering, preparer), manner.after),
        preparer,
        manner.limits,
        telemetry=telemetry,
        after=manner.after,
    )


def _canary(batcher: Batcher, photo: bytes) -> Callable[[], Awaitable[None]]:
    """Sends a photo through the networks, on which they have to find an animal."""

    async def send() -> None:
        seen = await batcher.embed(PhotoInput("canary", photo))
        if isinstance(seen, PhotoFailure):
            raise seen.error
        if not seen.sightings:
            raise ModelPackageError("the networks find no animal in the canary")

    return send
