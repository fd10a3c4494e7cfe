"""Figures for Prometheus, behind a token of their own or one of the API's."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

router: Final = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"description": "In the text format.", "content": {"text/plain": {}}}},
)
async def metrics(request: Request) -> Response:
    """Requests by route and status, and how long they took."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
