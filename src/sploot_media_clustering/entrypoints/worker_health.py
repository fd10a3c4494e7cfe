"""A worker's own port, for probes and Prometheus: is it alive, is it fit, what does it measure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Final

import msgspec
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sploot_media_clustering.bootstrap_worker import Worker
from sploot_media_clustering.errors import SplootError

CONNECTIONS: Final = 20
_JSON: Final = "application/json"


class Told(msgspec.Struct, frozen=True):
    """How the worker is.

    Attributes:
        status: ``ok`` or what it is not.
        reasons: why.
    """

    status: str = "ok"
    reasons: tuple[str, ...] = ()


def health_app(worker: Worker) -> ASGIApp:
    """The application behind the port.

    Args:
        worker: that is told about.
    """

    async def healthz(_request: Request) -> Response:
        return _told(
            "not alive", ("the networks have not answered for long",) if worker.fitness.stuck() else ()
        )

    async def readyz(_request: Request) -> Response:
        return _told("not ready", await worker.fitness.unfit())

    async def metrics(_request: Request) -> Response:
        with suppress(SplootError):  # readyz tells of the store; its own figures are worth having
            worker.gauges.show(await worker.overseer.overview())
        return Response(generate_latest(worker.registry), media_type=CONTENT_TYPE_LATEST)

    ways: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics,
    }
    return Starlette(routes=[Route(path, way) for path, way in ways.items()])


async def serve_health(worker: Worker, host: str, port: int) -> None:
    """Serve until cancelled.

    Raises:
        SystemExit: the port can't be listened on.
    """
    config = uvicorn.Config(
        health_app(worker),
        host=host,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        http="h11",
    )
    await _Server(config).serve()


class _Server(uvicorn.Server):
    """Leaves signals to the worker, which drains first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _told(otherwise: str, reasons: tuple[str, ...]) -> Response:
    told = Told(otherwise, reasons) if reasons else Told()
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    return Response(msgspec.json.encode(told), status, media_type=_JSON)
