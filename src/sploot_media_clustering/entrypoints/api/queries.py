"""What follows the question mark: parameters that a route has, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.dependencies.models import Dependant

from sploot_media_clustering.entrypoints.api.problems import Mistake, Problem

_SHOWN: Final = 10
_SHOWN_CHARACTERS: Final = 100
"""Of parameters that came; of the name of one."""


async def require_known(request: Request) -> None:
    """Let in requests all of whose parameters are their route's: one that is misspelt would change nothing.

    Raises:
        Problem: 422, with those that are not.
    """
    if not request.scope["query_string"]:
        return
    known = frozenset(_names(request.scope["route"].dependant))
    expected = f"expected one of {', '.join(sorted(known))}" if known else "this path takes none"
    mistakes = [
        Mistake(place=f"query.{name[:_SHOWN_CHARACTERS]}", detail=f"there is no such parameter; {expected}")
        for name in request.query_params
        if name not in known
    ][:_SHOWN]
    if mistakes:
        detail = "; ".join(f"{mistake.place}: {mistake.detail}" for mistake in mistakes)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind="invalid", errors=mistakes)


def _names(dependant: Dependant) -> Iterator[str]:
    """Of a route's parameters, those of its dependencies among them."""
    yield from (field.alias for field in dependant.query_params)
    for part in dependant.dependencies:
        yield from _names(part)
