"""Traces of jobs, from their publishers to their acknowledgement, as a collector receives them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from embedded_server import server_url
from fake_worker import MANNER, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from otlp_receiver import receiver

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.canary_photo import canary_photo
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.telemetry import Telemetry
from sploot_media_clustering.adapters.tracing import open_tracing
from sploot_media_clustering.bootstrap_service import open_desk, open_spans
from sploot_media_clustering.bootstrap_worker import Tools, open_consumer, open_telemetry, open_tools
from sploot_media_clustering.entrypoints.api.app import create_app
from sploot_media_clustering.entrypoints.api.parts import ApiParts
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.jobs import Job
from sploot_media_clustering.settings import ApiSettings, Settings, UriSettings, traces_are_collected

pytestmark = pytest.mark.anyio

PATIENCE_S = 60.0
SEND, PROCESS = f"send {keys.JOBS}", f"process {keys.JOBS}"
STAGES = {"fetch", "recall", "decode", "embed", "keep", "read", "cluster", "commit", "publish", "acknowledge"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e47{:02d}"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def store() -> AsyncIterator[RedisConnection]:
    """One that is empty."""
    connection = connect(server_url())
    await connection.execute("FLUSHALL")
    yield connection
    await connection.close()


async def work_off(connection: RedisConnection, tools: Tools) -> None:
    """What waits, by a worker that then ends."""
    stop = asyncio.Event()
    async with open_consumer(server_url(), tools, MANNER) as consumer, asyncio.timeout(PATIENCE_S):
        running = asyncio.create_task(consumer.run(stop))
        while await connection.execute("XLEN", keys.JOBS):  # noqa: ASYNC110 - the store sets no event
            await asyncio.sleep(0.01)
        stop.set()
        await running


async def handed_in(photo: Path, publisher: TracerProvider) -> None:
    """By somebody with a trace of his own, over HTTP."""
    with open_spans("sploot-api", traces=traces_are_collected()) as spans:
        async with open_desk(server_url(), Settings(model=None, cache="")) as desk:
            parts = ApiParts(
                settings=ApiSettings(local=True),
                intake=desk.intake,
                albums=desk.albums,
                dead_letters=desk.letters,
                spans=spans,
            )
            transport = httpx.ASGITransport(create_app(parts))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
                with publisher.get_tracer("app").start_as_current_span("photo uploaded"):
                    headers: dict[str, str] = {}
                    inject(headers)
                    job = {
                        "job_id": "one",
                        "pet_id": "milo",
                        "images": [{"image_id": "a", "uri": photo.as_uri()}],
                    }
                    answer = await client.post("/internal/cluster-jobs", json=job, headers=headers)
                    assert answer.status_code == 202


async def test_a_collector_sees_the_whole_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One trace through three services: publisher, API, and every stage of the worker; and no URI."""
    photo = tmp_path / "secret-name.jpg"
    photo.write_bytes(canary_photo())
    settings = Settings(model=None, cache=str(tmp_path / "kept"), threads=1)
    with receiver() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        publisher = TracerProvider(resource=Resource.create({"service.name": "app"}))
        publisher.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
        async with store() as connection:
            await handed_in(photo, publisher)
            with (
                open_telemetry(traces=traces_are_collected()) as telemetry,
                open_tools(settings, UriSettings(file_root=tmp_path), telemetry) as tools,
            ):
                await work_off(connection, tools)
    above = ("photo uploaded", SEND, PROCESS)
    expected = {(*above, stage) for stage in STAGES} | {(*above, "cluster", "heroes")}
    expected |= {above[:end] for end in (1, 2, 3)}
    assert {collector.path(span) for span in collector.spans} == expected
    assert len({span.trace_id for span in collector.spans}) == 1
    by_name = {span.name: span for span in collector.spans}
    services = {
        "photo uploaded": "app",
        SEND: "sploot-api",
        PROCESS: "sploot-worker",
        "decode": "sploot-worker",
    }
    assert {name: by_name[name].service for name in services} == services
    assert {"sploot.job_id", "sploot.pet_id", "messaging.message.id"} <= by_name[PROCESS].told.keys()
    assert not any(span.status for span in collector.spans)
    assert not any(b"secret-name" in body for body in collector.raw)


async def spans_of(jobs: Sequence[Job]) -> tuple[ReadableSpan, ...]:
    """What a worker with drawn networks tells of some jobs."""
    told = InMemorySpanExporter()
    with open_tracing("worker", told) as tracing:
        tools = Tools(
            sketch_clustering(),
            SketchEmbedder(),
            SketchSource(),
            MemoryPetEmbeddings(),
            telemetry=Telemetry(tracing),
        )
        async with store() as connection:
            for job in jobs:
                await RedisJobQueue(connection).add(job)
            await work_off(connection, tools)
    return told.get_finished_spans()


async def test_what_jobs_share_is_found_from_each_of_them() -> None:
    """Their photos are in their own traces; the commit is in one, to which the others link."""
    jobs = [
        photos_job(f"job-{n}", "pet-1", {f"a{n}": f"milo {n}"}, traceparent=TRACEPARENT.format(n))
        for n in range(3)
    ]
    spans = await spans_of(jobs)
    process = {span.attributes["sploot.job_id"]: span for span in spans if span.name == PROCESS}
    process = dict(sorted(process.items()))
    traces = {job_id: f"{span.context.trace_id:032x}" for job_id, span in process.items()}
    assert traces == {f"job-{n}": TRACE.format(n) for n in range(3)}
    for name in ("fetch", "embed"):
        assert {f"{span.context.trace_id:032x}" for span in spans if span.name == name} == set(
            traces.values()
        )
    (together,) = [span for span in spans if span.name == "together"]
    (commit,) = [span for span in spans if span.name == "commit"]
    assert commit.parent.span_id == together.context.span_id
    linked = [span for span in process.values() if span.links]
    assert [link.context for span in linked for link in span.links] == [together.context] * 2
    assert [link.context for link in together.links] == [span.context for span in linked]


async def test_what_fails_is_told_without_its_message() -> None:
    """A message may say what nobody else may read; a traceparent that is none begins a trace."""
    spans = await spans_of([photos_job("job-1", "pet-1", {"a": "crash 1"}, traceparent="none")])
    failed = {span.name: span.status for span in spans if span.status.status_code == StatusCode.ERROR}
    assert {PROCESS, "embed"} <= failed.keys()
    assert failed["embed"].description == "ZeroDivisionError"
    assert not any(span.events for span in spans)
    assert all(span.parent is None for span in spans if span.name == PROCESS)


def test_without_a_collector_nothing_is_imported() -> None:
    """The extra costs nobody who does not use it."""
    program = """
import sys
from sploot_media_clustering.bootstrap_worker import open_telemetry
with open_telemetry(traces=False):
    print([name for name in sys.modules if name.startswith("opentelemetry.exporter")])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of traces that never come."""
    monkeypatch.setitem(sys.modules, "sploot_media_clustering.adapters.tracing", None)
    with pytest.raises(ConfigurationError, match=r"\[tracing\]"), open_spans("api", traces=True):
        pass
