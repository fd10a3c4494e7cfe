"""Reading ahead: several things read at once, handed on in order, holding a bounded number of bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


@runtime_checkable
class Sized(Protocol):
    """What was read."""

    @property
    def size_bytes(self) -> int:
        """That it holds in memory."""
        ...


R = TypeVar("R", bound=Sized)


@dataclass(frozen=True, slots=True, kw_only=True)
class AheadLimits:
    """How far reading goes ahead of what is taken.

    Attributes:
        readers: threads, each with one thing at a time.
        items: read and not taken yet, at most.
        size_bytes: nothing new is begun while this much is read and not taken; what is being read by then
            comes on top.
    """

    readers: int
    items: int
    size_bytes: int


def read_ahead(read: Callable[[T], R], items: Iterable[T], limits: AheadLimits) -> Generator[R]:
    """What reading each item gives, in their order, while the next ones are read.

    Whoever may not read to the end closes it. Else the garbage collector does, which waits for our threads
    and may run just where one of them holds a lock that waiting needs.

    Args:
        read: one item; what it raises is raised when its turn comes.
        items: taken from as they are needed.
        limits: how far ahead.
    """
    with ThreadPoolExecutor(limits.readers, thread_name_prefix="read") as pool:
        ahead = _Ahead(pool, read, iter(items), limits)
        try:
            while (future := ahead.next()) is not None:
                yield ahead.taken(future)
        finally:
            ahead.stop()


class _Ahead(Generic[T, R]):
    """What is being read, and what was read but not taken; whatever ends begins the next."""

    def __init__(
        self, pool: ThreadPoolExecutor, read: Callable[[T], R], items: Iterator[T], limits: AheadLimits
    ) -> None:
        self._pool, self._read, self._items, self._limits = pool, read, items, limits
        self._queue: deque[Future[R]] = deque()
        self._reading = 0
        self._held_bytes = 0
        self._ended = False
        self._lock = threading.Lock()
        with self._lock:
            self._begin()

    def next(self) -> Future[R] | None:
        """The next item's, which may still be read; None after the last one."""
        with self._lock:
            self._begin()
            return self._queue.popleft() if self._queue else None

    def taken(self, future: Future[R]) -> R:
        """What was read; its bytes are the caller's from now on."""
        result = future.result()
        with self._lock:
            self._held_bytes -= result.size_bytes
            self._begin()
        return result

    def stop(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._ended = True

    def _begin(self) -> None:
        """Begin what may be begun; under the lock, so that the queue has the order of the items."""
        while (
            not self._ended
            and self._reading < self._limits.readers
            and len(self._queue) < self._limits.items
            and self._held_bytes < self._limits.size_bytes
        ):
            try:
                item = next(self._items)
            except StopIteration:
                self._ended = True
                return
            self._reading += 1
            self._queue.append(self._pool.submit(self._read_one, item))

    def _read_one(self, item: T) -> R:
        size_bytes = 0
        try:
            result = self._read(item)
            size_bytes = result.size_bytes
            return result
        finally:
            with self._lock:
                self._reading -= 1
                self._held_bytes += size_bytes
                self._begin()
