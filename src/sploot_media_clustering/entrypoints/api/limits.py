"""How much one caller may ask: bytes of a body, time for sending it, requests a second."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi import Request

from sploot_media_clustering.entrypoints.api.problems import Problem

BODY_TIMEOUT_S: Final = 10.0
"""For sending a body: a megabyte at 1 Mbit/s."""
_CALLERS_KEPT: Final = 10_000
"""Whose buckets are remembered; the one that was silent longest is forgotten first."""


async def body_of(request: Request, max_bytes: int) -> bytes:
    """A request's body of JSON.

    Raises:
        Problem: 413, it is too large; 408, it does not come; 415, it is not JSON.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json", kind="not-json")
    return await bytes_of(request, max_bytes, "send photos in several jobs")


async def bytes_of(request: Request, max_bytes: int, remedy: str) -> bytes:
    """A request's body, whatever it is.

    Args:
        request: whose body is read.
        max_bytes: of it.
        remedy: against too many.

    Raises:
        Problem: 413, it is too large; 408, it does not come.
    """
    told = request.headers.get("content-length", "")
    _require_size(int(told) if told.isdecimal() else 0, max_bytes, remedy)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                _require_size(len(body), max_bytes, remedy)
    except TimeoutError:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT, f"expected the whole body within {BODY_TIMEOUT_S:g} s"
        ) from None
    return bytes(body)


def _require_size(size_bytes: int, max_bytes: int, remedy: str) -> None:
    if size_bytes > max_bytes:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"expected a body of at most {max_bytes} bytes; {remedy}",
            kind="too-large",
        )


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at_s: float


class RateLimit:
    """A token bucket for each caller, in this process.

    Args:
        per_s: tokens that come back each second; 0 means no limit.
        burst: tokens of a full bucket.
        clock: seconds, rising.
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = max(1, burst)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str) -> None:
        """One request of a caller.

        Raises:
            Problem: 429, with the time after which there is room again.
        """
        if self._per_s <= 0:
            return
        now = self._clock()
        bucket = self._buckets.pop(caller, None) or _Bucket(float(self._burst), now)
        self._buckets[caller] = bucket
        if len(self._buckets) > _CALLERS_KEPT:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at_s) * self._per_s)
        bucket.filled_at_s = now
        if bucket.tokens < 1.0:
            wait_s = math.ceil((1.0 - bucket.tokens) / self._per_s)
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"expected at most {self._per_s:g} requests a second, {self._burst} at once",
                kind="too-many",
                headers={"Retry-After": str(wait_s)},
            )
        bucket.tokens -= 1.0
