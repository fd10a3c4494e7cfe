"""Several processes as one: their lines told apart, started again when they crash, ended together."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sploot_media_clustering.entrypoints.parent import SUPERVISED

Told = Callable[[str, str], None]
"""Takes the name of a process and a line of it."""

_LONGEST_PAUSE_S: Final = 30.0
_FIRST_PAUSE_S: Final = 0.5
_CALM_S: Final = 60.0
"""After running that long a process is taken to be well again."""
END_S: Final = 30.0
"""For finishing what is in hand; who takes longer is killed."""
_LINE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Command:
    """A process to run.

    Attributes:
        name: before each of its lines.
        arguments: program and arguments.
    """

    name: str
    arguments: Sequence[str]


async def supervise(
    commands: Sequence[Command], environment: Mapping[str, str], tell: Told, stop: asyncio.Event
) -> None:
    """Run processes until told to stop.

    Args:
        commands: what to run.
        environment: of the processes, beside our own.
        tell: called with each line.
        stop: set to end them all.
    """
    async with asyncio.TaskGroup() as group:
        for command in commands:
            group.create_task(_kept_running(command, environment, tell, stop))


async def _kept_running(
    command: Command, environment: Mapping[str, str], tell: Told, stop: asyncio.Event
) -> None:
    pause_s, loop = _FIRST_PAUSE_S, asyncio.get_running_loop()
    while not stop.is_set():
        started_s = loop.time()
        status = await _run(command, environment, tell, stop)
        if stop.is_set():
            return
        if loop.time() - started_s > _CALM_S:
            pause_s = _FIRST_PAUSE_S
        tell(command.name, f"ended with {status}; starts again in {pause_s:g} s")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


async def _run(command: Command, environment: Mapping[str, str], tell: Told, stop: asyncio.Event) -> int:
    # A group of its own: Ctrl-C in the terminal reaches us alone, and we end it once.
    process = await asyncio.create_subprocess_exec(
        *command.arguments,
        stdin=PIPE,  # which closes when we are gone, see parent.py
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, **environment, SUPERVISED: "1"},
        process_group=0,
        limit=_LINE_BYTES,
    )
    lines = asyncio.create_task(_lines(process, command.name, tell))
    ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        await _end(process)
        await lines
    return await ended


async def _lines(process: Process, name: str, tell: Told) -> None:
    if process.stdout is not None:
        async for line in process.stdout:
            tell(name, line.decode("utf-8", "replace").rstrip())


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END_S)
    finally:  # it took too long, or somebody does not want to wait for it
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
