"""Pages to watch albums on and to review them, for a machine of one's own, and for no other site's eyes."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from sploot_media_clustering.entrypoints.api.access import require_local
from sploot_media_clustering.entrypoints.api.parts import JSON, ImageId, Parts, PetId
from sploot_media_clustering.entrypoints.api.problems import Problem
from sploot_media_clustering.errors import UnknownError, UnreadablePhotoError
from sploot_media_clustering.services.gallery import Gallery

_PAGES: Final = {"/": "page.html", "/review": "review.html"}
_KINDS: Final = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "parts.js": "text/javascript",
    "review.css": "text/css",
    "review.js": "text/javascript",
}
_SIDES_PX: Final = (320, 960)
"""Of thumbnails: a tile and a portrait on a screen of two pixels a point."""
_MAY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "; ".join(_MAY),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def _from_here(request: Request, parts: Parts) -> None:
    """Let in who asks for a page itself, or from it; pages and what they are made of tell nothing of albums.

    Without Origin, as for pictures, browsers tell by Sec-Fetch-Site whose page asks. A link that leads here
    from elsewhere may be followed: what it opens, the page with the link can't see.

    Raises:
        Problem: 403.
    """
    (require_local if parts.pairing is None else parts.pairing.require_origin)(request)
    is_own = request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    if not is_own and request.headers.get("sec-fetch-dest") != "document":
        raise Problem(HTTPStatus.FORBIDDEN, "another site's page may not ask", kind="not-local")


router: Final = APIRouter(dependencies=[Depends(_from_here)], include_in_schema=False)


async def _paired(request: Request, parts: Parts) -> None:
    if parts.pairing is not None:
        parts.pairing(request)


async def _gallery(parts: Parts) -> Gallery:
    if parts.gallery is None:
        raise UnknownError("this service shows no page")
    return parts.gallery


Shown = Annotated[Gallery, Depends(_gallery)]
Known = Annotated[str | None, Header(alias="If-None-Match")]


@router.get("/")
@router.get("/review")
async def page(request: Request) -> Response:
    """A page."""
    return Response(_file(_PAGES[request.url.path]), headers=_HEADERS, media_type="text/html")


@router.get("/pair")
async def pair(parts: Parts, token: str) -> Response:
    """Pair the browser that shows the token."""
    if parts.pairing is None:
        raise UnknownError("this service is for this machine alone")
    return parts.pairing.paired(token, "/review")


@router.get("/page/albums", dependencies=[Depends(_paired)])
async def albums(gallery: Shown, known: Known = None) -> Response:
    """The albums, by name."""
    body = msgspec.json.encode(await gallery.albums())
    return _answered(body, JSON, hashlib.sha256(body).hexdigest()[:16], known)


@router.get("/page/state", dependencies=[Depends(_paired)])
async def state(parts: Parts, known: Known = None) -> Response:
    """How many jobs wait, and whether anybody works on them; null where there are no jobs."""
    told = None
    if parts.overseer is not None:
        overview = await parts.overseer.overview()
        told = {
            "open": overview.waiting + overview.in_hand,
            "workers": len(overview.workers),
            "paused": overview.paused_at is not None,
        }
    body = msgspec.json.encode(told)
    return _answered(body, JSON, hashlib.sha256(body).hexdigest()[:16], known)


@router.get("/page/pets/{pet_id}/images/{image_id:path}", dependencies=[Depends(_paired)])
async def thumbnail(
    gallery: Shown,
    pet_id: PetId,
    image_id: ImageId,
    side: Annotated[int, Query()] = _SIDES_PX[0],
    known: Known = None,
) -> Response:
    """A photo made small."""
    if side not in _SIDES_PX:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"expected one of the sides {_SIDES_PX}", kind="invalid"
        )
    source = await gallery.source(pet_id, image_id)
    tag = f"{source.digest.hex()[:16]}-{side}"
    if known == f'"{tag}"':
        return _answered(b"", "", tag, known)
    try:
        picture = await gallery.thumbnail(source, side)
    except UnreadablePhotoError as error:
        raise UnknownError(f"the photo can't be shown: {error}") from error
    return _answered(picture, "image/webp", tag, known)


@router.get("/page/{name}")
async def file(name: str) -> Response:
    """What the page is made of."""
    if name not in _KINDS:
        raise UnknownError("the page has no such file")
    return Response(_file(name), headers=_HEADERS, media_type=_KINDS[name])


def _answered(body: bytes, kind: str, tag: str, known: str | None) -> Response:
    headers = {**_HEADERS, "ETag": f'"{tag}"'}
    if known == headers["ETag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type=kind)


@cache
def _file(name: str) -> bytes:
    return resources.files("sploot_media_clustering.entrypoints.api").joinpath("page", name).read_bytes()
