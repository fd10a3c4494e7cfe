"""What is published of albums: one small entry a version, for whoever wants to know what changed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec


class AlbumResult(msgspec.Struct, frozen=True, kw_only=True):
    """An album has a new version.

    Attributes:
        pet_id: the album.
        version: that it has now; a reader skips what it holds already.
        previous_version: that it had before; a reader that does not hold it missed something.
        event: ``updated`` or ``deleted``.
        at: when.
        model_version: of the model package that this version is of; None for a deleted album.
        job_ids: of the jobs that are in it now and were not before.
        superseded: of these, those that came before the album's deletion and changed nothing.
        photos: in the album.
        failed_images: photos that could not be read.
        subjects: clusters that are animals, largest first, with the photo that stands for each.
        schema_version: of this shape.
    """

    pet_id: str
    version: int
    previous_version: int
    event: Literal["updated", "deleted"]
    at: datetime
    job_ids: tuple[str, ...]
    model_version: str | None = None
    superseded: tuple[str, ...] = ()
    photos: int = 0
    failed_images: tuple[str, ...] = ()
    subjects: tuple[SubjectSummary, ...] = ()
    schema_version: int = 1


class SubjectSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An animal, in short."""

    id: str
    label: str
    size: int
    hero_image_id: str | None
