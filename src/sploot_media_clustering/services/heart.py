"""The heartbeat of a worker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Final, Protocol, runtime_checkable

_log = logging.getLogger(__name__)

BEAT_S: Final = 3.0


@runtime_checkable
class Pulse(Protocol):
    """One beat; used by one thread."""

    def __call__(self, entry_ids: Sequence[str]) -> frozenset[str]:
        """Keep some entries; those that are still ours.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        ...

    def close(self) -> None:
        """No more beats."""
        ...


class Heart:
    """Tells the store every few seconds that this worker lives and holds its entries.

    It beats in a thread of its own, so nothing that blocks the worker's loop stops it. A context manager.

    Args:
        pulse: one beat.
        disturbed: called where the store did not answer.
        beat_s: time between two beats.
    """

    def __init__(self, pulse: Pulse, disturbed: Callable[[], None], *, beat_s: float = BEAT_S) -> None:
        self._pulse = pulse
        self._disturbed = disturbed
        self._beat_s = beat_s
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def hold(self, entry_ids: Collection[str]) -> None:
        """These entries are in our hands."""
        with self._lock:
            self._held.update(entry_ids)

    def drop(self, entry_ids: Collection[str]) -> None:
        """They are no longer."""
        with self._lock:
            self._held.difference_update(entry_ids)

    def __enter__(self) -> Heart:  # noqa: PYI034 beartype takes Self only in classes it decorates
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        silent = False
        while not self._ending.wait(self._beat_s):
            with self._lock:
                held = sorted(self._held)
            try:
                self._pulse(held)
            except Exception as error:  # noqa: BLE001 - a heart that stops would cost us all entries
                if not silent:
                    _log.warning("no heartbeat: %s", error)
                self._disturbed()
                silent = True
            else:
                silent = False
        self._pulse.close()
