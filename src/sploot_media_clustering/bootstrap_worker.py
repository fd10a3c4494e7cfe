"""The composition root of a worker. Needs the extra ``service``."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from os import getpid

from sploot_media_clustering.adapters.images import ImageLimits
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.pet_embeddings import FolderPetEmbeddings
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.adapters.redis_pulse import RedisPulse
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.adapters.redis_stream import SILENCE_S, RedisJobStream
from sploot_media_clustering.bootstrap import open_embedding
from sploot_media_clustering.bootstrap_service import QUESTIONS, guarded_source, open_connection
from sploot_media_clustering.services.applying import AlbumApplier
from sploot_media_clustering.services.batching import Batcher, PhotoEmbedder
from sploot_media_clustering.services.carrying import Carrier
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.committing import Committer
from sploot_media_clustering.services.consuming import Consumer, Pace
from sploot_media_clustering.services.heart import BEAT_S, Heart
from sploot_media_clustering.services.job_ports import PetEmbeddings
from sploot_media_clustering.services.models_in_charge import Charge
from sploot_media_clustering.services.ports import PhotoSource
from sploot_media_clustering.services.preparing import FETCHES, Patience, PhotoPreparer
from sploot_media_clustering.services.processing import Limits, Ports, Processor
from sploot_media_clustering.settings import Settings, UriSettings


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with.

    Attributes:
        clustering: embeddings into albums.
        embedder: photos into embeddings.
        source: where photos are read from.
        kept: embeddings of albums.
    """

    clustering: ClusteringService
    embedder: PhotoEmbedder
    source: PhotoSource
    kept: PetEmbeddings


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
        after: called with the name of each step of the protocol that was done.
    """

    pace: Pace | None = None
    limits: Limits | None = None
    patience: Patience | None = None
    beat_s: float = BEAT_S
    silence_s: float = SILENCE_S
    uri_template: str | None = None
    after: Callable[[str], None] = lambda _step: None


@contextmanager
def open_tools(settings: Settings, uris: UriSettings) -> Iterator[Tools]:
    """Networks, sources and kept embeddings, closed at the end.

    Raises:
        ConfigurationError: the model package or a network can't be used.
    """
    with open_embedding(settings) as parts:
        source = guarded_source(uris, ImageLimits(), settings.timeout_s)
        try:
            yield Tools(
                ClusteringService(read_heads(parts.package)),
                parts.service,
                source,
                FolderPetEmbeddings(f"{settings.cache}/albums", parts.file_systems),
            )
        finally:
            source.close()


@asynccontextmanager
async def open_consumer(url: str, tools: Tools, manner: Manner | None = None) -> AsyncIterator[Consumer]:
    """A consumer of the stream at ``url``, its heart beating; it leaves the group at the end.

    Raises:
        ConfigurationError: the URL is none.
    """
    manner = manner or Manner()
    name = f"{socket.gethostname()}-{getpid()}-{secrets.token_hex(4)}"
    batcher = Batcher(tools.embedder)
    async with open_connection(url) as connection, batcher.running():
        stream = RedisJobStream(connection, name, silence_s=manner.silence_s)
        pets = RedisPetStore(connection)
        applier = AlbumApplier(tools.clustering, questions=QUESTIONS)
        with ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch") as threads:
            preparer = PhotoPreparer(tools.source, batcher, tools.kept, threads, manner.patience)
            carrier = Carrier(tools.clustering, preparer)
            processor = Processor(
                Ports(RedisJobQueue(connection), stream, pets, RedisDeadLetters(connection)),
                Committer(pets, applier, carrier, manner.after),
                preparer,
                manner.limits,
                after=manner.after,
            )
            with Heart(RedisPulse(url, name), stream.disturbed, beat_s=manner.beat_s) as heart:
                yield Consumer(
                    stream,
                    processor,
                    heart,
                    manner.pace,
                    gates=[Charge(RedisModels(connection), tools.clustering.model.version)],
                    uri_template=manner.uri_template,
                )
            await stream.leave()
