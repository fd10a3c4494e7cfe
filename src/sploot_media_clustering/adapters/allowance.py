"""A shared allowance: so much of something at once, over all threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Allowance:
    """Lets threads take parts of a total and wait where too much is taken.

    Args:
        total: that may be taken at once.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken = 0
        self._given_back = threading.Condition()

    @contextmanager
    def of(self, amount: int) -> Iterator[None]:
        """Hold an amount, waiting until it is free; what is more than the total waits until all is."""
        held = min(amount, self._total)
        with self._given_back:
            self._given_back.wait_for(lambda: self._taken + held <= self._total)
            self._taken += held
        try:
            yield
        finally:
            with self._given_back:
                self._taken -= held
                self._given_back.notify_all()
