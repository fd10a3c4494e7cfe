"""A process that ends with the one that started it, however that one ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from typing import Final

_STANDARD_INPUT: Final = 0
SUPERVISED: Final = "SPLOOT_SUPERVISED"
"""Environment variable: standard input is held open by whoever supervises, and by nobody else."""


def end_with_parent(environment: Mapping[str, str] = os.environ) -> None:
    """Where somebody supervises this process: end as on SIGTERM when he is gone."""
    if environment.get(SUPERVISED):
        threading.Thread(target=_wait, name="parent", daemon=True).start()


def _wait() -> None:
    while os.read(_STANDARD_INPUT, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
