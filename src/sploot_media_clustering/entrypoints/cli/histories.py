"""Jobs of the past, album by album: from files of jobs, folders of photos, or the service's store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
from msgspec import structs

from sploot_media_clustering.adapters.albums import PhotoAlbum, find_albums_by_folder
from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.evaluation.backtest import History
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import JOB_FIELD, Position, parse
from sploot_media_clustering.settings import store_at_hand

JOBS: Final = ".jsonl"
_ANIMALS: Final = "animals"
"""Member of a job's metadata: photos to the animal on them."""


def of_places(places: Sequence[str], file_systems: FileSystems, photos_of_a_job: int) -> list[History]:
    """Histories of files of jobs, and of folders with a folder for each album.

    Args:
        places: as told.
        file_systems: which stores may be searched.
        photos_of_a_job: of folders, in the order of their names. Where they are in folders inside the
            album's, these are animals.

    Raises:
        InputError: a line is no job, or there are no photos.
    """
    files = [place for place in places if place.endswith(JOBS)]
    folders = [place for place in places if place not in files]
    found = [history for file in files for history in _of_file(Path(file))]
    albums = find_albums_by_folder(folders, file_systems) if folders else ()
    return found + [_of_album(album, photos_of_a_job) for album in albums]


def of_service(clustering: ClusteringService, most: int) -> list[History]:
    """Histories of the service's albums that changed last, of the photos that they hold.

    Raises:
        StoreUnavailableError: the store did not answer.
    """
    root, store = service(), store_at_hand()

    async def read(url: str) -> list[History]:
        async with root.open_watch(url, clustering) as watch:
            pets = await watch.versions.newest(most)
            stored = [(pet_id, (await watch.records.read(pet_id)).record) for pet_id in pets]
        return [_of_record(pet_id, album_record.unpack(record)) for pet_id, record in stored]

    with root.open_store(store) as url:
        return [history for history in asyncio.run(read(url)) if history.jobs]


def _of_file(path: Path) -> Iterator[History]:
    jobs: dict[str, list[JobRequest]] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"expected jobs in {path}, one a line, got: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                job = parse({JOB_FIELD: line}, f"{number}-0")
            except InputError as error:
                raise InputError(f"{path}, line {number}: {error}") from error
            if isinstance(job, JobRequest):
                jobs.setdefault(job.pet_id, []).append(job)
    for pet_id, told in jobs.items():
        yield History(pet_id, tuple(told), _told(told))


def _told(jobs: Iterable[JobRequest]) -> dict[str, str]:
    """Animals of photos, as the jobs' metadata has them."""
    found: dict[str, str] = {}
    for job in jobs:
        try:
            found |= msgspec.convert(job.metadata.get(_ANIMALS, {}), dict[str, str])
        except msgspec.ValidationError as error:
            raise InputError(f"metadata.{_ANIMALS} of job {job.job_id}: {error}") from error
    return found


def _of_album(album: PhotoAlbum, photos_of_a_job: int) -> History:
    """Photos of several folders come in turns, as they do in life."""
    folders = {photo.image_id: PurePosixPath(photo.image_id).parts for photo in album.photos}
    truth = {name: parts[0] for name, parts in folders.items() if len(parts) > 1}
    images = sorted(
        (JobImage(image_id=photo.image_id, uri=photo.uri) for photo in album.photos),
        key=lambda image: (folders[image.image_id][1:], image.image_id),
    )
    steps = range(0, len(images), photos_of_a_job)
    return History(
        album.name,
        tuple(
            JobRequest(
                job_id=f"job-{first}", pet_id="album", images=tuple(images[first : first + photos_of_a_job])
            )
            for first in steps
        ),
        truth,
    )


def _of_record(pet_id: str, record: AlbumRecord) -> History:
    """What an album holds, in jobs as it came."""
    jobs: dict[Position, list[JobImage]] = {}
    for name, source in record.sources.items():
        told = record.told.get(name)
        image = JobImage(image_id=name, uri=source.uri, captured_at=source.captured_at)
        if told is not None:
            image = structs.replace(image, label=told.label, quality=told.quality)
        jobs.setdefault(record.images[name], []).append(image)
    return History(
        pet_id,
        tuple(
            JobRequest(job_id=str(position), pet_id=pet_id, images=tuple(images))
            for position, images in sorted(jobs.items())
        ),
    )
