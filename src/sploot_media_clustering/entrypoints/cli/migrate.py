"""``sploot-clustering model migrate``: all albums of the service brought to the model in charge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Final, TypeVar

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.entrypoints.cli.console import err, out, progress_bar
from sploot_media_clustering.entrypoints.cli.desk import overseen, service
from sploot_media_clustering.entrypoints.cli.model_charge import app
from sploot_media_clustering.services.migrating import Migration, Moved, brought
from sploot_media_clustering.settings import store_at_hand

_ALBUMS_TO_JUDGE: Final = 20
"""Before as many are done, a share says little."""
_SHOWN: Final = 10

T = TypeVar("T")
__all__ = ["app"]


class _Tally:
    """What a change of model did to all albums so far."""

    def __init__(self, most_moved: float) -> None:
        self.most_moved = most_moved
        self.albums: list[Moved] = []
        self.failed: list[Moved] = []

    def add(self, one: Moved | None) -> None:
        if one is not None:
            (self.failed if one.error else self.albums).append(one)

    def total(self, count: Callable[[Moved], int]) -> int:
        return sum(map(count, self.albums))

    @property
    def moved_share(self) -> float:
        return self.total(lambda one: one.moved) / max(self.total(lambda one: one.photos), 1)

    def is_too_much(self) -> bool:
        return self.moved_share > self.most_moved


@app.command()
def migrate(
    share: Annotated[
        float,
        typer.Option("--share", min=0, max=1, help="Of the albums; a larger one later holds the smaller."),
    ] = 1.0,
    most_moved: Annotated[
        float, typer.Option("--most-moved", min=0, max=1, help="Stop where more of the photos change animal.")
    ] = 0.05,
    let_go: Annotated[
        bool,
        typer.Option("--let-go", help="Instead: forget what the model before left, which ends the way back."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one album a line.")] = False,
) -> None:
    """Bring albums to the model in charge now, not each with its next job, and tell what changed.

    Workers of that model have to run. Started again, it goes on where it was. It ends with 1 where more
    photos changed their animal than --most-moved allows, and hands no more albums in once that is plain.
    `model rollback` and another `model migrate` take albums back to exactly what they were, with what came
    since, until --let-go.

    Examples:

        sploot-clustering model migrate --share 0.1

        sploot-clustering model migrate
    """
    if not overseen(lambda overseer: overseer.overview()).workers:
        err.print("[yellow]No worker runs[/]: albums wait until one of the model in charge is started.")
    if let_go:
        count = _with_migration(_let_go)
        err.print(f"{count} albums let go of what the model before left")
        return
    tally = _Tally(most_moved)
    _with_migration(lambda migration: _bring(migration, share, tally))
    if as_json:
        for one in (*tally.albums, *tally.failed):
            typer.echo(msgspec.json.encode(one).decode())
    else:
        _print(tally)
    if tally.is_too_much():
        err.print(
            f"[red]{tally.moved_share:.1%} of the photos changed their animal[/], "
            f"at most {most_moved:.1%} may; look at some albums (`inspect`), then go on with a larger "
            "--most-moved, or take the model back with `model rollback`"
        )
    if tally.failed or tally.is_too_much():
        raise typer.Exit(1)


async def _bring(migration: Migration, share: float, tally: _Tally) -> None:
    if migration.back:
        tally.most_moved = 1.0  # what moved before moves back
    pets = await migration.albums(share)
    err.print(f"{len(pets)} albums to model {escape(migration.term.model_version)} ...", soft_wrap=True)
    with progress_bar() as progress:
        task = progress.add_task("Albums", total=len(pets))
        async with aclosing(brought(migration, pets)) as found:
            async for one in found:
                progress.advance(task)
                tally.add(one)
                if len(tally.albums) >= _ALBUMS_TO_JUDGE and tally.is_too_much():
                    return


async def _let_go(migration: Migration) -> int:
    pets = await migration.albums()
    with progress_bar() as progress:
        task = progress.add_task("Letting go", total=len(pets))
        count = 0
        for pet in pets:
            count += await migration.let_go(pet)
            progress.advance(task)
    return count


def _print(tally: _Tally) -> None:
    albums = len(tally.albums)
    photos, moved = tally.total(lambda one: one.photos), tally.total(lambda one: one.moved)
    same, kept = tally.total(lambda one: one.same), tally.total(lambda one: one.same_kept)
    facts = {
        "albums": f"{albums}, {sum(bool(one.moved) for one in tally.albums)} of them changed",
        "photos": f"{photos}, {moved} of them with other animals ({tally.moved_share:.1%})",
        "animals with the same photos": f"{same}, {kept} of them under the same id",
        "animals found, gone": (
            f"{tally.total(lambda one: len(one.founded))}, {tally.total(lambda one: len(one.gone))}"
        ),
        "names lost": str(tally.total(lambda one: len(one.lost_names))),
        "decisions lost": str(tally.total(lambda one: one.lost_decisions)),
        "not brought over": str(len(tally.failed)),
    }
    table = Table.grid(padding=(0, 2))
    for name, told in facts.items():
        table.add_row(name, told)
    out.print(table)
    most = sorted(filter(lambda one: one.moved, tally.albums), key=lambda one: (-one.moved, one.pet_id))
    for one in most[:_SHOWN]:
        out.print(f"  {escape(one.pet_id)}: {one.moved} of {one.photos} photos", soft_wrap=True)
    for one in tally.failed:
        err.print(f"{escape(one.pet_id)}: {escape(one.error or '')}", soft_wrap=True)


def _with_migration(use: Callable[[Migration], Awaitable[T]]) -> T:
    root = service()

    async def used(url: str) -> T:
        async with root.open_migration(url) as migration:
            return await use(migration)

    with root.open_store(store_at_hand()) as url:
        return asyncio.run(used(url))
