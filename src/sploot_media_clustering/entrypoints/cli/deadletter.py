"""``sploot-clustering deadletter``: messages that the service gave up."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.desk import at_the_desk
from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services.desk import DeadLetter, Desk

app = typer.Typer(help="Messages that the service gave up.", no_args_is_help=True)

Letters = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of dead letters.")]


@app.command("list")
def list_letters(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")] = 50,
) -> None:
    """List them, the newest first.

    Example:

        sploot-clustering deadletter list
    """

    async def listed(desk: Desk) -> tuple[DeadLetter, ...]:
        return (await desk.letters.page(limit, None))[0]

    table = Table("id", "at", "job", "album", "attempts", "reason", box=None, pad_edge=False)
    for letter in at_the_desk(listed):
        at, attempts = f"{letter.at:%Y-%m-%d %H:%M}", str(letter.attempts)
        names = (escape(letter.job_id or ""), escape(letter.pet_id or ""))
        table.add_row(letter.id, at, *names, attempts, escape(letter.reason))
    out.print(table)


@app.command()
def show(letter_id: Annotated[str, typer.Argument(metavar="ID", help="Of a dead letter.")]) -> None:
    """Show one with its message, URIs in it without secrets.

    Example:

        sploot-clustering deadletter show 1777622400000-0
    """
    letter = at_the_desk(lambda desk: desk.letters.letter(letter_id))
    if letter is None:
        raise UnknownError(f"there is no dead letter {letter_id}")
    shown = msgspec.json.format(msgspec.json.encode(letter), indent=2).decode()
    out.print(shown, soft_wrap=True, markup=False)


@app.command()
def requeue(ids: Letters) -> None:
    """Hand their jobs in again, each at the position it had.

    Example:

        sploot-clustering deadletter requeue 1777622400000-0
    """

    async def requeued(desk: Desk) -> None:
        for letter_id in ids:
            submitted = await desk.letters.requeue(letter_id)
            err.print(f"{letter_id}: job {submitted.job_id} is {submitted.status}", markup=False)

    at_the_desk(requeued)


@app.command()
def drop(ids: Letters) -> None:
    """Throw them away; what they said is lost.

    Example:

        sploot-clustering deadletter drop 1777622400000-0
    """

    async def dropped(desk: Desk) -> None:
        for letter_id in ids:
            await desk.letters.drop(letter_id)

    at_the_desk(dropped)
