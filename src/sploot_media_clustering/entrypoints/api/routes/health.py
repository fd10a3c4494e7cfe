"""Is it alive, is it ready: without token, and without details."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Final

import msgspec
from fastapi import APIRouter, Response

from sploot_media_clustering.entrypoints.api.parts import Parts, told
from sploot_media_clustering.entrypoints.api.problems import unavailable
from sploot_media_clustering.entrypoints.api.schemas import answered, problem
from sploot_media_clustering.errors import SplootError

_log = logging.getLogger(__name__)

router: Final = APIRouter(tags=["health"])

STORE_TIMEOUT_S: Final = 2.0
"""Below the usual time-out of a probe, 3 s and more."""


class Health(msgspec.Struct, frozen=True):
    """That it is so.

    Attributes:
        status: ``ok``.
    """

    status: str = "ok"


@router.get("/healthz", summary="Alive", responses={200: answered(Health, "It answers.", {"status": "ok"})})
async def healthz() -> Response:
    """The process answers; nothing else is asked."""
    return told(Health())


@router.get(
    "/readyz",
    summary="Ready",
    responses={
        200: answered(Health, "The store answers.", {"status": "ok"}),
        503: problem("The store does not answer."),
    },
)
async def readyz(parts: Parts) -> Response:
    """Requests may be sent here: the store answers."""
    try:
        async with asyncio.timeout(STORE_TIMEOUT_S):
            await parts.albums.ready()
    except (SplootError, TimeoutError) as error:
        _log.warning("not ready: %s", str(error) or type(error).__name__)
        raise unavailable("the store does not answer") from None
    return told(Health(), HTTPStatus.OK)
