"""Everything that goes wrong, told as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route

from sploot_media_clustering.errors import (
    ConfigurationError,
    ConflictError,
    DamagedDataError,
    InputError,
    SplootError,
    StateError,
    TemporaryError,
    UnknownError,
)

_log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_DETAILS: Final = {
    HTTPStatus.NOT_FOUND: "there is nothing at this path; /docs lists all there are",
    HTTPStatus.METHOD_NOT_ALLOWED: "this path has other methods; Allow lists them",
}
RETRY_AFTER_S: Final = 1
"""After which a store that did not answer is worth another try."""


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request.

    Attributes:
        place: where it is: ``query``, ``path`` or ``body``, then the name.
        detail: what was expected.
    """

    place: str
    detail: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, as RFC 9457 has it.

    Attributes:
        type: ``about:blank``, where the status says it all, or ``urn:sploot:problem:`` and a name.
        title: of the kind of problem; the same each time.
        status: of HTTP.
        detail: what was expected, what came, what to do.
        errors: each mistake of a request.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    errors: tuple[Mistake, ...] = ()


class Problem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """Raised by a route; becomes the answer.

    Args:
        status: of HTTP.
        detail: for the caller.
        kind: a name that programs can tell it by.
        headers: of the answer.
        errors: each mistake of the request.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mistake] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})
        self.document = ProblemDocument(
            type=f"urn:sploot:problem:{kind}" if kind else "about:blank",
            title=status.phrase,
            status=status.value,
            detail=detail,
            errors=tuple(errors),
        )

    def response(self) -> Response:
        """The answer."""
        return Response(
            msgspec.json.encode(self.document), self.status.value, headers=self.headers, media_type=MEDIA_TYPE
        )


def unavailable(detail: str) -> Problem:
    """Something that may pass."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        detail,
        kind="unavailable",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def problem_of(error: Exception) -> Problem:  # noqa: PLR0911 - one line for each kind of error
    """The problem that an error is to a caller; a bug tells nothing of our insides, the server logs it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        detail = _DETAILS.get(status, status.description or status.phrase)
        return Problem(status, detail, headers=error.headers)
    if isinstance(error, TemporaryError):
        return unavailable(str(error))
    if isinstance(error, UnknownError):
        return Problem(HTTPStatus.NOT_FOUND, str(error), kind="unknown")
    if isinstance(error, ConflictError):
        return Problem(HTTPStatus.CONFLICT, str(error), kind="conflict")
    if isinstance(error, StateError | DamagedDataError):
        _log.error("what is stored can't be read: %s", error)
        return unavailable(
            "the album can't be read by this release; its operators find the reason in its log"
        )
    if isinstance(error, InputError):
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), kind="invalid")
    if isinstance(error, ConfigurationError):
        _log.error("misconfigured: %s", error)
        return unavailable("the service is not set up for this; its operators find the reason in its log")
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the service failed", kind="failed")


def _of_validation(error: RequestValidationError) -> Problem:
    """What was sent is not sent back: it may hold secrets."""
    mistakes = [
        Mistake(place=".".join(str(part) for part in found["loc"]), detail=str(found["msg"]))
        for found in error.errors()
    ]
    detail = "; ".join(f"{mistake.place}: {mistake.detail}" for mistake in mistakes)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind="invalid", errors=mistakes)


def install(app: FastAPI, routes: Sequence[Route]) -> None:
    """Every error of the application becomes a problem.

    Args:
        app: the application.
        routes: all of it has, for telling which methods a path allows.
    """
    app.state.routes = tuple(routes)
    for kind in (Problem, SplootError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        # The router tells the methods of the first route of this path only.
        routes: Sequence[Route] = request.app.state.routes
        matching = [route.methods or set() for route in routes if route.path_regex.match(request.url.path)]
        problem.headers["Allow"] = ", ".join(sorted(set().union(*matching)))
    return problem.response()
