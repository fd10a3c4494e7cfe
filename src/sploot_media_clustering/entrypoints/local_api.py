"""The API of this machine, asked over HTTP without anything in between."""

from __future__ import annotations

import http.client
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec

from sploot_media_clustering.errors import StoreUnavailableError

T = TypeVar("T")

_ANSWER_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class LocalApi:
    """An API in local mode; proxies of the environment are not asked.

    Attributes:
        port: on the loopback address.
    """

    port: int

    def ready(self) -> bool:
        """Whether it takes requests."""
        try:
            status, _ = self._asked("GET", "/readyz")
        except OSError:
            return False
        return status == HTTPStatus.OK

    def get(self, path: str, kind: type[T]) -> T:
        """What it answers.

        Raises:
            StoreUnavailableError: it does not, or with a problem.
        """
        return self._answered("GET", path, None, kind)

    def post(self, path: str, body: object, kind: type[T]) -> T:
        """What it answers to a body.

        Raises:
            StoreUnavailableError: it does not, or with a problem.
        """
        return self._answered("POST", path, msgspec.json.encode(body), kind)

    def _answered(self, method: str, path: str, body: bytes | None, kind: type[T]) -> T:
        try:
            status, data = self._asked(method, path, body)
        except OSError as error:
            raise StoreUnavailableError(f"expected an answer of the API to {path}: {error}") from error
        if status >= HTTPStatus.BAD_REQUEST:
            told = data.decode("utf-8", "replace")
            raise StoreUnavailableError(f"expected an answer of the API to {path}, got {status}: {told}")
        return msgspec.json.decode(data, type=kind)

    def _asked(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_S)) as connection:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
