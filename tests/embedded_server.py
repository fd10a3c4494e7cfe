"""One embedded server for all tests of a process; each test finds it empty."""

from __future__ import annotations

import asyncio
import atexit
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TypeVar

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import RedisConnection, connect

T = TypeVar("T")


@cache
def server_url() -> str:
    stack = ExitStack()
    folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
    atexit.register(stack.close)
    return stack.enter_context(embedded_store(Path(folder) / "store")).url


def on_store(use: Callable[[RedisConnection], Awaitable[T]]) -> T:
    """What comes of using the server, from a test that is not asynchronous itself."""

    async def used() -> T:
        connection = connect(server_url())
        try:
            return await use(connection)
        finally:
            await connection.close()

    return asyncio.run(used())
