"""Each request counted, timed and logged by its route; nothing that a caller sent stands in a log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sploot_media_clustering.services.telling import facts

_log = logging.getLogger(__name__)

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Around what a cached answer (5 ms) and a decision (tens of ms) may take."""
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_UNROUTED: Final = "(none)"
_FAILED: Final = 500


class RequestMetrics:
    """What is measured of requests.

    Args:
        registry: where it is found again.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route", "status")
        self.requests = Counter("sploot_api_requests", "Requests answered.", labels, registry=registry)
        self.seconds = Histogram(
            "sploot_api_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=registry,
        )


class Observed:
    """ASGI middleware around the application.

    Args:
        app: that answers.
        metrics: that are kept.
        routine: routes that are logged only where something is wrong.
        clock: seconds, rising.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: RequestMetrics,
        routine: Collection[str] = PROBES,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._routine = routine
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock()
        status = _FAILED

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._record(scope, status, self._clock() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _UNROUTED)
        method = scope["method"] if route != _UNROUTED else "ANY"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        told = facts(
            route=route,
            method=method,
            status=status,
            latency_ms=round(seconds * 1000, 2),
            pet_id=scope.get("path_params", {}).get("pet_id"),
        )
        is_routine = _is_routine(route, status, self._routine)
        _log.log(logging.DEBUG if is_routine else logging.INFO, "request", extra=told)


def _is_routine(route: str, status: int, routine: Collection[str]) -> bool:
    """Probes, and a page that asks every other second whether anything has changed."""
    asked = route.startswith("/page/") or route in routine
    return status < HTTPStatus.BAD_REQUEST and (asked or status == HTTPStatus.NOT_MODIFIED)
