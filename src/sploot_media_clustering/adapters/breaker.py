"""A circuit breaker: what failed some times in a row is left in peace for a while, then tried once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Counts failures; safe to share between threads (Nygard 2018, "Release It!", chapter 5).

    Args:
        failures: in a row, after which nobody asks.
        rest_s: until one asks again; the others follow when it was answered.
        clock: seconds, rising.
    """

    def __init__(
        self, *, failures: int = 5, rest_s: float = 2.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until_s = 0.0

    def admits(self) -> bool:
        """Whether the caller may ask now, and has to tell what came of it."""
        with self._lock:
            if self._failures < self._most:
                return True
            if self._clock() < self._until_s:
                return False
            self._until_s = self._clock() + self._rest_s  # the others wait for what comes of this one
            return True

    def succeeded(self) -> None:
        """It was answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """It was not."""
        with self._lock:
            self._failures += 1
            self._until_s = self._clock() + self._rest_s
