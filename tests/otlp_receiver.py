"""Takes spans over HTTP as a collector does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """A span, with the service that told it."""

    service: str
    name: str
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    told: dict[str, str]
    status: str


@dataclass
class Receiver:
    """What came, and where it is to be sent."""

    url: str
    spans: list[Received] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {part.key: part.value.string_value for part in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    told = {part.key: str(part.value) for part in span.attributes}
                    ids = (span.trace_id, span.span_id, span.parent_span_id)
                    self.spans.append(
                        Received(named["service.name"], span.name, *ids, told, span.status.message)
                    )

    def path(self, span: Received) -> tuple[str, ...]:
        """Names from the root of its trace to the span."""
        above = [other for other in self.spans if other.span_id == span.parent_id]
        return (*(self.path(above[0]) if above else ()), span.name)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A collector on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_told: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()
