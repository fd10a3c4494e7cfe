"""``sploot-clustering backup`` and ``restore``: the embedded store as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering.entrypoints.cli.console import err
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.settings import EMBEDDED, store_at_hand

File = Annotated[Path, typer.Argument(help="The backup.")]


def backup(file: File) -> None:
    """Write the store that `up` runs into a file, while it runs.

    The file holds jobs, albums, answers and dead letters of one moment; photos and embeddings are elsewhere.

    Example:

        sploot-clustering backup milo-2026-11-25.rdb
    """
    size_bytes = service().back_up(_folder(), file)
    err.print(f"{file}: {size_bytes:,} bytes", markup=False, soft_wrap=True)


def restore(file: File) -> None:
    """Make a store from a backup, in the folder SPLOOT_STORE, which has to be empty.

    What was deleted after the backup was taken is there again: delete it once more.

    Example:

        SPLOOT_STORE=restored sploot-clustering restore milo-2026-11-25.rdb
    """
    folder = _folder()
    keys = service().restore(file, folder)
    err.print(f"{folder}: {keys:,} keys", markup=False, soft_wrap=True)


def _folder() -> Path:
    store = store_at_hand()
    if store.url != EMBEDDED:
        raise ConfigurationError(
            "expected the store that `up` runs, REDIS_URL names another server; "
            "back that up by its own means, or unset REDIS_URL"
        )
    return store.folder
