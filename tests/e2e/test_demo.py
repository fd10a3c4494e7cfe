"""The demo: a service that comes, works for one album, and goes without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sploot_media_clustering.services.answer import decode

PROGRAM = (sys.executable, "-c", "from sploot_media_clustering.entrypoints.cli import main; main()")
pytestmark = pytest.mark.slow


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "my photos"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(10):
        Image.fromarray(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)).save(folder / f"{number} ä.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With a temporary folder that nobody else uses, and traps of an installation."""
    (tmp_path / "tmp").mkdir()
    told = {"TMPDIR": str(tmp_path / "tmp"), "XDG_RUNTIME_DIR": "", "HOME": str(tmp_path / "home")}
    traps = {"REDIS_URL": "redis://192.0.2.1", "SPLOOT_API_TOKENS": "x", "http_proxy": "http://192.0.2.1"}
    return {**os.environ, **told, **traps}


def left_below(folder: Path) -> list[str]:
    """What is still there: processes, and folders of ours; the store's is the one with its socket."""
    own = [path.name for path in folder.iterdir() if path.name.startswith(("sploot", "smc"))]
    return running_below(folder) + own


def running_below(folder: Path) -> list[str]:
    """Processes that were started with this temporary folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_the_demo_shows_the_answer_and_writes_a_report_that_decisions_go_on_from(
    photos: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """Through jobs and the API, with photos of any name; what is written is as from ``cluster``."""
    out = tmp_path / "out"
    command = [*PROGRAM, "demo", str(photos), "--out", str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "11 photos in 2 jobs" in done.stderr
    assert "10 photos" in done.stdout
    assert str(out / "report.html") in done.stdout
    (answer,) = decode((out / "clusters.json").read_bytes()).values()
    assert len(answer.images) == 10
    assert [part.image_id for part in answer.failed_images] == ["broken.jpg"]
    assert "data:image/webp" in (out / "report.html").read_text()
    command = [*PROGRAM, "decide", str(out), "--ask"]
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert asked.returncode == 0, asked.stderr
    assert left_below(tmp_path / "tmp") == []


def test_the_demo_interrupted_leaves_nothing(
    photos: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """No process, no file, while API and worker are on their way up."""
    command = [*PROGRAM, "demo", str(photos), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not any("worker" in command for command in running_below(tmp_path / "tmp")):
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 130, log
    assert "Traceback" not in log
    assert left_below(tmp_path / "tmp") == []
