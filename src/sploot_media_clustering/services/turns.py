"""Whose turn it is: many side by side, or one alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Many side by side, or one alone, which goes before those that have not begun."""

    def __init__(self) -> None:
        self._running = 0
        self._waiting_alone = 0
        self._alone = False
        self._free = asyncio.Condition()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Beside others."""
        async with self._free:
            await self._free.wait_for(lambda: not self._alone and not self._waiting_alone)
            self._running += 1
        try:
            yield
        finally:
            async with self._free:
                self._running -= 1
                self._free.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """With nobody beside."""
        async with self._free:
            self._waiting_alone += 1
            try:
                await self._free.wait_for(lambda: not self._alone and not self._running)
                self._alone = True
            finally:
                self._waiting_alone -= 1
                self._free.notify_all()
        try:
            yield
        finally:
            async with self._free:
                self._alone = False
                self._free.notify_all()
