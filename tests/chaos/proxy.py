"""A network that can be cut: connections to the store through a socket that we hold in our hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal, TypeAlias

CHUNK_BYTES = 1 << 16

Cut: TypeAlias = Literal["refused", "silent", "deaf"]
"""Connections are closed at once; nothing passes; requests pass, and no reply comes back."""
CUTS: tuple[Cut, ...] = ("refused", "silent", "deaf")


class Proxy:
    """Between one client and the store.

    Args:
        path: of the socket that the client connects to.
        store: socket of the store.
    """

    def __init__(self, path: Path, store: str) -> None:
        self.url = f"unix://{path}"
        self._path = path
        self._store = store
        self._cut: Cut | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_unix_server(self._accept, self._path)
        try:
            yield self
        finally:
            server.close()
            self._abort()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def cut(self, kind: Cut, seconds: float, *, heals: bool) -> None:
        """Cut the network for a while; then what was held back comes, or all connections break."""
        self._cut = kind
        self._open.clear()
        if kind == "refused":
            self._abort()
        await asyncio.sleep(seconds)
        if not heals:
            self._abort()
        self._cut = None
        self._open.set()

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if self._cut == "refused":
                writer.transport.abort()
                return
            up_reader, up_writer = await asyncio.open_unix_connection(self._store)
            self._writers |= {writer, up_writer}
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._pump(reader, up_writer, ("silent",)))
                    tasks.create_task(self._pump(up_reader, writer, ("silent", "deaf")))
            finally:
                self._writers -= {writer, up_writer}
        writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held_by: tuple[Cut, ...]
    ) -> None:
        """Until one end closes; then both are."""
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                while self._cut in held_by:
                    await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
