"""``sploot-clustering serve``: the HTTP API."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

import typer

from sploot_media_clustering.entrypoints import logs
from sploot_media_clustering.entrypoints.cli.console import err
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.parent import end_with_parent
from sploot_media_clustering.settings import (
    ApiSettings,
    api_from_environment,
    from_environment,
    log_format,
    store_from_environment,
    traces_are_collected,
    uris_from_environment,
    worker_from_environment,
)


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = None,
) -> None:
    """Serve the HTTP API.

    The settings are environment variables: REDIS_URL, SPLOOT_API_TOKENS and more, see docs/api.md.
    SPLOOT_LOCAL=1 is for a machine of your own: loopback only, a store of its own, no token.

    Example:

        SPLOOT_LOCAL=1 sploot-clustering serve --port 8080
    """
    told = api_from_environment()
    settings = replace(told, host=host or told.host, port=port or told.port)
    end_with_parent()
    logs.begin(log_format())
    root, store = service(), store_from_environment()
    with root.open_store(store) as url:
        asyncio.run(root.require_partitions(url, store.partitions, begin=True))
        asyncio.run(_served(url, settings, store.uri_template))


async def _served(url: str, settings: ApiSettings, uri_template: str | None) -> None:
    from sploot_media_clustering.entrypoints.api.app import create_app  # noqa: PLC0415 - of the extra "service"
    from sploot_media_clustering.entrypoints.api.parts import ApiParts  # noqa: PLC0415 - see above
    from sploot_media_clustering.entrypoints.api.server import serve as serve_app  # noqa: PLC0415 - see above

    with service().open_spans("sploot-api", traces=traces_are_collected()) as spans:
        shrink = service().local_thumbnails(uris_from_environment().file_root)
        async with (
            service().open_desk(url, from_environment(), uri_template) as desk,
            service().open_gallery(url, desk.albums, shrink) as gallery,
            service().open_overseer(url, worker_from_environment().letters_most) as overseer,
        ):
            parts = ApiParts(
                settings=settings,
                intake=desk.intake,
                albums=desk.albums,
                dead_letters=desk.letters,
                overseer=overseer,
                gallery=gallery if settings.local else None,
                spans=spans,
            )
            app = create_app(parts)
            shown = "/" if settings.local and not settings.tokens else "/docs"
            err.print(f"http://{settings.host}:{settings.port}{shown}", markup=False)
            await serve_app(app, settings)
