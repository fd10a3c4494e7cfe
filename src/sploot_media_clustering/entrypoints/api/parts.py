"""What the routes need, and how they get at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec
from fastapi import Depends, Path, Request, Response

from sploot_media_clustering.adapters.telemetry import NoSpans, Spans
from sploot_media_clustering.entrypoints.api.limits import body_of
from sploot_media_clustering.entrypoints.api.pairing import Pairing
from sploot_media_clustering.entrypoints.api.problems import Mistake, Problem
from sploot_media_clustering.services.desk import Albums, DeadLetterBox, Intake
from sploot_media_clustering.services.gallery import Gallery
from sploot_media_clustering.services.job_request import MAX_IMAGE_ID_CHARACTERS, NAME_PATTERN
from sploot_media_clustering.services.json_body import read_json
from sploot_media_clustering.services.overseeing import Overseer
from sploot_media_clustering.settings import ApiSettings

PREFIX: Final = "/internal"
JSON: Final = "application/json"
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """What the API takes.

    Attributes:
        settings: of the installation.
        intake: jobs.
        albums: answers, decisions, deletions.
        dead_letters: messages that were given up.
        overseer: of the service, for its figures; None for those of requests alone.
        gallery: what the page of local mode shows; None for no page.
        spans: of jobs that are handed in.
        pairing: of browsers on other machines, in local mode; None for this machine alone.
    """

    settings: ApiSettings
    intake: Intake
    albums: Albums
    dead_letters: DeadLetterBox
    overseer: Overseer | None = None
    gallery: Gallery | None = None
    spans: Spans = field(default_factory=NoSpans)
    pairing: Pairing | None = None


# Dependencies are coroutines although they wait for nothing: others go through a thread, at a tenth of what a
# cached answer costs.
async def _parts(request: Request) -> ApiParts:
    return request.app.state.parts


async def _body(request: Request) -> bytes:
    return await body_of(request, (await _parts(request)).settings.max_body_bytes)


Parts: TypeAlias = Annotated[ApiParts, Depends(_parts)]
Body: TypeAlias = Annotated[bytes, Depends(_body)]
PetId: TypeAlias = Annotated[
    str,
    Path(
        pattern=NAME_PATTERN,
        description="The album, named as in the jobs.",
        examples=["milo-42"],
    ),
]
ImageId: TypeAlias = Annotated[
    str,
    Path(
        min_length=1,
        max_length=MAX_IMAGE_ID_CHARACTERS,
        description="The photo; slashes may stand in it as they are.",
        examples=["2026/IMG_1.jpg"],
    ),
]
Token: TypeAlias = Annotated[
    str,
    Path(pattern=NAME_PATTERN, examples=["0190c5a2-7d3e"]),
]
"""A name of ours: of a job, a decision or a dead letter."""


def read(body: bytes, kind: type[_Struct]) -> _Struct:
    """A body as a struct.

    Raises:
        Problem: 422, it is none.
    """
    try:
        return read_json(body, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        mistake = Mistake(place="body", detail=str(error))
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"body: {error}", kind="invalid", errors=[mistake]
        ) from None


def told(value: object, status: int = 200, **headers: str) -> Response:
    """An answer in JSON.

    Args:
        value: a struct or what else msgspec writes.
        status: of HTTP.
        headers: of the answer, underscores for hyphens.
    """
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(msgspec.json.encode(value), status, headers=named, media_type=JSON)
