"""``sploot-clustering review``: albums judged by people, in a browser."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.bootstrap import open_reviewing
from sploot_media_clustering.entrypoints.cli.console import err
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.cli.folder_albums import FolderAlbums, NoJobs
from sploot_media_clustering.entrypoints.cli.results import Results
from sploot_media_clustering.services.gallery import Gallery
from sploot_media_clustering.settings import (
    ApiSettings,
    Settings,
    UriSettings,
    from_environment,
    store_at_hand,
    uris_from_environment,
)

if TYPE_CHECKING:
    from sploot_media_clustering.entrypoints.api.parts import ApiParts

_TOKEN_BYTES: Final = 24
_ANYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
_FETCH_TIMEOUT_S: Final = 30.0
_NOBODY: Final = ("192.0.2.1", 9)
"""An address of documentation (RFC 5737): nothing is sent there."""


def review(
    folder: Annotated[
        Path | None, typer.Argument(help="What `cluster --out` wrote; default: the albums of the service.")
    ] = None,
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen on; other machines have to be paired by a link."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8090,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", exists=True, file_okay=False, help="Folder of the service's photos."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the model package of the last run.")] = None,
) -> None:
    """Judge doubtful photos, animals and heroes in a browser, one key a verdict, until Ctrl-C.

    Verdicts are decisions: they hold whatever photos and models come later, and can be taken back.

    Examples:

        sploot-clustering review out

        sploot-clustering review out --host 0.0.0.0

        sploot-clustering review --photos ~/Pictures
    """
    root = service()
    _end_as_by_ctrl_c()
    settings = from_environment()
    settings = replace(settings, model=model or settings.model)
    api = ApiSettings(local=True, host=host, port=port)
    if folder is not None:
        _of_folder(Results(folder), api, settings)
        return
    store, uris = store_at_hand(), uris_from_environment()
    uris = replace(uris, file_root=photos.resolve() if photos else uris.file_root)
    with root.open_store(store) as url, suppress(KeyboardInterrupt):
        asyncio.run(_of_service(url, api, settings, uris))


def _end_as_by_ctrl_c() -> None:
    """Let a terminal that was closed, and being told to, end all in the same order."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGINT))


def _of_folder(results: Results, api: ApiSettings, settings: Settings) -> None:
    from sploot_media_clustering.entrypoints.api.parts import ApiParts  # noqa: PLC0415 - of the extra "service"

    reviewing = open_reviewing(settings)
    albums = FolderAlbums(results, reviewing)
    shrink = service().thumbnails(reviewing.source, reviewing.decoder)
    jobs = NoJobs()
    parts = ApiParts(
        settings=api,
        intake=jobs,
        albums=albums,
        dead_letters=jobs,
        gallery=Gallery(albums, albums, albums, shrink),
    )
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_served(parts))
    finally:
        albums.finish()


async def _of_service(url: str, api: ApiSettings, settings: Settings, uris: UriSettings) -> None:
    from sploot_media_clustering.entrypoints.api.parts import ApiParts  # noqa: PLC0415 - see above

    root, limits = service(), ImageLimits()
    with closing(root.guarded_source(uris, limits, _FETCH_TIMEOUT_S)) as source:
        shrink = root.thumbnails(source, PillowDecoder(limits))
        async with (
            root.open_desk(url, settings) as desk,
            root.open_gallery(url, desk.albums, shrink) as gallery,
            root.open_overseer(url) as overseer,
        ):
            await _served(
                ApiParts(
                    settings=api,
                    intake=desk.intake,
                    albums=desk.albums,
                    dead_letters=desk.letters,
                    overseer=overseer,
                    gallery=gallery,
                )
            )


async def _served(parts: ApiParts) -> None:
    from sploot_media_clustering.entrypoints.api.access import is_loopback  # noqa: PLC0415 - see above
    from sploot_media_clustering.entrypoints.api.app import create_app  # noqa: PLC0415 - see above
    from sploot_media_clustering.entrypoints.api.pairing import Pairing  # noqa: PLC0415 - see above
    from sploot_media_clustering.entrypoints.api.server import serve  # noqa: PLC0415 - see above

    host, port = parts.settings.host, parts.settings.port
    path = "/review"
    if not is_loopback(host):
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        parts = replace(parts, pairing=Pairing(token))
        path = f"/pair?token={token}"
        told = "Pair a browser by opening this link; whoever has it may see and judge the albums:"
        err.print(told, soft_wrap=True)
    err.print(f"http://{_reached_by(host)}:{port}{path}", markup=False, soft_wrap=True)
    await serve(create_app(parts), parts.settings)


def _reached_by(host: str) -> str:
    """An address of this machine that others reach, where any is listened on."""
    if host in _ANYWHERE:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(_NOBODY)
                host = probe.getsockname()[0]
            except OSError:
                host = "127.0.0.1"
    return f"[{host}]" if ":" in host else host
