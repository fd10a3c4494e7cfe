"""``sploot-clustering serve-embedder``: the network of a model package, for workers elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering.bootstrap import load_model
from sploot_media_clustering.entrypoints import logs
from sploot_media_clustering.entrypoints.cli.console import err
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.parent import end_with_parent
from sploot_media_clustering.settings import (
    EmbedderSettings,
    Settings,
    embedder_from_environment,
    from_environment,
    log_format,
)


def serve_embedder(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = None,
    model: Annotated[Path | None, typer.Option("--model", help="Folder of a model package.")] = None,
) -> None:
    """Serve the embedder of a model package over HTTP, to all that have SPLOOT_EMBEDDER_URL set.

    The settings are environment variables: SPLOOT_EMBEDDER_TOKENS and more, see
    docs/how-to/embed-elsewhere.md. Until SIGTERM or Ctrl-C; requests under way are finished then.

    Example:

        SPLOOT_LOCAL=1 sploot-clustering serve-embedder --port 8090
    """
    told, settings = embedder_from_environment(), from_environment()
    end_with_parent()
    logs.begin(log_format())
    service()  # says which extra is missing
    asyncio.run(
        _served(
            replace(told, host=host or told.host, port=port or told.port),
            replace(settings, model=model or settings.model),
        )
    )


async def _served(told: EmbedderSettings, settings: Settings) -> None:
    entry = import_module("sploot_media_clustering.entrypoints.embedder")  # of the extra "service"
    serve = import_module("sploot_media_clustering.entrypoints.api.server").serve
    package = load_model(settings)
    embedder = package.open_embedder(threads=settings.cores, execution=settings.execution)
    server = entry.create_server(embedder, told, batch=embedder.placement.batch)
    err.print(f"http://{told.host}:{told.port} embeds by {embedder.version}", markup=False, soft_wrap=True)
    async with server.batcher.running():
        await serve(server.app, told)
