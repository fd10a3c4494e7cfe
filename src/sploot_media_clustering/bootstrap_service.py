"""The composition root of the service: its store, and what stands before it. Needs the extra ``service``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Final

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.guarded_source import GuardedSource
from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.pipelines import open_pipelines
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect, place
from sploot_media_clustering.adapters.redis_drift import RedisDrift
from sploot_media_clustering.adapters.redis_health import RedisHealth
from sploot_media_clustering.adapters.redis_jobs import RedisDeadLetters, RedisJobQueue
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.adapters.redis_overseer import RedisOverseer
from sploot_media_clustering.adapters.redis_partitions import RedisPartitions
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.adapters.redis_versions import RedisAlbumVersions
from sploot_media_clustering.adapters.rooted_files import RootedFileSource
from sploot_media_clustering.adapters.safe_http import Patience
from sploot_media_clustering.adapters.sources import file_digest
from sploot_media_clustering.adapters.store_backup import back_up, restore
from sploot_media_clustering.adapters.telemetry import NoSpans, Spans
from sploot_media_clustering.bootstrap import load_model
from sploot_media_clustering.errors import ConfigurationError, StoreUnavailableError, UnknownError
from sploot_media_clustering.report.pictures import Thumbnailer
from sploot_media_clustering.services.applying import AlbumApplier
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.committing import Committer
from sploot_media_clustering.services.desk import Albums, Desk
from sploot_media_clustering.services.embedding_ahead import AlbumsAhead
from sploot_media_clustering.services.gallery import Gallery, Shrink, StoredSources
from sploot_media_clustering.services.job_ports import PetStore
from sploot_media_clustering.services.migrating import Migration
from sploot_media_clustering.services.models_in_charge import ModelsInCharge
from sploot_media_clustering.services.overseeing import MOST_LETTERS, Overseer
from sploot_media_clustering.services.photo_names import StoredNames
from sploot_media_clustering.services.ports import ImageDecoder, PhotoSource
from sploot_media_clustering.services.rollout import Pipelines
from sploot_media_clustering.services.store_desk import StoreAlbums, StoreIntake, StoreLetters
from sploot_media_clustering.services.uri_policy import UriPolicy, network
from sploot_media_clustering.services.watching import Watch
from sploot_media_clustering.settings import EMBEDDED, Settings, StoreSettings, UriSettings

__all__ = ["back_up", "place", "restore"]  # besides what is defined here

QUESTIONS: Final = 5
"""Asked back in each answer."""


@contextmanager
def open_store(settings: StoreSettings) -> Iterator[str]:
    """The URL of the store; an embedded one is started unless it runs, and stopped by its last user.

    Raises:
        ConfigurationError: there is no server to start.
        StoreUnavailableError: it did not start.
    """
    if settings.url != EMBEDDED:
        yield settings.url
        return
    with embedded_store(settings.folder) as store:
        yield store.url


@asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[RedisConnection]:
    """A connection to the store, closed at the end.

    Raises:
        ConfigurationError: the URL is none.
    """
    connection = connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def require_store(url: str, partitions: int | None = None) -> None:
    """Reach the store once, as a service that begins there.

    Args:
        url: of the store.
        partitions: that its jobs are to have.

    Raises:
        StoreUnavailableError: it does not answer; the message says where it was looked for.
        ConfigurationError: the URL is none, or the store does not let us, can't be trusted, or has other
            partitions.
    """
    async with open_connection(url) as connection:
        try:
            await RedisHealth(connection)()
            await RedisPartitions(connection, partitions, begin=True)()
        except StoreUnavailableError as error:
            raise StoreUnavailableError(
                f"expected a store at {place(url)}: {str(error).rstrip('.')}; start it, or have REDIS_URL "
                "name another"
            ) from error


async def require_partitions(url: str, partitions: int | None, *, begin: bool = False) -> None:
    """See that jobs have as many partitions as are asked for; not where the store does not answer yet.

    Args:
        url: of the store.
        partitions: that are asked for.
        begin: whether the service begins with this.

    Raises:
        ConfigurationError: there are others.
    """
    async with open_connection(url) as connection:
        with suppress(StoreUnavailableError):
            await RedisPartitions(connection, partitions, begin=begin)()


@contextmanager
def open_spans(name: str, *, traces: bool) -> Iterator[Spans]:
    """Spans that go to where the variables of OpenTelemetry say; the last of them at the end.

    Args:
        name: of this service.
        traces: whether they are collected; else there are none, and nothing of OpenTelemetry is imported.

    Raises:
        ConfigurationError: they are, and what sends them is not installed.
    """
    if not traces:
        yield NoSpans()
        return
    try:
        tracing = import_module("sploot_media_clustering.adapters.tracing")
    except ImportError as error:
        raise ConfigurationError(
            "expected OpenTelemetry, since OTEL_EXPORTER_OTLP_ENDPOINT is set; "
            "pip install 'sploot-media-clustering[tracing]'"
        ) from error
    with tracing.open_tracing(name) as spans:
        yield spans


def pipelines_of(settings: Settings) -> Pipelines:
    """Who says which pipeline answers.

    Raises:
        ConfigurationError: the settings don't.
    """
    return open_pipelines(settings.pipeline, settings.pipeline_file, settings.pipeline_provider)


def open_pets(connection: RedisConnection) -> PetStore:
    """Albums as they are stored."""
    return RedisPetStore(connection)


@asynccontextmanager
async def open_models(url: str) -> AsyncIterator[ModelsInCharge]:
    """The models in charge of the albums in the store at ``url``.

    Raises:
        ConfigurationError: the URL is none.
    """
    async with open_connection(url) as connection:
        yield RedisModels(connection)


@asynccontextmanager
async def open_migration(url: str) -> AsyncIterator[Migration]:
    """Albums in the store at ``url``, to be brought to the model in charge of them.

    Raises:
        ConfigurationError: the URL is none.
        UnknownError: no model is in charge yet.
    """
    async with open_connection(url) as connection:
        terms = await RedisModels(connection).terms()
        if not terms:
            raise UnknownError("no worker has run yet, so no model is in charge")
        *earlier, term = terms
        yield Migration(
            RedisPetStore(connection),
            RedisJobQueue(connection),
            RedisAlbumVersions(connection),
            term,
            back=term.model_version in {part.model_version for part in earlier},
        )


@asynccontextmanager
async def open_albums_ahead(url: str, model_version: str) -> AsyncIterator[AlbumsAhead]:
    """Albums in the store at ``url`` that a model does not have yet.

    Raises:
        ConfigurationError: the URL is none.
    """
    async with open_connection(url) as connection:
        yield AlbumsAhead(RedisPetStore(connection), RedisAlbumVersions(connection), model_version)


@asynccontextmanager
async def open_desk(url: str, settings: Settings, uri_template: str | None = None) -> AsyncIterator[Desk]:
    """The desk over the store at ``url``.

    Raises:
        ModelPackageError: the model package can't be used.
    """
    pipelines = pipelines_of(settings)
    clustering = ClusteringService(read_heads(load_model(settings)))
    applier = AlbumApplier(clustering, questions=QUESTIONS, pipelines=pipelines)
    async with open_connection(url) as connection:
        queue, pets = RedisJobQueue(connection), RedisPetStore(connection)
        yield Desk(
            StoreIntake(queue),
            StoreAlbums(queue, pets, Committer(pets, applier), RedisHealth(connection), pipelines=pipelines),
            StoreLetters(RedisDeadLetters(connection), queue, pets, uri_template),
            StoredNames(queue, pets, file_digest),
        )


@asynccontextmanager
async def open_watch(url: str, clustering: ClusteringService) -> AsyncIterator[Watch]:
    """Looks at the albums in the store at ``url``.

    Raises:
        ConfigurationError: the URL is none.
    """
    async with open_connection(url) as connection:
        yield Watch(
            RedisAlbumVersions(connection), RedisPetStore(connection), clustering, RedisDrift(connection)
        )


@asynccontextmanager
async def open_overseer(
    url: str, letters_most: int = MOST_LETTERS, uri_template: str | None = None
) -> AsyncIterator[Overseer]:
    """The service at a glance.

    Raises:
        ConfigurationError: the URL is none.
    """
    async with open_connection(url) as connection:
        yield RedisOverseer(connection, letters_most=letters_most, uri_template=uri_template)


def local_thumbnails(root: Path | None) -> Shrink:
    """Makes small what lies below the one folder that files may be read from, and nothing else."""
    limits = ImageLimits()
    return thumbnails(
        RootedFileSource(UriPolicy(file_root=root), max_bytes=limits.max_bytes), PillowDecoder(limits)
    )


def thumbnails(source: PhotoSource, decoder: ImageDecoder) -> Shrink:
    """Makes small what a source gives."""

    def shrink(uri: str, side_px: int) -> bytes:
        return Thumbnailer(source, decoder, {("", ""): uri})("", "", side_px)

    return shrink


@asynccontextmanager
async def open_gallery(url: str, albums: Albums, shrink: Shrink) -> AsyncIterator[Gallery]:
    """Albums to look at."""
    async with open_connection(url) as connection:
        sources = StoredSources(RedisPetStore(connection))
        yield Gallery(RedisAlbumVersions(connection), albums, sources, shrink)


def guarded_source(settings: UriSettings, limits: ImageLimits, timeout_s: float) -> GuardedSource:
    """Reads photos from where this installation allows.

    Raises:
        ConfigurationError: a network is none.
    """
    policy = UriPolicy(
        schemes=frozenset(settings.schemes),
        hosts=settings.hosts,
        prefixes=settings.prefixes,
        file_root=settings.file_root,
        networks=tuple(map(network, settings.networks)),
    )
    return GuardedSource(policy, max_bytes=limits.max_bytes, patience=Patience(total_s=timeout_s))
