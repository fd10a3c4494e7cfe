"""The whole service in one command: a photo handed in, read over HTTP, and everything ended by Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

PROGRAM = (sys.executable, "-c", "from sploot_media_clustering.entrypoints.cli import main; main()")
START_S = 120.0


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(3):
        pixels = rng.integers(0, 255, (300, 400, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    (folder / "link.jpg").symlink_to("/etc/hostname")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    unset = ("REDIS_URL", "SPLOOT_API_TOKENS", "SPLOOT_FILE_ROOT")
    told = {name: value for name, value in os.environ.items() if name not in unset}
    return told | {
        "SPLOOT_LOCAL": "1",
        "SPLOOT_STORE": str(tmp_path / "store"),
        "SPLOOT_CACHE": str(tmp_path / "cache"),
    }


@pytest.fixture
def service(photos: Path, environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*PROGRAM, "up", "--photos", str(photos), "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    place = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_S
        while not is_ready(place):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
        yield place, process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def is_ready(place: str) -> bool:
    try:
        return httpx.get(f"{place}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow
def test_up_takes_photos_and_answers(
    service: tuple[str, subprocess.Popen[str]], photos: Path, environment: dict[str, str]
) -> None:
    """Submitted by the command, listed over HTTP, each line of the log told by whose it is."""
    place, process = service
    command = [*PROGRAM, "submit", "milo", str(photos), "--job-id", "j", "--wait", "100", "--json"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert '"status":"done"' in told.stdout
    state = httpx.get(f"{place}/internal/cluster-jobs/j").json()
    failed = {part["image_id"]: part["error"] for part in state["failed_images"]}
    assert failed["link.jpg"] == "ForbiddenUriError"
    assert set(failed) == {"broken.jpg", "link.jpg"}
    answer = httpx.get(f"{place}/internal/pets/milo/clusters?level=all").json()
    placed = {part["image_id"] for part in answer["unclustered"]}
    placed |= {member["image_id"] for part in answer["clusters"] for member in part["members"]}
    assert placed >= {"0.jpg", "1.jpg", "2.jpg"}
    (album,) = httpx.get(f"{place}/page/albums").json()
    assert (album["pet_id"], album["photos"]) == ("milo", 3)
    thumbnail = httpx.get(f"{place}/page/pets/milo/images/1.jpg")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/webp")
    assert httpx.get(place, headers={"Host": "rebound.example"}).status_code == 403
    command = [*PROGRAM, "status", "--json"]
    overview = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert '"waiting":0,"in_hand":0' in overview
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert {line.partition("|")[0].strip() for line in log.splitlines()} == {
        "store",
        "jobs",
        "api",
        "worker-1",
    }
