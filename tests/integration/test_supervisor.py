"""Several real processes as one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sploot_media_clustering.entrypoints.supervisor import Command, supervise

CALM = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("finishing")))
print("up", flush=True)
time.sleep(60)
"""
CRASHING = "import os; print('crashing', os.environ['WHO']); raise SystemExit(3)"


def supervised(
    commands: dict[str, str], until: Callable[[list[tuple[str, str]]], bool]
) -> list[tuple[str, str]]:
    """What processes said until something holds, and after being told to end."""
    lines: list[tuple[str, str]] = []

    async def running() -> None:
        stop = asyncio.Event()

        def tell(name: str, line: str) -> None:
            lines.append((name, line))
            if until(lines):
                stop.set()

        parts = [Command(name, (sys.executable, "-c", code)) for name, code in commands.items()]
        await asyncio.wait_for(supervise(parts, {"WHO": "me"}, tell, stop), 30)

    asyncio.run(running())
    return lines


def test_processes_run_side_by_side_and_end_together() -> None:
    """Each finishes what it has in hand."""
    lines = supervised({"a": CALM, "b": CALM}, lambda lines: {("a", "up"), ("b", "up")} <= set(lines))
    assert {("a", "finishing"), ("b", "finishing")} <= set(lines)


def test_a_process_that_crashes_starts_again_and_leaves_others_alone() -> None:
    """After a pause, with its status told."""
    lines = supervised({"a": CALM, "b": CRASHING}, lambda lines: lines.count(("b", "crashing me")) == 2)
    assert ("b", "ended with 3; starts again in 0.5 s") in lines
    assert lines.count(("a", "up")) == 1
    assert ("a", "finishing") in lines


SUPERVISING = """
import asyncio, sys
from sploot_media_clustering.entrypoints.supervisor import Command, supervise
child = Command("child", (sys.executable, "-c", sys.argv[1]))
asyncio.run(supervise([child], {}, lambda name, line: print(line, flush=True), asyncio.Event()))
"""
SUPERVISED = """
import os, time
from sploot_media_clustering.entrypoints.parent import end_with_parent
end_with_parent()
print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_processes_end_with_a_supervisor_that_is_killed() -> None:
    """Who can't end them any more leaves them nothing to wait for."""
    command = [sys.executable, "-c", SUPERVISING, SUPERVISED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        assert is_running(child)
        supervisor.kill()
    until = time.monotonic() + 20
    while is_running(child):
        assert time.monotonic() < until
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
