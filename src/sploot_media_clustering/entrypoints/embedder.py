"""The embedding server: views of many workers through the networks of one process, in batches.

Bodies are raw pixels of one size: photos are decoded by the workers, so none of them can harm what all share.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
import numpy as np
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from jaxtyping import UInt8
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest
from starlette.routing import Route
from starlette.types import ASGIApp

from sploot_media_clustering import __version__
from sploot_media_clustering.adapters import embedder_wire as wire
from sploot_media_clustering.entrypoints.api import problems
from sploot_media_clustering.entrypoints.api.access import Caller, Gate, require_safe
from sploot_media_clustering.entrypoints.api.limits import RateLimit, bytes_of
from sploot_media_clustering.entrypoints.api.observing import PROBES, Observed, RequestMetrics
from sploot_media_clustering.entrypoints.api.problems import Problem, unavailable
from sploot_media_clustering.errors import ConflictError, DamagedDataError, TemporaryError
from sploot_media_clustering.services.batching import ViewBatcher
from sploot_media_clustering.services.ports import EmbeddedViews, Embedder
from sploot_media_clustering.settings import EmbedderSettings

STUCK_S: Final = 600.0
"""Networks that have been at one batch for so long will not end it; the process should be started again."""
_BODIES_BYTES: Final = 256 * 2**20
"""Of all requests that are read or wait; beyond it new ones are told to come back."""
_VIEWS: Final = (1, 2, 4, 8, 16, 32)
_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class MeasuredEmbedder:
    """Counts and times the batches of an :class:`~sploot_media_clustering.services.ports.Embedder`.

    Args:
        embedder: that is measured.
        registry: where the figures are found.
    """

    def __init__(self, embedder: Embedder, registry: CollectorRegistry) -> None:
        self._embedder = embedder
        self._began_s: float | None = None
        self._views = Histogram(
            "sploot_embedder_batch_views", "Views in a batch.", buckets=_VIEWS, registry=registry
        )
        self._seconds = Histogram(
            "sploot_embedder_batch_seconds",
            "One batch through the network.",
            buckets=_SECONDS,
            registry=registry,
        )
        model = Gauge("sploot_embedder_model", "1 for what runs.", ("networks",), registry=registry)
        model.labels(embedder.version).set(1)

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self._embedder.input_px

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._embedder.dimension

    @property
    def version(self) -> str:
        """Of the networks."""
        return self._embedder.version

    @property
    def stuck(self) -> bool:
        """Whether one batch takes longer than any may."""
        began_s = self._began_s
        return began_s is not None and time.monotonic() - began_s > STUCK_S

    def embed(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        """Embed n views."""
        self._views.observe(len(views))
        self._began_s = time.monotonic()
        try:
            with self._seconds.time():
                return self._embedder.embed(views)
        finally:
            self._began_s = None


@dataclass(slots=True)
class _Room:
    """For requests, of which each may be as large as any."""

    free: int

    @contextmanager
    def taken(self) -> Iterator[None]:
        if not self.free:
            raise unavailable("expected fewer requests at once; try again later")
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1


@dataclass(frozen=True, slots=True)
class EmbedderServer:
    """What is served.

    Attributes:
        app: answers requests.
        batcher: has to run meanwhile.
    """

    app: ASGIApp
    batcher: ViewBatcher


def create_server(embedder: Embedder, settings: EmbedderSettings, *, batch: int) -> EmbedderServer:
    """An embedding server.

    Args:
        embedder: does the work; used by one thread at a time.
        settings: of the installation.
        batch: views that go through the network together, at most.

    Raises:
        ConfigurationError: its tokens can be guessed, or are missing.
    """
    require_safe(settings)
    registry = CollectorRegistry()
    measured = MeasuredEmbedder(embedder, registry)
    batcher = ViewBatcher(measured, batch=batch, delay_s=settings.delay_s)
    app = FastAPI(title="sploot-media-clustering embedder", version=__version__, redoc_url=None)
    limit = RateLimit(settings.requests_per_s, settings.burst)
    routers = (_open_routes(measured), _metrics(registry), _embedding(measured, batcher))
    gates = (None, Gate((*settings.metrics_tokens, *settings.tokens)), Gate(settings.tokens))
    for router, gate in zip(routers, gates, strict=True):
        app.include_router(router, dependencies=[Depends(Caller(gate, limit))] if gate else [])
    problems.install(
        app, [route for router in routers for route in router.routes if isinstance(route, Route)]
    )
    observed = Observed(app, RequestMetrics(registry), PROBES | {wire.VIEWS_PATH})
    return EmbedderServer(observed, batcher)


def _embedding(embedder: Embedder, batcher: ViewBatcher) -> APIRouter:
    router = APIRouter()
    body_bytes = wire.VIEWS_MOST * wire.view_bytes(embedder.input_px)
    room = _Room(max(1, _BODIES_BYTES // body_bytes))

    @router.get(wire.NETWORKS_PATH, summary="Which networks embed here")
    async def networks() -> Response:
        found = wire.Networks(embedder.version, embedder.input_px, embedder.dimension)
        return Response(msgspec.json.encode(found), media_type="application/json")

    @router.post(wire.VIEWS_PATH, summary="Views to embeddings", response_class=Response)
    async def embed(
        request: Request, networks: Annotated[str, Header(alias=wire.NETWORKS_HEADER)]
    ) -> Response:
        if networks != embedder.version:
            raise ConflictError(
                f"expected views for the networks {embedder.version}, got some for {networks}"
            )
        with room.taken():
            remedy = f"send at most {wire.VIEWS_MOST} views at once"
            views = _views(await bytes_of(request, body_bytes, remedy), embedder.input_px)
            seen = await _unless_gone(request, batcher, views)
        return Response(wire.pack_seen(embedder.version, seen), media_type=wire.SEEN_TYPE)

    return router


def _views(body: bytes, input_px: int) -> UInt8[np.ndarray, "n s s 3"]:
    try:
        return wire.unpack_views(body, input_px)
    except DamagedDataError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), kind="invalid") from None


async def _unless_gone(
    request: Request, batcher: ViewBatcher, views: UInt8[np.ndarray, "n s s 3"]
) -> EmbeddedViews:
    """What is seen in views; nothing is computed any more for a caller who has gone.

    Raises:
        TemporaryError: he has, or the server ends.
    """
    gone = asyncio.ensure_future(request.receive())  # after the body, that he goes is all that can come
    embedded = asyncio.create_task(batcher.embed(views))
    try:
        await asyncio.wait([gone, embedded], return_when=asyncio.FIRST_COMPLETED)
        if embedded.done():
            return embedded.result()
        raise TemporaryError("the caller has gone")
    finally:
        gone.cancel()
        embedded.cancel()


def _metrics(registry: CollectorRegistry) -> APIRouter:
    router = APIRouter()

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _open_routes(embedder: MeasuredEmbedder) -> APIRouter:
    """Probes; the networks were tried before anything is served, so what is alive is ready."""
    router = APIRouter()

    @router.get("/readyz", summary="Ready")
    @router.get("/healthz", summary="Alive")
    async def healthz() -> Response:
        status = HTTPStatus.SERVICE_UNAVAILABLE if embedder.stuck else HTTPStatus.OK
        told = "stuck" if embedder.stuck else "ok"
        return Response(msgspec.json.encode({"status": told}), status, media_type="application/json")

    return router
