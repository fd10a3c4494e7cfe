"""Browsers of other machines: each shows a token once, and is known by a cookie from then on."""

from __future__ import annotations

import socket
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

from fastapi import Request, Response

from sploot_media_clustering.entrypoints.api.access import LOOPBACK_NAMES, Gate, host_name
from sploot_media_clustering.entrypoints.api.problems import Problem

COOKIE: Final = "sploot-pairing"
_OWN_NAMES: Final = frozenset(
    {*LOOPBACK_NAMES, socket.gethostname().casefold(), f"{socket.gethostname().casefold()}.local"}
)


class Pairing:
    """Who may ask where the page is served to other machines: browsers that were paired.

    Args:
        token: that pairs a browser; to be read off the terminal, and worth nothing once the command ended.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._gate = Gate((token,))

    def require_origin(self, request: Request) -> None:
        """Let in who asks this machine by its address or name, and from no other site's page.

        A name that leads here by somebody else's leave (DNS rebinding) is none of ours.

        Raises:
            Problem: 403.
        """
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        is_own = _is_own(host_name(host)) and (origin is None or origin.partition("://")[2] == host)
        if not is_own:
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "only this machine's own pages may ask, by its address or its name",
                kind="not-local",
            )

    def __call__(self, request: Request) -> None:
        """Let in a browser that was paired.

        Raises:
            Problem: 403; 401, it was not.
        """
        self.require_origin(request)
        if not self._gate.admits(request.cookies.get(COOKIE, "")):
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "this browser is not paired; open the whole link that the command printed",
                kind="unauthorised",
            )

    def paired(self, token: str, path: str) -> Response:
        """Pair the browser that shows the token, and lead it on.

        Raises:
            Problem: 401, the token is another one.
        """
        if not self._gate.admits(token):
            raise Problem(
                HTTPStatus.UNAUTHORIZED, "the link is of another run of the command", kind="unauthorised"
            )
        response = Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": path})
        response.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", path="/")
        return response


def _is_own(name: str) -> bool:
    if name.casefold() in _OWN_NAMES:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
