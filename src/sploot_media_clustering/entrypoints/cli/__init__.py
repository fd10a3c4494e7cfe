"""The command ``sploot-clustering``: parse, call a service, print."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

EXIT_INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells count."""


def main() -> None:
    """Run the command line and leave with a documented exit code."""
    with importing():
        from sploot_media_clustering.entrypoints.cli.app import run  # noqa: PLC0415 - Ctrl-C may come here

    run()


@contextmanager
def importing() -> Iterator[None]:
    """While modules are imported Ctrl-C ends the process at once, where it would have raised.

    Nothing is under way then, and an exception might be taken for a failed import.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"\nStopped.\n")
    os._exit(EXIT_INTERRUPTED)
