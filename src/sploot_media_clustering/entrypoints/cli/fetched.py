"""An album of the service, written as ``cluster`` writes one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sploot_media_clustering.bootstrap import open_reviewing
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.cli.kept_states import KeptStates
from sploot_media_clustering.entrypoints.cli.results import Photos, Results
from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services import album_record, state_codec
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.settings import from_environment

TOP: Final = 3
"""Heroes of each cluster, as the service ranks them."""


async def write_album(url: str, pet: str, folder: Path) -> None:
    """Write an album's answer, its report, and what ``decide`` and ``export`` go on from.

    Args:
        url: of the store.
        pet: the album.
        folder: for the results.

    Raises:
        UnknownError: there is no such album.
        StoreUnavailableError: the store does not answer.
    """
    settings = from_environment()
    async with service().open_desk(url, settings) as desk, service().open_connection(url) as connection:
        answer = await desk.albums.answer(pet)
        stored = await service().open_pets(connection).read(pet)
    if answer is None:
        raise UnknownError(f"there is no album {pet}")
    await asyncio.to_thread(_write, answer, album_record.unpack(stored.record), folder)


def _write(answer: Answer, record: AlbumRecord, folder: Path) -> None:
    uris = {image_id: _place(source.uri) for image_id, source in record.sources.items()}
    reviewing = open_reviewing(from_environment())
    Results(folder).write({answer.pet_id: answer}, Photos(uris={answer.pet_id: uris}, top=TOP), reviewing)
    if record.state is not None:
        KeptStates(folder, reviewing.clustering).save(answer.pet_id, state_codec.unpack(record.state))


def _place(uri: str) -> str:
    """A path in place of a file's URI, in which what is not a letter is written in another way."""
    parts = urlsplit(uri)
    return url2pathname(parts.path) if parts.scheme == "file" else uri
