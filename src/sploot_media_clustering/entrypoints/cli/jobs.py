"""``sploot-clustering submit`` and ``status``: photos handed to the service, and how far they are."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec import structs
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.adapters.albums import find_album
from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.desk import at_the_desk, overseen
from sploot_media_clustering.entrypoints.cli.oversee import print_overview
from sploot_media_clustering.errors import InputError, UnknownError
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.desk import Desk, JobState
from sploot_media_clustering.services.job_request import MAX_IMAGES, NAME_PATTERN, JobImage, JobRequest
from sploot_media_clustering.services.lanes import LaneName
from sploot_media_clustering.settings import from_environment

_LOOK_AGAIN_S: Final = 0.1
_WAITING: Final = frozenset({"queued", "running"})
_JSON: Final = typer.Option("--json", help="Print JSON, one job a line.")


class HandedIn(JobState, frozen=True, kw_only=True):
    """How far a job is that was handed in from here.

    Attributes:
        renamed: ids of photos that the album calls otherwise than they are called where they lie, by that.
    """

    renamed: dict[str, str]


def submit(
    pet: Annotated[str, typer.Argument(help="The album, e.g. milo-42.")],
    photos: Annotated[
        list[str], typer.Argument(help="Folders, files, quoted globs or URIs (s3://, gs://, https://).")
    ],
    job_id: Annotated[
        str | None, typer.Option("--job-id", help="Name of the job; repeating it does nothing twice.")
    ] = None,
    animals: Annotated[
        int | None, typer.Option("--animals", min=1, help="How many animals there are, if you know.")
    ] = None,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Nobody waits for these: photos that come live go first.")
    ] = False,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait until the album holds the photos.")
    ] = 0.0,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Hand photos to the service.

    Photos are called as their paths below the folder. One that the album has from there is read again; one
    from elsewhere with the name of another is called by more of its path, so that none is replaced.

    Workers read them later, from where SPLOOT_FILE_ROOT and SPLOOT_URI_HOSTS allow; see docs/api.md.

    Example:

        sploot-clustering submit milo ~/Pictures/Milo --wait 60
    """
    images, name = album_images(photos), job_id or f"cli-{uuid.uuid4().hex[:12]}"
    photo_jobs(pet, images, name, animals)  # refused before the store is asked for anything

    if not overseen(lambda overseer: overseer.overview()).workers:
        err.print("[yellow]No worker runs[/]: the photos wait until `sploot-clustering up` is started.")

    async def handed_in(desk: Desk) -> list[HandedIn]:
        named = await desk.names.told_apart(pet, images)
        renamed = {
            new.image_id: old.image_id
            for old, new in zip(images, named, strict=True)
            if new.image_id != old.image_id
        }
        print_renamed(renamed)
        handed = photo_jobs(pet, named, name, animals, lane="backfill" if backfill else "live")
        for job in handed:
            await desk.intake.submit(job)
        states = await wait_for(desk, [str(job.job_id) for job in handed], wait_s)
        return [handed_in_as(state, job, renamed) for state, job in zip(states, handed, strict=True)]

    states = at_the_desk(handed_in)
    print_states(states, as_json=as_json)
    leave_unless_well(states, photos=len(images), waited=wait_s > 0)


def status(
    job_ids: Annotated[
        list[str] | None, typer.Argument(metavar="JOB_ID...", help="Names of jobs; without any, the service.")
    ] = None,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until they end.")] = 0.0,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """How far jobs are; without names, how the service is: what waits, who works, whether it is paused.

    Examples:

        sploot-clustering status

        sploot-clustering status cli-0190c5a27d3e --wait 60
    """
    if job_ids:
        states = at_the_desk(lambda desk: wait_for(desk, job_ids, wait_s))
        print_states(states, as_json=as_json)
        leave_unless_well(states, waited=wait_s > 0)
    else:
        print_overview(overseen(lambda overseer: overseer.overview()), as_json=as_json)


def album_images(photos: Sequence[str]) -> list[JobImage]:
    """The photos of folders, files, globs or URIs, as jobs name them."""
    album = find_album(photos, FileSystems(timeout_s=from_environment().timeout_s))
    return [JobImage(image_id=photo.image_id, uri=_uri(photo.uri)) for photo in album.photos]


def _uri(place: str) -> str:
    return place if "://" in place else Path(place).resolve().as_uri()


def photo_jobs(
    pet: str,
    images: Sequence[JobImage],
    job_id: str,
    animals: int | None = None,
    *,
    lane: LaneName = "live",
    most: int = MAX_IMAGES,
) -> list[JobRequest]:
    """Jobs of some photos, checked as those that come over HTTP.

    Args:
        pet: the album.
        images: the photos.
        job_id: of the job; where it takes several, the start of their ids.
        animals: how many there are, where somebody said so.
        lane: in which they wait.
        most: photos of a job.

    Raises:
        InputError: the service would not take them.
    """
    _require_name(pet)
    _require_name(job_id)
    parts = [images[start : start + most] for start in range(0, len(images), most)]
    jobs = [
        JobRequest(
            pet_id=pet,
            job_id=job_id if len(parts) == 1 else f"{job_id}-{number}",
            images=tuple(part),
            expected_animals=animals,
            reason="submit",
            lane=lane,
        )
        for number, part in enumerate(parts, start=1)
    ]
    try:
        return [msgspec.convert(msgspec.to_builtins(job), JobRequest) for job in jobs]
    except msgspec.ValidationError as error:
        raise InputError(f"expected a job that the service takes: {error}") from error


def _require_name(told: str) -> None:
    if re.fullmatch(NAME_PATTERN, told) is None:
        raise InputError(
            f"expected a name of at most 128 letters, digits and ._:@=+- that begins with a letter or digit, "
            f"without spaces, such as my-cat; got {told!r}"
        )


def print_renamed(renamed: Mapping[str, str]) -> None:
    """Print which photos the album calls otherwise than their files are; those names by the album's."""
    if not renamed:
        return
    new, old = next(iter(renamed.items()))
    others = f", and {len(renamed) - 1} more have other names there" if len(renamed) > 1 else ""
    told = f"{old} is called {new} in the album{others}: a photo keeps its name, and replaces no other."
    err.print(told, markup=False, soft_wrap=True)


def handed_in_as(state: JobState, job: JobRequest, renamed: Mapping[str, str]) -> HandedIn:
    """How far a job is, and which of its photos go by other names than their files."""
    names = {renamed[image.image_id]: image.image_id for image in job.images if image.image_id in renamed}
    return HandedIn(**structs.asdict(state), renamed=names)


async def wait_for(desk: Desk, job_ids: Sequence[str], wait_s: float) -> list[JobState]:
    """How far jobs are, once all have ended or the time is over.

    Raises:
        UnknownError: there is no such job.
    """
    until = time.monotonic() + wait_s
    while True:
        found = [await desk.intake.state(job_id) for job_id in job_ids]
        states = [state for state in found if state is not None]
        if len(states) < len(found):
            missing = job_ids[found.index(None)]
            raise UnknownError(f"there is no job {missing}, or it was done long ago")
        if time.monotonic() >= until or not any(state.status in _WAITING for state in states):
            return states
        await asyncio.sleep(_LOOK_AGAIN_S)


def print_states(states: Sequence[JobState], *, as_json: bool) -> None:
    """Print how far jobs are, and what went wrong."""
    if as_json:
        for state in states:
            out.print(msgspec.json.encode(state).decode(), soft_wrap=True, markup=False)
        return
    table = Table("job", "album", "status", "version", "failed photos", box=None, pad_edge=False)
    for state in states:
        version = "" if state.version is None else str(state.version)
        failed = str(len(state.failed_images) or "")
        table.add_row(escape(state.job_id), escape(state.pet_id or ""), state.status, version, failed)
    out.print(table)
    for state in states:
        if state.error:
            err.print(f"{state.job_id}: {state.error}", markup=False)
    print_failures(photo for state in states for photo in state.failed_images)


def print_failures(photos: Iterable[FailedImage]) -> None:
    """Print each reason once, with the photos that it holds for."""
    reasons: dict[str, list[str]] = {}
    for photo in photos:
        reasons.setdefault(photo.message, []).append(photo.image_id)
    for message, names in reasons.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        err.print(f"{names[0]}{others}: {message}", markup=False, soft_wrap=True)


def leave_unless_well(states: Sequence[JobState], *, photos: int | None = None, waited: bool) -> None:
    """Leave with a documented code where jobs were given up, all photos failed, or the wait ran out.

    Args:
        states: how far jobs are.
        photos: of these jobs, where that is known.
        waited: somebody wanted to see their end.

    Raises:
        typer.Exit: with 1, 3 or 5.
    """
    if any(state.status == "dead" for state in states):
        raise typer.Exit(1)
    if photos and sum(len(state.failed_images) for state in states) == photos:
        raise typer.Exit(3)
    if waited and any(state.status in _WAITING for state in states):
        raise typer.Exit(5)
