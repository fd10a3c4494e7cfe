"""What is told of a worker's work: figures always, and spans where traces are collected."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

from prometheus_client import CollectorRegistry

from sploot_media_clustering.adapters.worker_metrics import StoreGauges, WorkerMetrics
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.processing import Work

Stage: TypeAlias = Literal[
    "fetch",
    "recall",
    "decode",
    "embed",
    "keep",
    "read",
    "cluster",
    "heroes",
    "commit",
    "publish",
    "acknowledge",
]
"""What a job goes through."""


@runtime_checkable
class Spans(Protocol):
    """Stages of jobs as spans of their traces; real ones are in ``adapters/tracing.py``."""

    def jobs(self, works: Sequence[Work]) -> AbstractContextManager[None]:
        """Jobs of one album that are worked on together; each continues its publisher's trace."""
        ...

    def job(self, job_id: str) -> AbstractContextManager[None]:
        """What is done for one of them alone."""
        ...

    def hold(self, photo: bytes) -> AbstractContextManager[None]:
        """While a photo's bytes are in hands that know nothing of jobs, they belong to the current one."""
        ...

    def stage(self, name: Stage) -> AbstractContextManager[None]:
        """A stage of the current job; none where there is no job."""
        ...

    def photos(self, name: Stage, photos: Sequence[bytes]) -> AbstractContextManager[None]:
        """A stage that photos of several jobs go through together: a span for each that is held."""
        ...

    def publish(self, job: JobRequest, traceparent: str | None) -> str | None:
        """A job is handed in: what it is to carry of its trace.

        Args:
            job: with an id.
            traceparent: of the caller's trace.
        """
        ...


class NoSpans:
    """Implements :class:`Spans` where nobody collects them."""

    def jobs(self, works: Sequence[Work]) -> AbstractContextManager[None]:  # noqa: ARG002 - of the protocol
        """No span."""
        return _NOTHING

    def job(self, job_id: str) -> AbstractContextManager[None]:  # noqa: ARG002 - see above
        """No span."""
        return _NOTHING

    def hold(self, photo: bytes) -> AbstractContextManager[None]:  # noqa: ARG002 - see above
        """No span."""
        return _NOTHING

    def stage(self, name: Stage) -> AbstractContextManager[None]:  # noqa: ARG002 - see above
        """No span."""
        return _NOTHING

    def photos(self, name: Stage, photos: Sequence[bytes]) -> AbstractContextManager[None]:  # noqa: ARG002
        """No span."""
        return _NOTHING

    def publish(self, job: JobRequest, traceparent: str | None) -> str | None:  # noqa: ARG002 - see above
        """The caller's trace, as it came."""
        return traceparent


_NOTHING: Final = nullcontext()


class Telemetry:
    """Figures and spans of one worker.

    Args:
        spans: of its stages.

    Attributes:
        registry: where figures are found.
        metrics: of the worker.
        gauges: of the store.
        spans: of its stages.
    """

    def __init__(self, spans: Spans | None = None) -> None:
        self.registry = CollectorRegistry()
        self.metrics = WorkerMetrics(self.registry)
        self.gauges = StoreGauges(self.registry)
        self.spans: Spans = spans or NoSpans()

    @contextmanager
    def stage(self, name: Stage, photos: Sequence[bytes] | None = None) -> Iterator[None]:
        """Time a stage, and have a span of it, whether it succeeds or not.

        Args:
            name: of the stage.
            photos: that go through it together, where it knows nothing of jobs.
        """
        span = self.spans.stage(name) if photos is None else self.spans.photos(name, photos)
        started_s = time.perf_counter()
        try:
            with span:
                yield
        finally:
            if name in self.metrics.seconds:
                self.metrics.seconds[name].observe(time.perf_counter() - started_s)
