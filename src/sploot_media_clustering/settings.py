"""Settings: frozen, read once at the entry point, passed on as a value."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sploot_media_clustering.adapters.filesystems import DEFAULT_TIMEOUT_S
from sploot_media_clustering.adapters.placement import Execution, asked_providers
from sploot_media_clustering.adapters.processors import available_cores
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.album_size import MOST_PHOTOS
from sploot_media_clustering.services.lanes import MOST_PARTITIONS
from sploot_media_clustering.services.overseeing import MOST_LETTERS

_MOST_DIGITS: Final = 15
"""Of a whole number: a petabyte in bytes has no more."""

EMBEDDED: Final = "embedded"
"""In place of a server's URL: one of our own."""

_TRUTHS: Final = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation may choose.

    Attributes:
        model: folder of the model package, or None for the built-in one (``SPLOOT_MODEL``).
        cache: where embeddings are kept between runs, a path or a URI (``SPLOOT_CACHE``).
        threads: processor cores that may be used; 0 means all there are (``SPLOOT_THREADS``).
        timeout_s: longest wait for a remote store (``SPLOOT_TIMEOUT_S``).
        providers: where networks may run, in the order in which places are tried; none: the best there is
            (``SPLOOT_PROVIDERS``: ``auto``, or of ``tensorrt,cuda,openvino,cpu``).
        gpu_memory_bytes: that a network may take of a GPU beside its weights (``SPLOOT_GPU_MEMORY_BYTES``).
        trusted_models: SHA-256 of TorchScript files that may run (``SPLOOT_TRUSTED_MODELS``, separated by
            commas).
        embedder_url: of an embedding server; None to embed in this process (``SPLOOT_EMBEDDER_URL``).
        embedder_token: that it is shown (the first of ``SPLOOT_EMBEDDER_TOKENS``).
        pipeline: which pipeline answers, or shares of albums (``SPLOOT_PIPELINE``:
            ``mixture:0.1,shadow:0.2,stub``).
        pipeline_file: that says so in its place, and may change at any time (``SPLOOT_PIPELINE_FILE``).
        pipeline_provider: of OpenFeature, which is asked first (``SPLOOT_PIPELINE_PROVIDER``:
            ``MODULE:FACTORY``).
        album_photos_most: photos of an album (``SPLOOT_ALBUM_PHOTOS_MOST``).
    """

    model: Path | None
    cache: str
    threads: int = 0
    timeout_s: float = DEFAULT_TIMEOUT_S
    providers: tuple[str, ...] = ()
    gpu_memory_bytes: int = Execution().gpu_memory_bytes
    trusted_models: tuple[str, ...] = ()
    embedder_url: str | None = None
    embedder_token: str | None = field(default=None, repr=False)
    pipeline: str = "mixture"
    pipeline_file: Path | None = None
    pipeline_provider: str | None = None
    album_photos_most: int = MOST_PHOTOS

    @property
    def execution(self) -> Execution:
        """Where networks may run."""
        return Execution(self.providers, self.gpu_memory_bytes, frozenset(self.trusted_models))

    @property
    def cores(self) -> int:
        """Processor cores to use: as many as were named, or as this process may use."""
        return self.threads or available_cores()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """What an installation may choose of the API.

    Attributes:
        variables: what the names of its variables begin with, for messages.
        local: one machine, one person: loopback only, and no token unless one is set (``SPLOOT_LOCAL``).
        tokens: any of which opens the API, so that one can be exchanged for the next (``SPLOOT_API_TOKENS``,
            separated by commas).
        metrics_tokens: that open ``/metrics`` alone (``SPLOOT_METRICS_TOKENS``).
        host: address to listen on (``SPLOOT_API_HOST``).
        port: to listen on (``SPLOOT_API_PORT``).
        max_body_bytes: of a request (``SPLOOT_API_MAX_BODY_BYTES``).
        requests_per_s: of one caller, on average (``SPLOOT_API_REQUESTS_PER_S``); 0 means no limit.
        burst: requests of one caller at once (``SPLOOT_API_BURST``).
    """

    variables: str = "SPLOOT_API"
    local: bool = False
    tokens: tuple[str, ...] = field(default=(), repr=False)
    metrics_tokens: tuple[str, ...] = field(default=(), repr=False)
    host: str = "127.0.0.1"
    port: int = 8080
    max_body_bytes: int = 1 << 20
    requests_per_s: float = 500.0
    burst: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderSettings(ApiSettings):
    """The same of an embedding server (``SPLOOT_EMBEDDER_TOKENS``, ``SPLOOT_EMBEDDER_HOST`` and so on).

    Attributes:
        delay_s: that a batch may wait to become as large as the one before (``SPLOOT_EMBEDDER_DELAY_S``).
            2 ms are some times what it takes to ask again over a local network.
    """

    variables: str = "SPLOOT_EMBEDDER"
    port: int = 8090
    requests_per_s: float = 0.0
    delay_s: float = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class UriSettings:
    """From where the service reads photos; by default from nowhere.

    Attributes:
        schemes: of web servers (``SPLOOT_URI_SCHEMES``: ``https``, or ``https,http``).
        hosts: of web servers (``SPLOOT_URI_HOSTS``: ``cdn.example.com,*.photos.example.com,minio:9000``;
            ``*`` for every host with a public address).
        prefixes: of object stores (``SPLOOT_URI_PREFIXES``: ``s3://bucket/folder/,gs://bucket``).
        file_root: the folder below which files may be read (``SPLOOT_FILE_ROOT``).
        networks: that may be connected to although they are not public (``SPLOOT_URI_NETWORKS``:
            ``10.1.0.0/16``).
    """

    schemes: tuple[str, ...] = ("https",)
    hosts: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    file_root: Path | None = None
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where jobs and albums of the service are kept.

    Attributes:
        url: of a Redis or Valkey server, or ``embedded`` for one of our own (``REDIS_URL``; ``embedded`` by
            default in local mode).
        folder: of the embedded server's data (``SPLOOT_STORE``).
        uri_template: of photos that older jobs tell by id alone (``SPLOOT_URI_TEMPLATE``, with ``{pet_id}``
            and ``{image_id}``).
        partitions: of the jobs, for as long as the store lives; None for as many as there are, or one
            (``SPLOOT_PARTITIONS``).
    """

    url: str = field(repr=False)
    folder: Path
    uri_template: str | None = None
    partitions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What an installation may choose of a worker.

    Attributes:
        port: on which it tells whether it is fit, and its figures (``SPLOOT_WORKER_PORT``); 0 for none.
        host: address of that port (``SPLOOT_WORKER_HOST``).
        letters_most: dead letters that are kept; beyond it jobs wait (``SPLOOT_DEAD_LETTERS_MOST``).
    """

    port: int = 0
    host: str = "127.0.0.1"
    letters_most: int = MOST_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """Where models are kept.

    Attributes:
        uri: of the registry; None for none (``SPLOOT_REGISTRY``: a folder, ``s3://bucket/models``,
            ``mlflow+https://host/NAME``).
        trusted: public keys, one of which has to have signed a model; without any, none need have
            (``SPLOOT_MODEL_KEYS``, with commas between them).
    """

    uri: str | None = None
    trusted: tuple[str, ...] = ()


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from environment variables.

    Raises:
        ConfigurationError: a variable does not read as what it should be.
    """
    model = environment.get("SPLOOT_MODEL")
    file = environment.get("SPLOOT_PIPELINE_FILE")
    return Settings(
        model=Path(model) if model else None,
        cache=environment.get("SPLOOT_CACHE") or str(_cache_home(environment) / "embeddings"),
        threads=_count(environment, "SPLOOT_THREADS", 0),
        timeout_s=_seconds(environment, "SPLOOT_TIMEOUT_S", DEFAULT_TIMEOUT_S),
        providers=asked_providers(environment.get("SPLOOT_PROVIDERS", "")),
        gpu_memory_bytes=_count(environment, "SPLOOT_GPU_MEMORY_BYTES", Execution().gpu_memory_bytes),
        trusted_models=_listed(environment, "SPLOOT_TRUSTED_MODELS"),
        embedder_url=environment.get("SPLOOT_EMBEDDER_URL") or None,
        embedder_token=next(iter(_listed(environment, "SPLOOT_EMBEDDER_TOKENS")), None),
        pipeline=environment.get("SPLOOT_PIPELINE") or "mixture",
        pipeline_file=Path(file) if file else None,
        pipeline_provider=environment.get("SPLOOT_PIPELINE_PROVIDER") or None,
        album_photos_most=_album_photos(environment),
    )


def api_from_environment(environment: Mapping[str, str] = os.environ) -> ApiSettings:
    """Settings of the API from environment variables.

    Raises:
        ConfigurationError: a variable does not read as what it should be.
    """
    told = ApiSettings()
    return ApiSettings(
        local=_truth(environment, "SPLOOT_LOCAL"),
        tokens=_listed(environment, "SPLOOT_API_TOKENS"),
        metrics_tokens=_listed(environment, "SPLOOT_METRICS_TOKENS"),
        host=environment.get("SPLOOT_API_HOST") or told.host,
        port=_count(environment, "SPLOOT_API_PORT", told.port),
        max_body_bytes=_count(environment, "SPLOOT_API_MAX_BODY_BYTES", told.max_body_bytes),
        requests_per_s=_number(environment, "SPLOOT_API_REQUESTS_PER_S", told.requests_per_s),
        burst=_count(environment, "SPLOOT_API_BURST", told.burst),
    )


def embedder_from_environment(environment: Mapping[str, str] = os.environ) -> EmbedderSettings:
    """Settings of an embedding server from environment variables.

    Raises:
        ConfigurationError: a variable does not read as what it should be.
    """
    told = EmbedderSettings()
    return EmbedderSettings(
        local=_truth(environment, "SPLOOT_LOCAL"),
        tokens=_listed(environment, "SPLOOT_EMBEDDER_TOKENS"),
        metrics_tokens=_listed(environment, "SPLOOT_METRICS_TOKENS"),
        host=environment.get("SPLOOT_EMBEDDER_HOST") or told.host,
        port=_count(environment, "SPLOOT_EMBEDDER_PORT", told.port),
        delay_s=_number(environment, "SPLOOT_EMBEDDER_DELAY_S", told.delay_s),
    )


def uris_from_environment(environment: Mapping[str, str] = os.environ) -> UriSettings:
    """From where photos may be read, from environment variables."""
    root = environment.get("SPLOOT_FILE_ROOT")
    return UriSettings(
        schemes=_listed(environment, "SPLOOT_URI_SCHEMES") or UriSettings().schemes,
        hosts=_listed(environment, "SPLOOT_URI_HOSTS"),
        prefixes=_listed(environment, "SPLOOT_URI_PREFIXES"),
        file_root=Path(root) if root else None,
        networks=_listed(environment, "SPLOOT_URI_NETWORKS"),
    )


def registry_from_environment(environment: Mapping[str, str] = os.environ) -> RegistrySettings:
    """Where models are kept, from environment variables."""
    return RegistrySettings(
        uri=environment.get("SPLOOT_REGISTRY") or None,
        trusted=_listed(environment, "SPLOOT_MODEL_KEYS"),
    )


def log_format(environment: Mapping[str, str] = os.environ) -> str:
    """How processes of the service log: ``text`` or ``json`` (``SPLOOT_LOG``).

    Raises:
        ConfigurationError: it is neither.
    """
    told = environment.get("SPLOOT_LOG") or "text"
    if told not in {"text", "json"}:
        raise ConfigurationError(f"SPLOOT_LOG is {told!r}, expected text or json")
    return told


def traces_are_collected(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether spans are sent: the variables of OpenTelemetry say so (``OTEL_EXPORTER_OTLP_ENDPOINT``)."""
    places = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not disabled and any(environment.get(name) for name in places)


def store_from_environment(environment: Mapping[str, str] = os.environ) -> StoreSettings:
    """Where the service keeps its jobs and albums, from environment variables.

    Raises:
        ConfigurationError: no server is named, outside local mode.
    """
    url = environment.get("REDIS_URL") or (EMBEDDED if _truth(environment, "SPLOOT_LOCAL") else "")
    if not url:
        raise ConfigurationError(
            "expected REDIS_URL, found none; name a Redis or Valkey server, or set REDIS_URL=embedded"
        )
    folder = environment.get("SPLOOT_STORE")
    return StoreSettings(
        url=url,
        folder=Path(folder) if folder else _data_home(environment) / "store",
        uri_template=environment.get("SPLOOT_URI_TEMPLATE") or None,
        partitions=_partitions(environment),
    )


def worker_from_environment(environment: Mapping[str, str] = os.environ) -> WorkerSettings:
    """Settings of a worker from environment variables.

    Raises:
        ConfigurationError: a variable does not read as what it should be.
    """
    told = WorkerSettings()
    return WorkerSettings(
        port=_count(environment, "SPLOOT_WORKER_PORT", told.port),
        host=environment.get("SPLOOT_WORKER_HOST") or told.host,
        letters_most=_count(environment, "SPLOOT_DEAD_LETTERS_MOST", told.letters_most),
    )


def store_at_hand(environment: Mapping[str, str] = os.environ) -> StoreSettings:
    """The store for commands at a prompt: the one that is named, else the one of this user that `up` runs.

    Raises:
        ConfigurationError: a variable does not read as what it should be.
    """
    return store_from_environment({**environment, "REDIS_URL": environment.get("REDIS_URL") or EMBEDDED})


def _data_home(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "sploot-media-clustering"


def _cache_home(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "sploot-media-clustering"


def _listed(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())


def _truth(environment: Mapping[str, str], name: str) -> bool:
    told = environment.get(name, "").strip().lower()
    if told not in _TRUTHS:
        raise ConfigurationError(f"{name} is {told!r}, expected 1 or 0")
    return _TRUTHS[told]


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    told = environment.get(name) or str(default)
    if not (told.isascii() and told.isdigit()) or len(told) > _MOST_DIGITS:
        raise ConfigurationError(f"{name} is {told!r}, expected a whole number such as {default}")
    return int(told)


def _album_photos(environment: Mapping[str, str]) -> int:
    name = "SPLOOT_ALBUM_PHOTOS_MOST"
    count = _count(environment, name, MOST_PHOTOS)
    if not count:
        raise ConfigurationError(f"{name} is 0, expected photos such as {MOST_PHOTOS}")
    return count


def _partitions(environment: Mapping[str, str]) -> int | None:
    name = "SPLOOT_PARTITIONS"
    if not environment.get(name):
        return None
    count = _count(environment, name, 1)
    if not 1 <= count <= MOST_PARTITIONS:
        raise ConfigurationError(f"{name} is {count}, expected 1 to {MOST_PARTITIONS}")
    return count


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    value = _number(environment, name, default)
    if value == 0:
        raise ConfigurationError(f"{name} is 0, expected seconds such as {default:g}")
    return value


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    told = environment.get(name)
    if not told:
        return default
    try:
        value = float(told)
    except ValueError as error:
        raise ConfigurationError(f"{name} is {told!r}, expected a number such as {default:g}") from error
    if not 0 <= value < math.inf:
        raise ConfigurationError(f"{name} is {told}, expected a finite number of at least 0")
    return value
