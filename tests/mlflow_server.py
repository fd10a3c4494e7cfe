"""A server of MLflow on loopback, with SQLite behind it and artifacts in a folder."""

from __future__ import annotations

import http.client
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers import free_port

PATIENCE_S = 100
NEEDS = ("mlflow", "alembic", "flask", "flask_cors", "pandas", "sqlalchemy", "aiohttp")
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # of its judges of language models
}


@dataclass(frozen=True)
class MlflowServer:
    """A server that runs.

    Attributes:
        url: of it.
        artifacts: folder in which it keeps files.
    """

    url: str
    artifacts: Path


@contextmanager
def running_server(folder: Path) -> Iterator[MlflowServer]:
    """A server whose data lie in a folder; the test is skipped where it is not installed."""
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs the extras mlflow and emulators, without them there is no {missing[0]}")
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    log = folder / "log"
    with (
        log.open("wb") as told,
        subprocess.Popen(
            command,
            env=os.environ | QUIET,
            cwd=folder,
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait(port, process, log)
            yield MlflowServer(f"http://127.0.0.1:{port}", folder / "artifacts")
        finally:
            os.killpg(process.pid, 9)  # it is a process that starts another


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not _answers(port):
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < end, log.read_text(errors="replace")
        time.sleep(0.2)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
