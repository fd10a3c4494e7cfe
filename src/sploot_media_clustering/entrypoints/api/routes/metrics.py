"""Figures for Prometheus, behind a token of their own or one of the API's."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sploot_media_clustering.entrypoints.api.parts import Parts
from sploot_media_clustering.errors import SplootError

router: Final = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"description": "In the text format.", "content": {"text/plain": {}}}},
)
async def metrics(request: Request, parts: Parts) -> Response:
    """Requests by route and status, how long they took, and what is in the store."""
    if parts.overseer is not None:
        with suppress(SplootError):  # readyz tells of that; figures of requests are worth having
            request.app.state.gauges.show(await parts.overseer.overview())
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
