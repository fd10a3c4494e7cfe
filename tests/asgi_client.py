"""Requests to an ASGI application without a server, one event loop each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import httpx
from starlette.types import ASGIApp


@dataclass
class Client:
    """Sends requests as somebody with these headers would."""

    app: ASGIApp
    headers: dict[str, str] = field(default_factory=dict)
    base_url: str = "http://localhost:8080"

    def __call__(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str | bytes] | None = None,
    ) -> httpx.Response:
        """One request and its answer."""

        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            named = httpx.Headers(self.headers)
            named.update(dict(headers or {}))
            async with httpx.AsyncClient(transport=transport, base_url=self.base_url) as client:
                return await client.request(method, path, headers=named, json=json, content=content)

        return asyncio.run(sent())

    def get(self, path: str, headers: Mapping[str, str | bytes] | None = None) -> httpx.Response:
        return self("GET", path, headers=headers)

    def post(
        self,
        path: str,
        *,
        json: object = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str | bytes] | None = None,
    ) -> httpx.Response:
        return self("POST", path, json=json, content=content, headers=headers)

    def delete(self, path: str) -> httpx.Response:
        return self("DELETE", path)
