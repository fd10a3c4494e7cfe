"""The application served over HTTP until it is told to stop."""

from __future__ import annotations

from typing import Final

import uvicorn
from starlette.types import ASGIApp

from sploot_media_clustering.entrypoints.api.protocol import ProblemProtocol
from sploot_media_clustering.settings import ApiSettings

KEPT_OPEN_S: Final = 75
"""Longer than load balancers keep a connection, so that they close first and never send into a closed one."""
STOP_S: Final = 10
"""For requests that are under way when the process is told to stop."""
_HEAD_BYTES: Final = 32 * 1024
"""Of the lines before a body."""


async def serve(app: ASGIApp, settings: ApiSettings) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are finished first.

    Args:
        app: to serve.
        settings: of the installation.

    Raises:
        SystemExit: the port can't be listened on.
    """
    await uvicorn.Server(config(app, settings)).serve()


def config(app: ASGIApp, settings: ApiSettings) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEPT_OPEN_S,
        timeout_graceful_shutdown=STOP_S,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        http=ProblemProtocol,
    )
