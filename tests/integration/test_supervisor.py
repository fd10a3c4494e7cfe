"""Several real processes as one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

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
