"""``sploot-clustering worker``: works on jobs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib import import_module

from sploot_media_clustering.entrypoints import logs
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.cli.model_registry import fetch_into
from sploot_media_clustering.entrypoints.parent import end_with_parent
from sploot_media_clustering.settings import (
    from_environment,
    log_format,
    registry_from_environment,
    store_from_environment,
    traces_are_collected,
    uris_from_environment,
    worker_from_environment,
)


def worker() -> None:
    """Work on the jobs of the stream, until SIGTERM or Ctrl-C; what is in hand is finished then.

    The settings are environment variables: REDIS_URL says where jobs are; SPLOOT_URI_HOSTS,
    SPLOOT_URI_PREFIXES and SPLOOT_FILE_ROOT say from where photos may be read; on SPLOOT_WORKER_PORT are
    /healthz, /readyz and /metrics; SPLOOT_LOG=json makes a JSON object of each line of the log; traces go to
    OTEL_EXPORTER_OTLP_ENDPOINT. Where SPLOOT_REGISTRY names a registry, a worker whose model was replaced
    fetches the one in charge and goes on with it. SPLOOT_PARTITIONS says into how many streams jobs are
    split, once and for all. Any number of workers share the jobs; see docs/redis.md.

    Example:

        SPLOOT_LOCAL=1 SPLOOT_FILE_ROOT=~/Pictures sploot-clustering worker
    """
    end_with_parent()
    logs.begin(log_format())
    root, store, settings = service(), store_from_environment(), from_environment()
    tools = import_module("sploot_media_clustering.bootstrap_worker")  # of the extra "service"
    process = import_module("sploot_media_clustering.entrypoints.worker")
    told = worker_from_environment()
    manner = tools.Manner(
        limits=tools.Limits(album_photos=settings.album_photos_most),
        uri_template=store.uri_template,
        letters_most=told.letters_most,
        partitions=store.partitions,
    )
    health = process.Address(told.host, told.port) if told.port else None
    fetch = fetch_into(settings.cache, registry_from_environment())
    with root.open_store(store) as url, tools.open_telemetry(traces=traces_are_collected()) as telemetry:
        asyncio.run(root.require_partitions(url, store.partitions, begin=True))
        while True:
            with tools.open_tools(settings, uris_from_environment(), telemetry) as opened:
                successor = process.work(url, opened, manner, health, fetch)
            if successor is None:
                return
            settings = replace(settings, model=successor)
