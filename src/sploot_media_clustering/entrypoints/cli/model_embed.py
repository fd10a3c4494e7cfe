"""``sploot-clustering model embed``: photos of the service's albums embedded ahead of a change of model."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Annotated, Final, TypeVar

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.adapters.filesystems import LOCAL, protocol_of
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.bootstrap import kept_embeddings, load_model
from sploot_media_clustering.entrypoints.cli.console import err, out, progress_bar
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.cli.migrate import app
from sploot_media_clustering.entrypoints.cli.model import Folder
from sploot_media_clustering.services.embedding_ahead import AlbumsAhead, Outcome, PhotoAhead
from sploot_media_clustering.settings import Settings, from_environment, store_at_hand, uris_from_environment

_ALBUMS_TOGETHER: Final = 500
"""Albums whose photos are listed at a time: fifty thousand photos, some 20 MB."""
_SHOWN: Final = 10

T = TypeVar("T")
__all__ = ["app"]


@dataclass
class _Tally:
    """What became of photos so far."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)
    as_json: bool = False

    def add(self, one: Outcome) -> None:
        self.counts[one.outcome] += 1
        if one.outcome == "failed" and len(self.failed) < _SHOWN:
            self.failed.append(one)
        if self.as_json:
            typer.echo(msgspec.json.encode(one).decode())


@app.command()
def embed(
    folder: Folder = None,
    share: Annotated[
        float,
        typer.Option("--share", min=0, max=1, help="Of the albums; a larger one later holds the smaller."),
    ] = 1.0,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="Of a Ray cluster that does it, or local for all cores of this machine.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one photo a line.")] = False,
) -> None:
    """Embed the photos of albums with a model that they are to be brought to, before it takes charge.

    `model migrate` finds the embeddings then, and reads no photo. The stages, and from where photos may be
    read, are those of a worker; SPLOOT_CACHE has to be the workers' place. Started again, it goes on where
    it was. A photo that can't be embedded is told, and keeps no other from it; it ends with 1 then.

    Examples:

        sploot-clustering model embed packages/new

        sploot-clustering model embed packages/new --ray ray://head.example.com:10001
    """
    settings = from_environment()
    settings = replace(settings, model=folder or settings.model)
    if ray not in {None, "local"} and protocol_of(settings.cache) == LOCAL:
        err.print("[yellow]SPLOOT_CACHE is a folder[/]: all machines of the cluster have to share it.")
    tally, began_s = _Tally(as_json=as_json), time.perf_counter()
    with service().open_store(store_at_hand()) as url:
        _embed(url, settings, ray, share, tally)
    if not as_json:
        _print(tally, time.perf_counter() - began_s)
    for one in tally.failed:
        err.print(f"{escape(one.pet_id)} {escape(one.image_id)}: {escape(one.error or '')}", soft_wrap=True)
    if tally.counts["failed"]:
        raise typer.Exit(1)


def _embed(url: str, settings: Settings, ray: str | None, share: float, tally: _Tally) -> None:
    bulk = import_module("sploot_media_clustering.bootstrap_bulk")  # of the extra "service"
    version = read_heads(load_model(settings)).tree.version
    kept, root = kept_embeddings(settings), service()

    def read(use: Callable[[AlbumsAhead], Awaitable[T]]) -> T:
        async def used() -> T:
            async with root.open_albums_ahead(url, version) as albums:
                return await use(albums)

        return asyncio.run(used())

    def sweep(photos: Sequence[PhotoAhead]) -> None:
        """A photo that was removed meanwhile leaves nothing behind."""
        for photo in read(partial(AlbumsAhead.gone, photos=photos)):
            kept.erase(photo.pet_id, [photo.image_id])

    pets = read(partial(AlbumsAhead.albums, share=share))
    err.print(f"{len(pets)} albums for model {escape(version)} ...", soft_wrap=True)
    in_hand: list[PhotoAhead] = []
    try:
        with bulk.open_spread(settings, uris_from_environment(), ray) as spread, progress_bar() as progress:
            task = progress.add_task("Photos", total=0)
            for start in range(0, len(pets), _ALBUMS_TOGETHER):
                together = pets[start : start + _ALBUMS_TOGETHER]
                in_hand = read(partial(AlbumsAhead.photos, pet_ids=together))
                progress.update(task, total=(progress.tasks[task].total or 0) + len(in_hand))
                for one in spread(in_hand):
                    tally.add(one)
                    progress.advance(task)
                sweep(in_hand)
                in_hand = []
    finally:
        sweep(in_hand)


def _print(tally: _Tally, took_s: float) -> None:
    table = Table.grid(padding=(0, 2))
    for name, told in {
        "photos embedded": f"{tally.counts['embedded']}, in {took_s:.0f} s",
        "embedded before": str(tally.counts["kept"]),
        "not embedded": str(tally.counts["failed"]),
    }.items():
        table.add_row(name, told)
    out.print(table)
