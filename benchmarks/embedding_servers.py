"""Our embedding server beside LitServe's, from a photo's bytes to its vector, in one run on one machine.

    pip install -e '.[bench,demo,service]'
    setsid -w python benchmarks/embedding_servers.py [--rounds 7] [--photos 192] [--callers 16]

Both have the same ONNX file in the same session, the same decoder, batches of at most 8. LitServe's callers
send the JPEG, and it decodes; ours decode, as workers do, and send pixels. Servers take turns, stopped in
between (SIGSTOP). Under load, --callers threads ask again as soon as they are answered; a lone request is one
at a time. Then one photo in 50 is cut off in the middle. In a session of its own (setsid) all of it has one
share of a busy machine.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from batching_speed import interval, photos

from sploot_media_clustering.adapters.embedder_wire import Networks
from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.remote_embedder import Patience, RemoteEmbedder
from sploot_media_clustering.domain.album import WHOLE
from sploot_media_clustering.errors import UnreadablePhotoError

DELAY_S: Final = 0.002
"""Ours by default; LitServe is tried with it, and with its own default of none."""
LONE: Final = 20
ONE_IN: Final = 50
START_S: Final = 120
THREADS: Final = 1
_GROUP, _USER, _SYSTEM = 2, 11, 12
"""Places in /proc/PID/stat, after the name."""
Ask = Callable[[bytes], str]
"""A photo to what became of it: ``ok``, or whatever else."""


@dataclass(frozen=True)
class Server:
    """A server's processes, and how it is asked."""

    name: str
    process: subprocess.Popen[bytes]
    ask: Ask

    def used_s(self) -> float:
        """Processor time of all its processes, and of this one, which asks."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                told = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            if int(told[_GROUP]) == self.process.pid:
                ticks += int(told[_USER]) + int(told[_SYSTEM])
        return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()

    def signal(self, kind: signal.Signals) -> None:
        """To all its processes."""
        os.killpg(self.process.pid, kind)


def free_port() -> int:
    """Of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(port: int, path: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Processes of one group, once they listen and answer."""
    told = os.environ | {"SPLOOT_LOCAL": "1", "SPLOOT_THREADS": str(THREADS), "OMP_NUM_THREADS": "1"}
    told["SPLOOT_LOG"] = "json"
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, *command],
        env=told,
        process_group=0,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + START_S
        while not answers(port, path):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{command} did not start")
            time.sleep(0.2)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int, path: str) -> bool:
    """Whether requests can be sent there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


class LitCaller:
    """Sends photos to LitServe, a connection a thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._own = threading.local()

    def __call__(self, photo: bytes) -> str:
        """What becomes of a photo."""
        body = json.dumps({"photo": base64.b64encode(photo).decode()})
        try:
            response, told = self._sent(body)
        except OSError:  # it closes connections that were idle for 5 s
            self._own.connection.close()
            response, told = self._sent(body)
        if response.status != http.HTTPStatus.OK:
            return f"refused with {response.status}"
        np.frombuffer(base64.b64decode(json.loads(told)["embedding"]), np.float32)
        return "ok"

    def _sent(self, body: str) -> tuple[http.client.HTTPResponse, bytes]:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=START_S)
        self._own.connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        response = self._own.connection.getresponse()
        return response, response.read()


def ours(port: int, callers: int) -> Ask:
    """Decoded here, embedded there."""
    package = default_package()
    entry, decoder = package.manifest.embedder, PillowDecoder(ImageLimits())
    remote = RemoteEmbedder(
        f"http://127.0.0.1:{port}",
        networks=Networks(package.network_version, entry.input_px, entry.dimension),
        patience=Patience(connections=callers),
    )

    def ask(photo: bytes) -> str:
        try:
            view = decoder.decode(photo).view(WHOLE, entry.input_px, entry.input_px)
        except UnreadablePhotoError as error:
            return type(error).__name__
        remote.embed(view[None])
        return "ok"

    return ask


def loaded(ask: Ask, items: Sequence[bytes], callers: int) -> tuple[float, Counter[str]]:
    """Photos a second, and what became of them."""
    left, told, lock = iter(items), Counter[str](), threading.Lock()

    def caller() -> None:
        while True:
            with lock:
                item = next(left, None)
            if item is None:
                return
            found = ask(item)
            with lock:
                told[found] += 1

    threads = [threading.Thread(target=caller) for _ in range(callers)]
    began_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(items) / (time.perf_counter() - began_s), told


def lone_ms(ask: Ask, items: Sequence[bytes]) -> list[float]:
    """One caller."""
    told = []
    for item in items[:LONE]:
        began_s = time.perf_counter()
        ask(item)
        told.append((time.perf_counter() - began_s) * 1000)
    return told


def broken(items: Sequence[bytes]) -> list[bytes]:
    """The same photos, one in so many cut off."""
    return [
        item[: len(item) // 2] if place % ONE_IN == ONE_IN // 2 else item for place, item in enumerate(items)
    ]


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--photos", type=int, default=192)
    parser.add_argument("--callers", type=int, default=16)
    told = parser.parse_args()
    items = photos(told.photos)
    with ExitStack() as stack:
        measure(list(servers(stack, told.callers)), items, told.rounds, told.callers)


def servers(stack: ExitStack, callers: int) -> Iterator[Server]:
    """All of them, started and stopped until it is their turn."""
    port = free_port()
    program = "from sploot_media_clustering.entrypoints.cli import main; main()"
    command = ("-c", program, "serve-embedder", "--port", str(port))
    process = stack.enter_context(started(port, "/healthz", *command))
    yield stopped(Server("serve-embedder", process, ours(port, callers)))
    for delay_s in (0.0, DELAY_S):
        port = free_port()
        name = f"LitServe, {delay_s * 1000:g} ms"
        command = (str(Path(__file__).with_name("litserve_server.py")), str(port), str(delay_s))
        process = stack.enter_context(started(port, "/health", *command))
        yield stopped(Server(name, process, LitCaller(port)))


def stopped(server: Server) -> Server:
    """Until it is its turn."""
    server.signal(signal.SIGSTOP)
    return server


def measure(contenders: Sequence[Server], items: Sequence[bytes], rounds: int, callers: int) -> None:
    """A round to get warm, then those that count."""
    speed: dict[str, list[float]] = {server.name: [] for server in contenders}
    lone: dict[str, list[float]] = {server.name: [] for server in contenders}
    costs: dict[str, list[float]] = {server.name: [] for server in contenders}
    damaged: dict[str, tuple[list[float], Counter[str]]] = {
        server.name: ([], Counter()) for server in contenders
    }
    for turn in range(rounds + 1):
        for server in contenders:
            server.signal(signal.SIGCONT)
            if turn == 0:
                loaded(server.ask, items[: 4 * callers], callers)
            else:
                speed[server.name].append(loaded(server.ask, items, callers)[0])
                used_s = server.used_s()
                lone[server.name] += lone_ms(server.ask, items)
                costs[server.name].append((server.used_s() - used_s) * 1000 / LONE)
                rate, became = loaded(server.ask, broken(items), callers)
                damaged[server.name][0].append(rate)
                damaged[server.name][1].update(became)
            server.signal(signal.SIGSTOP)
    for server in contenders:
        name = server.name
        print(f"{name}: {rounds} rounds, medians (95 % intervals)")
        print(f"  under load      {interval(speed[name])} photos a second")
        low, high = np.percentile(lone[name], (5, 95))
        print(f"  a lone request  {interval(lone[name])} ms, p5 {low:.3g}, p95 {high:.3g}")
        print(f"    of processor time, the caller's too: {interval(costs[name])} ms")
        rates, became = damaged[name]
        print(f"  one in {ONE_IN} broken  {statistics.median(rates):.3g} photos a second; {dict(became)}")


if __name__ == "__main__":
    main()
