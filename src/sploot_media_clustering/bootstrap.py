"""The composition root: the only place where the parts meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module

from sploot_media_clustering.adapters.albums import find_album
from sploot_media_clustering.adapters.embedder_wire import Networks
from sploot_media_clustering.adapters.embedding_cache import FolderEmbeddingStore
from sploot_media_clustering.adapters.filesystems import FileSystems, shown
from sploot_media_clustering.adapters.folder_shelf import FolderShelf
from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.mlflow_shelf import MlflowShelf
from sploot_media_clustering.adapters.model_package import ModelPackage, default_package, load_package
from sploot_media_clustering.adapters.model_registry import ModelRegistry
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.pet_embeddings import FolderPetEmbeddings
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.errors import MissingExtraError
from sploot_media_clustering.services.cached_embedding import CachedEmbedding
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.embedding import EmbeddingService, PhotoFailure, PhotoInput
from sploot_media_clustering.services.ports import Embedder, ImageDecoder, PhotoSource
from sploot_media_clustering.settings import Settings, from_environment


@dataclass(frozen=True, slots=True)
class EmbeddingParts:
    """What embedding photos takes.

    Attributes:
        package: the model package.
        embedding: photos to embeddings.
        source: where photos are read from.
        decoder: bytes to pictures.
        file_systems: the stores that photos may lie in.
        service: that embeds what was never embedded before.
    """

    package: ModelPackage
    embedding: CachedEmbedding
    source: PhotoSource
    decoder: ImageDecoder
    file_systems: FileSystems
    service: EmbeddingService


@dataclass(frozen=True, slots=True)
class Reviewing:
    """What answering for albums and correcting them takes: no network.

    Attributes:
        clustering: states to answers.
        source: where photos are read from.
        decoder: bytes to pictures.
    """

    clustering: ClusteringService
    source: PhotoSource
    decoder: ImageDecoder


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything that clustering photos takes.

    Attributes:
        parts: what embedding takes.
        heads: of the model package.
        clustering: embeddings to album states, states to answers.
    """

    parts: EmbeddingParts
    heads: Heads
    clustering: ClusteringService

    def embed(self, *places: str) -> Iterator[PhotoEmbedding | PhotoFailure]:
        """Embed the photos of some folders, files, globs or URIs, as one album.

        Args:
            places: as the command ``cluster`` takes them.

        Yields:
            For each photo, its embedding, or the reason why it can't be read.

        Raises:
            NoPhotosError: a place holds no photos.
        """
        yield from self.embedding.embed(find_album(places, self.file_systems).photos)

    def embed_one(self, image_id: str, data: bytes) -> PhotoEmbedding:
        """Embed one photo, whose bytes are at hand, with the least delay.

        Args:
            image_id: unique inside its album.
            data: of the image file.

        Raises:
            UnreadablePhotoError: it can't be read; one of its branches says why.
        """
        return self.embedding.embed_one(PhotoInput(image_id, data))

    @property
    def embedding(self) -> CachedEmbedding:
        """Photos to embeddings."""
        return self.parts.embedding

    @property
    def file_systems(self) -> FileSystems:
        """The stores that photos may lie in."""
        return self.parts.file_systems

    @property
    def reviewing(self) -> Reviewing:
        """What takes no network."""
        return Reviewing(self.clustering, self.parts.source, self.parts.decoder)


def load_model(settings: Settings) -> ModelPackage:
    """The model package that is asked for, or the built-in one.

    Raises:
        ModelPackageError: it is damaged or is no package.
    """
    return load_package(settings.model) if settings.model else default_package()


def open_reviewing(settings: Settings) -> Reviewing:
    """What answering for albums and correcting them takes.

    Raises:
        ModelPackageError: the model package can't be used.
    """
    limits = ImageLimits()
    source = FsspecSource(file_systems=FileSystems(timeout_s=settings.timeout_s), max_bytes=limits.max_bytes)
    return Reviewing(ClusteringService(read_heads(load_model(settings))), source, PillowDecoder(limits))


def open_registry(uri: str) -> ModelRegistry:
    """The registry of models at a URI: a folder, a prefix in an object store, or a model's name in MLflow.

    Raises:
        ConfigurationError: MLflow's URI is none.
        UnreadablePhotoError: the place can't be written to.
        MissingExtraError: what speaks to it is not installed.
    """
    is_mlflow = uri.startswith(("mlflow+", "mlflow:"))
    return ModelRegistry(MlflowShelf(uri) if is_mlflow else FolderShelf(uri), shown(uri))


def kept_embeddings(settings: Settings) -> FolderPetEmbeddings:
    """Embeddings of the service's albums, where this installation keeps them."""
    return FolderPetEmbeddings(f"{settings.cache}/albums", FileSystems(timeout_s=settings.timeout_s))


def built_in_heads() -> Heads:
    """Heads of the built-in package."""
    return read_heads(default_package())


@contextmanager
def open_embedding(
    settings: Settings,
    *,
    threads: int | None = None,
    around: Callable[[ImageDecoder], ImageDecoder] = lambda decoder: decoder,
) -> Iterator[EmbeddingParts]:
    """Networks, decoder, sources and cache, closed at the end.

    Args:
        settings: of this installation.
        threads: of one run of a network; by default all cores.
        around: makes of the decoder the one that is used.

    Raises:
        ConfigurationError: the model package, or the embedding server that is named, can't be used.
    """
    package = load_model(settings)
    threads = threads or settings.cores
    limits = ImageLimits()
    file_systems = FileSystems(timeout_s=settings.timeout_s)
    source = FsspecSource(file_systems=file_systems, max_bytes=limits.max_bytes)
    decoder = around(PillowDecoder(limits))
    store = FolderEmbeddingStore(settings.cache, file_systems)
    with (
        _open_embedder(settings, package, threads) as embedder,
        EmbeddingService(
            decoder=decoder,
            detector=package.open_detector(threads=threads, execution=settings.execution),
            embedder=embedder,
            thresholds=package.manifest.detector.thresholds,
            workers=settings.cores,
        ) as service,
    ):
        cached = CachedEmbedding(source, store, service)
        yield EmbeddingParts(package, cached, source, decoder, file_systems, service)


@contextmanager
def _open_embedder(settings: Settings, package: ModelPackage, threads: int) -> Iterator[Embedder]:
    """The package's embedder, in this process or at the server that is named.

    Raises:
        ConfigurationError: the server has other networks, or refuses us.
        MissingExtraError: there is one, and what asks it is not installed.
    """
    if settings.embedder_url is None:
        yield package.open_embedder(threads=threads, execution=settings.execution)
        return
    try:
        remote = import_module("sploot_media_clustering.adapters.remote_embedder")
    except ImportError as error:
        raise MissingExtraError(
            "SPLOOT_EMBEDDER_URL needs the extra: pip install 'sploot-media-clustering[service]'"
        ) from error
    entry = package.manifest.embedder
    with closing(
        remote.RemoteEmbedder(
            settings.embedder_url,
            token=settings.embedder_token,
            networks=Networks(package.network_version, entry.input_px, entry.dimension),
            patience=remote.Patience(answer_s=settings.timeout_s),
        )
    ) as embedder:
        embedder.require_match()
        yield embedder


@contextmanager
def open_engine(settings: Settings | None = None) -> Iterator[Engine]:
    """Everything that clustering takes, closed at the end.

    Args:
        settings: by default those of the environment.

    Raises:
        ModelPackageError: the model package can't be used.
    """
    with open_embedding(settings or from_environment()) as parts:
        heads = read_heads(parts.package)
        yield Engine(parts, heads, ClusteringService(heads))
