"""``sploot-clustering inspect`` and ``rebuild``: one album of the service."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.entrypoints.cli.desk import at_the_desk, service
from sploot_media_clustering.entrypoints.cli.fetched import write_album
from sploot_media_clustering.entrypoints.cli.jobs import (
    leave_unless_well,
    print_failures,
    print_states,
    wait_for,
)
from sploot_media_clustering.entrypoints.cli.results import CLUSTERS, REPORT
from sploot_media_clustering.entrypoints.cli.table import print_answer
from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.desk import Desk, Invalidate, JobState
from sploot_media_clustering.services.job_ports import StoredAlbum
from sploot_media_clustering.settings import from_environment, store_at_hand

Pet = Annotated[str, typer.Argument(help="The album, e.g. milo-42.")]


def inspect(
    pet: Pet,
    out_folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write clusters.json and report.html there, too.")
    ] = None,
) -> None:
    """Show what the store holds of an album, and its clusters.

    With --out the folder is as `cluster` writes one, so `decide` and `export` go on from it; what is decided
    there stays there.

    Example:

        sploot-clustering inspect milo-42 --out milo
    """
    stored, answer = _read(pet, out_folder)
    _print_facts(stored, album_record.unpack(stored.record))
    if answer is not None:
        out.print()
        print_answer(answer, "all", "`review --photos FOLDER`")
    if out_folder is not None:
        out.print(
            f"\nclusters  {out_folder / CLUSTERS}\nreport    {out_folder / REPORT}",
            soft_wrap=True,
            markup=False,
        )


def rebuild(
    pet: Pet,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until it is done.")] = 0.0,
) -> None:
    """Have a worker make an album again from its photos' embeddings; ids, names and decisions stay.

    Embeddings that are gone are made again from the photos.

    Example:

        sploot-clustering rebuild milo-42 --wait 60
    """

    async def rebuilt(desk: Desk) -> list[JobState]:
        changed = await desk.albums.change(pet, Invalidate(rebuild=True))
        return await wait_for(desk, [changed.job_id], wait_s)

    states = at_the_desk(rebuilt)
    print_states(states, as_json=False)
    leave_unless_well(states, waited=wait_s > 0)


def _read(pet: str, folder: Path | None) -> tuple[StoredAlbum, Answer | None]:
    root, store = service(), store_at_hand()

    async def read(url: str) -> tuple[StoredAlbum, Answer | None]:
        async with root.open_desk(url, from_environment()) as desk, root.open_connection(url) as connection:
            stored: StoredAlbum = await root.open_pets(connection).read(pet)
            if stored.record is None:
                raise UnknownError(f"there is no album {pet}, and there never was")
            answer: Answer | None = await desk.albums.answer(pet)
        if folder is not None:
            await write_album(url, pet, folder)
        return stored, answer

    with root.open_store(store) as url:
        return asyncio.run(read(url))


def _print_facts(stored: StoredAlbum, record: AlbumRecord) -> None:
    changed = datetime.fromtimestamp(stored.version / 1000, UTC)
    places = Counter(source.uri.partition(":")[0] for source in record.sources.values())
    facts = {
        "version": f"{stored.version}, of {changed:%Y-%m-%d %H:%M:%S} UTC",
        "model": record.model_version or "none",
        "photos": str(len(record.images) - len(record.removed_ms)),
        "read from": ", ".join(f"{scheme}: {count}" for scheme, count in places.most_common()) or "nowhere",
        "removed": f"{len(record.removed_ms)} remembered",
        "not readable": str(len(record.failed)),
        "decisions": str(len(record.decisions)),
        "deleted": "no" if record.deleted is None else f"what came before {record.deleted}",
        "size": f"{len(stored.record or b''):,} bytes",
    }
    table = Table.grid(padding=(0, 2))
    for name, told in facts.items():
        table.add_row(name, escape(told))
    out.print(table)
    print_failures(failed.image for _, failed in sorted(record.failed.items()))
