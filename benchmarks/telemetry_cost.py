"""What figures, logs and traces cost a worker: the same jobs with and without, in turns, on real networks.

``python benchmarks/telemetry_cost.py --rounds 20`` prints photos a second and processor time a photo of a
worker that tells nothing, of one with figures and logs, and of one that sends traces to a collector besides;
then the median of what each costs, round by round. Once with photos that go through the networks, and once
with photos whose embeddings are kept, where there is little else to do. Needs the extra ``tracing``.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.telemetry import Stage, Telemetry
from sploot_media_clustering.adapters.tracing import open_tracing
from sploot_media_clustering.bootstrap_service import open_connection
from sploot_media_clustering.bootstrap_worker import Tools, open_consumer, open_tools
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.entrypoints.logs import ForMachines
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.settings import Settings, UriSettings

HEIGHT_PX: Final = 1200
PHOTOS: Final = 24
JOBS: Final = 8
TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
POLL_S: Final = 0.001
COLLECTOR: Final = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *told): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


class Silence:
    """Metrics that note nothing."""

    def __getattr__(self, _name: str) -> Silence:
        return self

    def __call__(self, *_args: object, **_told: object) -> Silence:
        """Nothing."""
        return self


class Mute(Telemetry):
    """Tells nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.metrics = Silence()  # type: ignore[assignment]

    @contextmanager
    def stage(self, name: Stage, photos: Sequence[bytes] | None = None) -> Iterator[None]:  # noqa: ARG002
        """Do it."""
        yield


class Turns(Telemetry):
    """Whoever's turn it is, for the decoder, which is opened once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = Telemetry()

    @contextmanager
    def stage(self, name: Stage, photos: Sequence[bytes] | None = None) -> Iterator[None]:
        """As whoever's turn it is."""
        with self.now.stage(name, photos):
            yield


@dataclass
class Kept:
    """Embeddings by photo; none is found where it is blind."""

    blind: bool
    found: dict[str, PhotoEmbedding] = field(default_factory=dict)

    def load(self, _pet_id: str, image_id: str, _key: str) -> PhotoEmbedding | None:
        """What was kept."""
        return None if self.blind else self.found.get(image_id)

    def save(self, _pet_id: str, image_id: str, _key: str, embedding: PhotoEmbedding) -> None:
        """Keep it."""
        self.found[image_id] = embedding

    def erase(self, pet_id: str, image_ids: Collection[str] | None = None) -> None:
        """Keep it all the same."""


@contextmanager
def collector() -> Iterator[None]:
    """A process that takes spans, and is where they go."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True
    ) as process:
        port = process.stdout.readline().strip() if process.stdout else ""
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
        try:
            yield
        finally:
            process.terminate()


async def one_round(url: str, tools: Tools, folder: Path, name: str) -> tuple[float, float]:
    """Wall-clock and processor seconds for all photos, in jobs of several albums."""
    stop = asyncio.Event()
    logging.getLogger().setLevel(logging.WARNING if isinstance(tools.telemetry, Mute) else logging.INFO)
    async with open_connection(url) as connection, open_consumer(url, tools) as consumer:
        queue = RedisJobQueue(connection)
        running = asyncio.create_task(consumer.run(stop))
        began_s, worked_s = time.perf_counter(), time.process_time()
        for number in range(JOBS):
            photos = range(number, PHOTOS, JOBS)
            images = tuple(JobImage(image_id=f"{n}", uri=f"file://{folder}/{n}.jpg") for n in photos)
            pet_id = f"{name}-{number}"
            await queue.add(JobRequest(job_id=pet_id, pet_id=pet_id, images=images, traceparent=TRACEPARENT))
        while await connection.execute("XLEN", keys.JOBS):  # noqa: ASYNC110 - the store sets no event
            await asyncio.sleep(POLL_S)
        took = time.perf_counter() - began_s, time.process_time() - worked_s
        stop.set()
        await running
    return took


def measure(url: str, tools: Tools, turns: Turns, folder: Path, rounds: int) -> None:
    """All ways in turns, each first as often as the others; the first round warms up."""
    with open_tracing("benchmark") as tracing:
        ways = {"nothing": Mute(), "figures and logs": Telemetry(), "and traces": Telemetry(tracing)}
        took: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for number in range(rounds + 1):
            order = list(ways)[number % len(ways) :] + list(ways)[: number % len(ways)]
            for way in order:
                turns.now = ways[way]
                told = replace(tools, telemetry=ways[way])
                took[way].append(
                    asyncio.run(one_round(url, told, folder, f"{id(tools)}-{number}-{order.index(way)}"))
                )
    figures = {way: np.array(part[1:]) for way, part in took.items()}
    for way, part in figures.items():
        wall_s, worked_s = np.median(part, axis=0)
        cost = np.median(part / figures["nothing"], axis=0) - 1
        print(
            f"  {way:17} {PHOTOS / wall_s:6.1f} photos a second ({cost[0]:+.1%} time), "
            f"{worked_s / PHOTOS * 1000:6.2f} ms of processor a photo ({cost[1]:+.1%})"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    handler = logging.StreamHandler(Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - to the end
    handler.setFormatter(ForMachines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    turns = Turns()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cat = canary_picture(HEIGHT_PX)
        for number in range(PHOTOS):
            Image.fromarray(np.roll(cat, 16 * number, axis=1)).save(folder / f"{number}.jpg", quality=90)
        settings = Settings(model=None, cache=f"{place}/cache", threads=1)
        with (
            collector(),
            embedded_store(folder / "store") as store,
            open_tools(settings, UriSettings(file_root=folder), turns) as tools,
        ):
            for blind, what in (
                (True, "photos that go through the networks"),
                (False, "photos that are known"),
            ):
                print(what, flush=True)
                measure(store.url, replace(tools, kept=Kept(blind)), turns, folder, rounds)


if __name__ == "__main__":
    main()
