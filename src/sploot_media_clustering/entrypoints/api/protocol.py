"""What goes wrong before the application is asked, told as the application tells it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

from sploot_media_clustering.entrypoints.api.problems import (
    MEDIA_TYPE,
    RETRY_AFTER_S,
    ProblemDocument,
)

CONNECTIONS: Final = 1000
"""At once, idle ones among them; beyond it new ones are told 503."""
_CROWDED: Final = f"expected at most {CONNECTIONS} connections at once; try again later"


class ProblemProtocol(H11Protocol):
    """HTTP/1.1 whose own errors are problems, too."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or tell that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, _CROWDED, ("Retry-After", str(RETRY_AFTER_S)))

    def send_400_response(self, msg: str) -> None:
        """Tell that what came is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, f"expected a request of HTTP/1.1: {msg}")

    def _refuse(self, status: HTTPStatus, detail: str, *more: tuple[str, str]) -> None:
        document = ProblemDocument(title=status.phrase, status=status.value, detail=detail)
        body = msgspec.json.encode(document)
        headers = [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(body))), ("Connection", "close")]
        events: list[Any] = [
            h11.Response(status_code=status.value, headers=[*headers, *more], reason=status.phrase.encode()),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
