"""The application: routes, who may use them, what is measured, and how it is documented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry
from starlette.routing import Route
from starlette.types import ASGIApp

from sploot_media_clustering import __version__
from sploot_media_clustering.adapters.worker_metrics import StoreGauges
from sploot_media_clustering.entrypoints.api import problems
from sploot_media_clustering.entrypoints.api.access import Caller, Gate, require_local, require_safe
from sploot_media_clustering.entrypoints.api.limits import RateLimit
from sploot_media_clustering.entrypoints.api.observing import Observed, RequestMetrics
from sploot_media_clustering.entrypoints.api.parts import ApiParts
from sploot_media_clustering.entrypoints.api.queries import require_known
from sploot_media_clustering.entrypoints.api.routes import (
    dead_letters,
    decisions,
    health,
    jobs,
    metrics,
    page,
    pets,
)
from sploot_media_clustering.entrypoints.api.schemas import ANY_PROBLEM, components
from sploot_media_clustering.services.answer_pages import ClusterPage, PhotoPlace
from sploot_media_clustering.services.desk import Changed, JobState, Submitted
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.labels import Labels
from sploot_media_clustering.services.review_queue import ReviewQueue

_NOUNS: Final = (jobs.router, decisions.router, pets.router, dead_letters.router)
_ROUTERS: Final = (*_NOUNS, health.router, metrics.router)
_STRUCTS: Final = (
    JobRequest,
    Submitted,
    JobState,
    ClusterPage,
    PhotoPlace,
    Changed,
    decisions.DecisionBody,
    decisions.Decisions,
    ReviewQueue,
    Labels,
    dead_letters.DeadLetters,
    health.Health,
)


def create_app(parts: ApiParts) -> ASGIApp:
    """The application, ready to be served.

    Raises:
        ConfigurationError: its tokens can be guessed, or are missing.
    """
    settings = parts.settings
    require_safe(settings, is_paired=parts.pairing is not None)
    app = FastAPI(
        title="sploot-media-clustering",
        version=__version__,
        summary="Which animal each pet photo shows, what kind of picture it is, and which to show.",
        redirect_slashes=False,
        redoc_url=None,
    )
    app.state.parts = parts
    app.state.registry = CollectorRegistry()
    if parts.overseer is not None:
        app.state.gauges = StoreGauges(app.state.registry)
    limit, door = RateLimit(settings.requests_per_s, settings.burst), parts.pairing or require_local
    for noun in _NOUNS:
        app.include_router(_behind(noun, Caller(Gate(settings.tokens), limit, door), require_known))
    app.include_router(health.router)
    metrics_gate = Gate((*settings.metrics_tokens, *settings.tokens))
    app.include_router(_behind(metrics.router, Caller(metrics_gate, limit, door)))
    routers: tuple[APIRouter, ...] = _ROUTERS
    if parts.gallery is not None and settings.local and not settings.tokens:
        app.include_router(page.router)
        routers = (*_ROUTERS, page.router)
    problems.install(
        app, [route for router in routers for route in router.routes if isinstance(route, Route)]
    )
    app.openapi = _documented(app)  # type: ignore[method-assign]
    return Observed(app, RequestMetrics(app.state.registry))


def _behind(noun: APIRouter, *checks: Callable[..., Any]) -> APIRouter:
    """The routes of a noun, for callers with a token and within their limit, and what else is checked."""
    router = APIRouter(dependencies=[Depends(check) for check in checks], responses=ANY_PROBLEM)
    router.include_router(noun)
    return router


def _documented(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The OpenAPI document, with the schemas that requests are really read with."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(components(_STRUCTS))
            app.openapi_schema = document
        return app.openapi_schema

    return openapi
