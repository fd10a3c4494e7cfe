"""Spans of OpenTelemetry around the stages of jobs, joined to their publishers' traces. Needs ``tracing``.

Standard variables say where spans go and which are kept: ``OTEL_EXPORTER_OTLP_ENDPOINT``,
``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_TRACES_SAMPLER``, ``OTEL_SERVICE_NAME``. No span has the URI of a photo
(credentials may stand in it) or the message of an error (the URI may stand in it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.telemetry import Stage
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import name_of
from sploot_media_clustering.services.processing import Work

_TRACEPARENT: Final = "traceparent"
_MESSAGING: Final = {"messaging.system": "redis", "messaging.destination.name": keys.JOBS}
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_JOBS: ContextVar[Mapping[str, Context] | None] = ContextVar("jobs", default=None)
"""Of the jobs that are worked on together, by id."""


class Tracing:
    """Implements :class:`~sploot_media_clustering.adapters.telemetry.Spans`.

    Args:
        tracer: that makes spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._held: dict[int, Context] = {}

    @contextmanager
    def jobs(self, works: Sequence[Work]) -> Iterator[None]:
        """A span for each job; what they share is in the trace of one of them, and the others link to it."""
        begun = {work.job_id: self._begun(work) for work in works}
        spans = list(begun.values())
        contexts = {job_id: trace.set_span_in_context(span) for job_id, span in begun.items()}
        token = _JOBS.set(contexts)
        try:
            with _ended(spans), self._shared(spans):
                yield
        finally:
            _JOBS.reset(token)

    @contextmanager
    def job(self, job_id: str) -> Iterator[None]:
        """Spans that follow are of this job."""
        token = attach((_JOBS.get() or {}).get(job_id, get_current()))
        try:
            yield
        finally:
            detach(token)

    @contextmanager
    def hold(self, photo: bytes) -> Iterator[None]:
        """The bytes are known by their place in memory, which is theirs as long as they are held."""
        if _JOBS.get() is None:
            yield
            return
        self._held[id(photo)] = get_current()
        try:
            yield
        finally:
            self._held.pop(id(photo), None)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """A span below the current one."""
        if not trace.get_current_span().get_span_context().is_valid:
            yield
            return
        span = self._tracer.start_span(name)
        with _ended([span]), trace.use_span(span, record_exception=False, set_status_on_exception=False):
            yield

    @contextmanager
    def photos(self, name: Stage, photos: Sequence[bytes]) -> Iterator[None]:
        """A span for each photo that is held, with how many went through together."""
        contexts = [self._held[id(photo)] for photo in photos if id(photo) in self._held]
        together = {"sploot.photos": len(photos)}
        spans = [self._tracer.start_span(name, context=context, attributes=together) for context in contexts]
        with _ended(spans):
            yield

    def publish(self, job: JobRequest, traceparent: str | None) -> str | None:
        """A span of a job that is handed in, below the caller's; the job carries it on."""
        told = {
            **_MESSAGING,
            "messaging.operation.type": "send",
            "sploot.job_id": name_of(job),
            "sploot.pet_id": job.pet_id,
        }
        span = self._tracer.start_span(
            f"send {keys.JOBS}", _parent(traceparent), kind=SpanKind.PRODUCER, attributes=told
        )
        span.end()
        carried: dict[str, str] = {}
        _PROPAGATOR.inject(carried, trace.set_span_in_context(span))
        return carried.get(_TRACEPARENT)

    def _begun(self, work: Work) -> Span:
        told: dict[str, str | int] = {
            **_MESSAGING,
            "messaging.operation.type": "process",
            "messaging.message.id": work.entry.entry_id,
            "sploot.job_id": work.job_id,
            "sploot.pet_id": work.job.pet_id,
            "sploot.photos": len(work.job.images) if isinstance(work.job, JobRequest) else 0,
        }
        return self._tracer.start_span(
            f"process {keys.JOBS}",
            context=_parent(work.job.traceparent),
            kind=SpanKind.CONSUMER,
            attributes=told,
        )

    @contextmanager
    def _shared(self, jobs: Sequence[Span]) -> Iterator[None]:
        """What jobs do together, as a span below one that is recorded, where one is."""
        first = next((span for span in jobs if span.is_recording()), jobs[0])
        if len(jobs) == 1:
            with trace.use_span(first, record_exception=False, set_status_on_exception=False):
                yield
            return
        others = [span for span in jobs if span is not first]
        links = [Link(span.get_span_context()) for span in others]
        shared = self._tracer.start_span("together", trace.set_span_in_context(first), links=links)
        for span in others:
            span.add_link(shared.get_span_context())
        with _ended([shared]), trace.use_span(shared, record_exception=False, set_status_on_exception=False):
            yield


@contextmanager
def open_tracing(service: str, exporter: SpanExporter | None = None) -> Iterator[Tracing]:
    """Spans that are exported in the background, the last of them at the end.

    Args:
        service: name of this one, where ``OTEL_SERVICE_NAME`` says no other.
        exporter: takes spans; by default OTLP over HTTP.
    """
    resource = Resource.create({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    try:
        yield Tracing(provider.get_tracer(__name__))
    finally:
        provider.shutdown()


def _parent(traceparent: str | None) -> Context:
    """The publisher's context; of one that is none, a trace of our own begins."""
    return _PROPAGATOR.extract({} if traceparent is None else {_TRACEPARENT: traceparent}, Context())


@contextmanager
def _ended(spans: Sequence[Span]) -> Iterator[None]:
    """Spans end with what follows, and tell the kind of error that it ends with."""
    try:
        yield
    except BaseException as error:
        for span in spans:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        for span in spans:
            span.end()
