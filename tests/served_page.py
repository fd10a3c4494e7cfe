"""A page served on loopback, and browsers that are watched while they show it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page
from starlette.types import ASGIApp


@contextmanager
def served(app: ASGIApp) -> Iterator[int]:
    """The port on which it answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@contextmanager
def watched(browser: Browser, place: str) -> Iterator[Callable[..., Page]]:
    """Makes pages, each of a browser of its own; in the end none has complained, or asked another place."""
    contexts, complaints, asked = [], [], []

    def made(**told: Any) -> Page:  # noqa: ANN401 - options of a browser's context
        context = browser.new_context(reduced_motion="reduce", **told)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        return page

    yield made
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((place, "data:"))] == []
