"""Albums: their clusters, single photos in them, and their end."""

from __future__ import annotations

import asyncio
import hashlib
import time
from email.utils import format_datetime
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from sploot_media_clustering import __version__
from sploot_media_clustering.entrypoints.api.examples import CHANGED, CLUSTERS, MODELS, PLACE
from sploot_media_clustering.entrypoints.api.parts import JSON, PREFIX, ImageId, Parts, PetId, told
from sploot_media_clustering.entrypoints.api.schemas import Responses, answered, problem
from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.answer_pages import (
    MAX_PAGE_CLUSTERS,
    MAX_PAGE_MEMBERS,
    PAGE_CLUSTERS,
    PAGE_MEMBERS,
    Asked,
    ClusterPage,
    LevelAsked,
    MembersAsked,
    PhotoPlace,
    page,
    place_of,
)
from sploot_media_clustering.services.desk import (
    AnsweringModel,
    Change,
    Changed,
    DeletePet,
    Invalidate,
    RemoveImage,
)
from sploot_media_clustering.services.job_request import NAME_PATTERN

router: Final = APIRouter(prefix=PREFIX, tags=["pets"])

MAX_WAIT_MS: Final = 5000
_LOOK_AGAIN_S: Final = 0.02
"""While waiting for a job: a fiftieth of the second that a photo may take."""

NO_ALBUM: Final = problem("No such album.")
_LEFT: Final[Responses] = {
    202: answered(
        Changed,
        "Stored; a worker does it, or the rest of it.",
        CHANGED | {"status": "queued", "version": None},
    ),
}
"""A deletion is never told that there is nothing to delete: it holds for jobs on their way as well."""
CHANGE_ANSWERS: Final[Responses] = {200: answered(Changed, "Done.", CHANGED), **_LEFT, 404: NO_ALBUM}


class ModelsOfAlbum(msgspec.Struct, frozen=True, kw_only=True):
    """Which models answered for an album.

    Attributes:
        pet_id: the album.
        models: the oldest first.
    """

    pet_id: str
    models: tuple[AnsweringModel, ...]


async def _asked(
    level: Annotated[LevelAsked, Query(description="Which clusters.")] = "look",
    members: Annotated[MembersAsked, Query(description="How much of their members.")] = "full",
    limit: Annotated[
        int, Query(ge=1, le=MAX_PAGE_CLUSTERS, description="Clusters on a page.")
    ] = PAGE_CLUSTERS,
    member_limit: Annotated[
        int, Query(ge=1, le=MAX_PAGE_MEMBERS, description="Members of a cluster, the best ones.")
    ] = PAGE_MEMBERS,
    cursor: Annotated[
        str | None, Query(pattern=r"^\d{1,20}-\d{1,10}$", description="`next_cursor` of the page before.")
    ] = None,
) -> Asked:
    return Asked(level=level, members=members, limit=limit, member_limit=member_limit, cursor=cursor)


@router.get(
    "/pets/{pet_id}/clusters",
    summary="The clusters of an album, and their heroes",
    responses={
        200: answered(
            ClusterPage,
            "One page of clusters.",
            CLUSTERS,
            ETag="Of the album's version and of what was asked.",
            Last_Modified="When the album last changed.",
            Link="The next page, where there is one.",
            X_Fresh="Whether the job of `after_job` is in it.",
        ),
        304: {"description": "Nothing has changed since the answer of this ETag."},
        404: NO_ALBUM,
        409: problem("The album has changed since the page before; start again."),
    },
)
async def clusters(
    request: Request,
    parts: Parts,
    pet_id: PetId,
    asked: Annotated[Asked, Depends(_asked)],
    after_job: Annotated[
        str | None,
        Query(
            pattern=NAME_PATTERN,
            description="A job that the answer should hold.",
        ),
    ] = None,
    wait_ms: Annotated[int, Query(ge=0, le=MAX_WAIT_MS, description="How long to wait for that job.")] = 0,
    if_none_match: Annotated[str | None, Header(description="ETag of the answer at hand.")] = None,
) -> Response:
    """Clusters best first, of one level or both. `version` and `updated_at` tell how fresh they are."""
    fresh = await _arrived(parts, after_job, wait_ms / 1000)
    answer = await answer_to(parts, pet_id)
    headers = {
        "ETag": _etag(answer, asked),
        "Last-Modified": format_datetime(answer.updated_at, usegmt=True),
        "Cache-Control": "private, no-cache",
        "X-Fresh": "true" if fresh else "false",
    }
    if if_none_match is not None and _matches(if_none_match, headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    found = page(answer, asked)
    if found.next_cursor is not None:
        following = request.url.include_query_params(cursor=found.next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Response(msgspec.json.encode(found), headers=headers, media_type=JSON)


@router.get(
    "/pets/{pet_id}/models",
    summary="Which models answered for an album, and when",
    responses={200: answered(ModelsOfAlbum, "The oldest first.", MODELS), 404: NO_ALBUM},
)
async def models(parts: Parts, pet_id: PetId) -> Response:
    """`until` is null for the one that answers now; none are left of an album that was deleted."""
    return told(ModelsOfAlbum(pet_id=pet_id, models=await parts.albums.models(pet_id)))


@router.get(
    "/pets/{pet_id}/images/{image_id:path}",
    summary="One photo's place",
    responses={200: answered(PhotoPlace, "Its place.", PLACE), 404: problem("No such album or photo.")},
)
async def image(parts: Parts, pet_id: PetId, image_id: ImageId) -> Response:
    """What is known of a photo, the clusters it is in, and why it is in none."""
    place = place_of(await answer_to(parts, pet_id), image_id)
    if place is None:
        raise UnknownError("the album has no such photo")
    return told(place)


@router.post(
    "/pets/{pet_id}/invalidate", summary="Work an album's answer out again", responses=CHANGE_ANSWERS
)
async def invalidate(parts: Parts, pet_id: PetId) -> Response:
    """Settle the album and make its answer again, although nothing has changed."""
    return await change(parts, pet_id, Invalidate())


@router.delete(
    "/pets/{pet_id}/images/{image_id:path}",
    summary="Delete a photo",
    responses={**_LEFT, 404: problem("No photo can be called so.")},
)
async def remove(parts: Parts, pet_id: PetId, image_id: ImageId) -> Response:
    """The photo goes at once, its traces with a worker; jobs handed in before don't bring it back."""
    return await change(parts, pet_id, RemoveImage(image_id=image_id))


@router.delete("/pets/{pet_id}", summary="Delete an album", responses=_LEFT)
async def delete(parts: Parts, pet_id: PetId) -> Response:
    """The album goes at once, its traces with a worker; jobs handed in before don't bring it back."""
    return await change(parts, pet_id, DeletePet())


async def change(parts: Parts, pet_id: str, wanted: Change) -> Response:
    """Ask for a change, and tell how far it is."""
    changed = await parts.albums.change(pet_id, wanted)
    return told(changed, HTTPStatus.OK if changed.status == "done" else HTTPStatus.ACCEPTED)


async def answer_to(parts: Parts, pet_id: str) -> Answer:
    """An album's answer.

    Raises:
        UnknownError: there is no such album.
    """
    answer = await parts.albums.answer(pet_id)
    if answer is None:
        raise UnknownError("there is no such album")
    return answer


async def _arrived(parts: Parts, job_id: str | None, wait_s: float) -> bool:
    """Whether a job has come to its end, after waiting for it."""
    if job_id is None:
        return True
    until = time.monotonic() + wait_s
    while True:
        state = await parts.intake.state(job_id)
        if state is not None and state.status not in ("queued", "running"):
            return True
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(_LOOK_AGAIN_S)


def _etag(answer: Answer, asked: Asked) -> str:
    """Weak: an answer that is made again after it expired has another time of processing."""
    told = f"{__version__} {answer.pipeline} {answer.model_version} {asked}"
    return f'W/"{answer.version}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"'


def _matches(if_none_match: str, etag: str) -> bool:
    """By weak comparison (RFC 9110, section 13.1.2)."""
    listed = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in listed or etag.removeprefix("W/") in listed
