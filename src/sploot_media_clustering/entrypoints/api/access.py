"""Who may call: tokens of the installation, compared in constant time, several at once for rotation."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from sploot_media_clustering.entrypoints.api.limits import RateLimit
from sploot_media_clustering.entrypoints.api.problems import Problem
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.settings import ApiSettings

MIN_TOKEN_CHARACTERS: Final = 32
_MIN_DIFFERENT: Final = 8
"""Different characters in a token: of 32 random hexadecimals, fewer than one token in 20 million has less
(C(16, 7) (7/16)^32); ``changeme`` repeated has seven."""
_EXAMPLES: Final = (
    "changeme",
    "replace",
    "example",
    "default",
    "placeholder",
    "your-token",
    "internal-token",
)
"""Parts of tokens that stand in documents and templates."""
_HOST: Final = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:\d{1,5})?")
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_header = APIKeyHeader(name="X-Internal-Token", auto_error=False, description="A token of the installation.")
_bearer = HTTPBearer(auto_error=False, description="The same token as a bearer token.")


class Gate:
    """Tells callers by their tokens.

    Args:
        tokens: any of which opens; none at all lets everybody in.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self._digests = tuple(_digest(token) for token in tokens)

    @property
    def open(self) -> bool:
        """Whether nobody needs a token."""
        return not self._digests

    def admits(self, presented: str) -> bool:
        """Whether a token is one of ours; takes as long for a wrong one as for a right one."""
        digest = _digest(presented)
        return sum([hmac.compare_digest(digest, known) for known in self._digests]) > 0


def _digest(token: str) -> bytes:
    """Of equal length for all, so that comparing tells no length."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def require_safe(settings: ApiSettings, *, is_paired: bool = False) -> None:
    """Refuse to start with tokens that others can guess.

    Args:
        settings: of the installation.
        is_paired: in local mode, browsers of other machines have to show a token of their own.

    Raises:
        ConfigurationError: a token is missing, short or from an example, or local mode listens to others.
    """
    is_guarded = settings.tokens or is_paired
    if settings.local and not is_guarded and not is_loopback(settings.host):
        raise ConfigurationError(
            f"local mode without {settings.variables}_TOKENS listens on loopback only, "
            f"{settings.variables}_HOST is {settings.host!r}; set tokens, or listen on 127.0.0.1"
        )
    if not settings.local and not settings.tokens:
        raise ConfigurationError(
            f"expected {settings.variables}_TOKENS, found none; make one with: openssl rand -hex 32 "
            "(or set SPLOOT_LOCAL=1 on a machine of your own)"
        )
    for token in (*settings.tokens, *settings.metrics_tokens):
        _require_unguessable(token)


def _require_unguessable(token: str) -> None:
    remedy = "make one with: openssl rand -hex 32"
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise ConfigurationError(
            f"expected tokens of at least {MIN_TOKEN_CHARACTERS} characters, got {len(token)}; {remedy}"
        )
    if len(set(token)) < _MIN_DIFFERENT or any(part in token.lower() for part in _EXAMPLES):
        raise ConfigurationError(f"expected random tokens, got one that can be guessed; {remedy}")


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def require_local(request: Request) -> None:
    """Without tokens, a browser must not be led here by another site: Host and Origin have to be of loopback.

    Raises:
        Problem: 403.
    """
    origin = request.headers.get("origin")
    hosts = [request.headers.get("host", "")]
    if origin is not None:
        hosts.append(origin.partition("://")[2])
    if any(host_name(host) not in LOOPBACK_NAMES for host in hosts):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "in local mode only this machine may ask, by a loopback name",
            kind="not-local",
        )


def host_name(host: str) -> str:
    """A host without its port; nothing where what follows is no port."""
    found = _HOST.fullmatch(host)
    return "" if found is None else found["name"].strip("[]")


class Caller:
    """The dependency of every route that needs a token: lets in who has one and keeps to the limit.

    Args:
        gate: that tells tokens.
        limit: of each caller.
        door: lets in, or raises, where no token is needed.
    """

    def __init__(self, gate: Gate, limit: RateLimit, door: Callable[[Request], None] = require_local) -> None:
        self._gate = gate
        self._limit = limit
        self._door = door

    async def __call__(
        self,
        request: Request,
        key: Annotated[str | None, Security(_header)] = None,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    ) -> None:
        """Let a request in.

        Raises:
            Problem: 401, in local mode 403; 429.
        """
        self._limit.take(self._name(request, key, bearer.credentials if bearer else None))

    def _name(self, request: Request, *presented: str | None) -> str:
        """A name for the caller that tells nothing of its token."""
        if self._gate.open:
            self._door(request)
            return "local"
        for token in presented:
            if token and self._gate.admits(token):
                return _digest(token).hex()[:16]
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "expected a token of this installation in X-Internal-Token, or as a bearer token",
            kind="unauthorised",
            headers={"WWW-Authenticate": "Bearer"},
        )
