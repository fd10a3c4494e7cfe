"""``sploot-clustering up``: store, API and workers in one command."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from sploot_media_clustering.entrypoints.cli.console import err
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.supervisor import Command, supervise
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.settings import store_from_environment

PROGRAM: Final = (
    sys.executable,
    "-c",
    "from sploot_media_clustering.entrypoints.cli import main; main()",
)
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends everything: Ctrl-C, being told to, and a terminal that was closed."""
_NAME_CHARACTERS: Final = 9
_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue")


def up(
    workers: Annotated[int, typer.Option("--workers", min=1, help="Worker processes.")] = 1,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", exists=True, file_okay=False, help="Folder that photos may be read from."),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the API.")] = 8080,
) -> None:
    """Run the store, the API and workers, until Ctrl-C.

    Without REDIS_URL the store is one of our own, and without SPLOOT_API_TOKENS the API listens to this
    machine alone.

    Example:

        sploot-clustering up --photos ~/Pictures
    """
    environment = {"PYTHONUNBUFFERED": "1"}
    if not os.environ.get("SPLOOT_API_TOKENS"):
        environment["SPLOOT_LOCAL"] = "1"
    if photos is not None:
        environment["SPLOOT_FILE_ROOT"] = str(photos.resolve())
    _require_free(port)
    store = store_from_environment({**os.environ, **environment})
    commands = service_commands(workers, port)
    root = service()
    with root.open_store(store) as url:
        asyncio.run(root.require_store(url, store.partitions))
        where = store.folder if store.url != url else root.place(url)
        err.print(f"store     | {where}", markup=False, soft_wrap=True)
        err.print("jobs      | sploot-clustering submit PET PHOTOS --wait 60", markup=False)
        asyncio.run(_up(commands, {**environment, "REDIS_URL": url}))


def _require_free(port: int) -> None:
    """Told before anything is started, and not by an API that starts again and again."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: one that ended is no obstacle
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"expected port {port} to be free: {error.strerror}; name another with --port"
            ) from error


def service_commands(workers: int, port: int) -> list[Command]:
    """What runs beside the store.

    Args:
        workers: how many.
        port: of the API.
    """
    api = Command("api", (*PROGRAM, "serve", "--port", str(port)))
    return [api, *(Command(f"worker-{number}", (*PROGRAM, "worker")) for number in range(1, workers + 1))]


async def _up(commands: list[Command], environment: dict[str, str]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for kind in ENDING:
        loop.add_signal_handler(kind, stop.set)
    colours = {command.name: _COLOURS[i % len(_COLOURS)] for i, command in enumerate(commands)}

    def tell(name: str, line: str) -> None:
        err.print(f"[{colours[name]}]{name:{_NAME_CHARACTERS}}[/] | ", end="")
        err.print(line, markup=False, soft_wrap=True)

    await supervise(commands, environment, tell, stop)
