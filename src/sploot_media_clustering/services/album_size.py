"""How many photos an album may have: told before any of them is embedded in vain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sploot_media_clustering.errors import AlbumTooLargeError
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.desk import DeletePet, RemoveImage
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import Job, name_of

MOST_PHOTOS: Final = 200_000
"""Of an album. A worker of 4 GB settles as many; see docs/scaling.md."""

_LEAST_BYTES: Final = 32
"""That a photo takes in a record: the digest of its bytes can't be made smaller."""


def require_room(photos: int, most: int) -> None:
    """An album does not grow beyond what can be settled.

    Raises:
        AlbumTooLargeError: it would.
    """
    if photos > most:
        raise AlbumTooLargeError(
            f"expected an album of at most {most} photos, this one would have {photos}; make several albums "
            "of it, or set SPLOOT_ALBUM_PHOTOS_MOST where there is memory for more"
        )


def may_be_full(record_bytes: int, jobs: Sequence[Job], most: int) -> bool:
    """Whether an album has to be looked at before jobs are taken on; of others its size says that they fit.

    Args:
        record_bytes: of the album as it is stored.
        jobs: of that album.
        most: photos of an album.
    """
    new = sum(len(job.images) for job in jobs if isinstance(job, JobRequest))
    return new + record_bytes // _LEAST_BYTES > most


def without_room(record: AlbumRecord, jobs: Sequence[Job], most: int) -> dict[str, str]:
    """Jobs whose photos an album has no room for, by id, and why; it takes on the others.

    Args:
        record: of the album.
        jobs: in the order in which they are applied.
        most: photos of an album.
    """
    there = record.images.keys() - record.removed_ms.keys()
    refused: dict[str, str] = {}
    for job in jobs:
        if isinstance(job, JobRequest):
            after = there - set(job.remove_image_ids) | {image.image_id for image in job.images}
            try:
                require_room(len(after) if len(after) > len(there) else 0, most)
            except AlbumTooLargeError as error:
                refused[name_of(job)] = str(error)
            else:
                there = after
        elif isinstance(job.change, DeletePet):
            there = set()
        elif isinstance(job.change, RemoveImage):
            there = there - {job.change.image_id}
    return refused
