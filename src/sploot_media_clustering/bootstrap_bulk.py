"""The composition root of bulk work: many photos through a worker's stages. Needs the extra ``service``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from sploot_media_clustering.adapters.ray_data import open_ray
from sploot_media_clustering.bootstrap_worker import Tools, open_tools
from sploot_media_clustering.services.batching import Batcher
from sploot_media_clustering.services.embedding_ahead import (
    Noted,
    Outcome,
    PhotoAhead,
    Spread,
    Stages,
    embedded,
    here,
)
from sploot_media_clustering.services.preparing import FETCHES, PhotoPreparer
from sploot_media_clustering.settings import Settings, UriSettings


@contextmanager
def open_spread(settings: Settings, uris: UriSettings, ray: str | None = None) -> Iterator[Spread]:
    """A way for photos through a worker's stages: in this process, or over a cluster of Ray.

    Args:
        settings: of this installation; the model is the one that embeds.
        uris: from where photos may be read.
        ray: address of a cluster, ``local`` for one of this machine's own, or None for no Ray.

    Raises:
        ConfigurationError: the model or its networks can't be used, or there is no such cluster.
        MissingExtraError: Ray is not installed.
    """
    open_stages = partial(stages_of, settings, uris)
    with here(open_stages) if ray is None else open_ray(open_stages, ray, settings.cores) as spread:
        yield spread


@contextmanager
def stages_of(settings: Settings, uris: UriSettings) -> Iterator[Stages]:
    """The stages of a worker with these settings, networks and all; it can be sent to another process."""
    with open_tools(settings, uris) as tools, stages_with(tools) as stages:
        yield stages


@contextmanager
def stages_with(tools: Tools) -> Iterator[Stages]:
    """The stages of a worker with these tools."""
    batcher, noted = Batcher(tools.embedder), Noted(tools.kept)
    with asyncio.Runner() as runner, ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch") as threads:
        preparer = PhotoPreparer(tools.source, batcher, noted, threads)

        async def done(photos: Sequence[PhotoAhead]) -> list[Outcome]:
            async with batcher.running():
                return await embedded(preparer, noted, photos)

        yield lambda photos: runner.run(done(photos))
