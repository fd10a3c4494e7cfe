"""The command ``sploot-clustering``: parse, call a service, print."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Final

EXIT_INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells count."""


def main() -> None:
    """Run the command line and leave with a documented exit code.

    The commands are imported here, since Ctrl-C may come while that goes on: then the process ends at once,
    as nothing is under way, and an exception might be taken for a failed import.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from sploot_media_clustering.entrypoints.cli.app import run  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, before)
    run()


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"\nStopped.\n")
    os._exit(EXIT_INTERRUPTED)
