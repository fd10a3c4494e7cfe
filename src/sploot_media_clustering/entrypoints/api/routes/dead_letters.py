"""Messages that were given up: looked at, handed in again, thrown away."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final, TypeAlias

import msgspec
from fastapi import APIRouter, Path, Query, Response
from msgspec import structs

from sploot_media_clustering.entrypoints.api.examples import LETTER, LETTERS, SUBMITTED
from sploot_media_clustering.entrypoints.api.parts import PREFIX, Parts, told
from sploot_media_clustering.entrypoints.api.schemas import answered, problem
from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services.desk import DeadLetter, Submitted

router: Final = APIRouter(prefix=PREFIX, tags=["dead letters"])

_ENTRY: Final = r"^[0-9]{1,18}-[0-9]{1,18}$"
LetterId: TypeAlias = Annotated[str, Path(pattern=_ENTRY, examples=["1777622400000-0"])]
MAX_PAGE_LETTERS: Final = 200
_NO_LETTER: Final = problem("No such dead letter.")


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    """One page of dead letters.

    Attributes:
        dead_letters: the newest first, without their messages.
        next_cursor: of the next page; None on the last one.
    """

    dead_letters: tuple[DeadLetter, ...]
    next_cursor: str | None


@router.get(
    "/dead-letters",
    summary="Messages that were given up",
    responses={200: answered(DeadLetters, "One page of them.", LETTERS)},
)
async def letters(
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_LETTERS, description="Letters on a page.")] = 50,
    cursor: Annotated[
        str | None,
        Query(pattern=_ENTRY, description="`next_cursor` of the page before."),
    ] = None,
) -> Response:
    """The newest first."""
    found, following = await parts.dead_letters.page(limit, cursor)
    bare = tuple(structs.replace(letter, message=None) for letter in found)
    return told(DeadLetters(dead_letters=bare, next_cursor=following))


@router.get(
    "/dead-letters/{letter_id}",
    summary="One dead letter",
    responses={200: answered(DeadLetter, "The letter and its message.", LETTER), 404: _NO_LETTER},
)
async def letter(parts: Parts, letter_id: LetterId) -> Response:
    """With its message; URIs in it without user, password and query."""
    found = await parts.dead_letters.letter(letter_id)
    if found is None:
        raise UnknownError("there is no such dead letter")
    return told(found)


@router.post(
    "/dead-letters/{letter_id}/requeue",
    status_code=HTTPStatus.ACCEPTED,
    summary="Hand a dead letter's job in again",
    responses={202: answered(Submitted, "Stored.", SUBMITTED), 404: _NO_LETTER},
)
async def requeue(parts: Parts, letter_id: LetterId) -> Response:
    """It keeps the position it had, so that it overrules nothing that came later."""
    return told(await parts.dead_letters.requeue(letter_id), HTTPStatus.ACCEPTED)


@router.delete(
    "/dead-letters/{letter_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Throw a dead letter away",
    responses={204: {"description": "Gone."}, 404: _NO_LETTER},
)
async def drop(parts: Parts, letter_id: LetterId) -> Response:
    """What it said is lost."""
    await parts.dead_letters.drop(letter_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
