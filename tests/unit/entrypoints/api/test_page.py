"""The page of local mode: what it serves, to whom, and from where."""

from __future__ import annotations

import io
from dataclasses import replace as changed
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace
from page_service import LOCAL, PageService
from PIL import Image
from sample_answers import NOON, household

PHOTO = "/page/pets/milo/images/milo/1.jpg"
PAGES = (
    "/",
    "/review",
    *(f"/page/{name}" for name in ("page.js", "page.css", "parts.js", "review.js", "review.css")),
)
PATHS = (*PAGES, "/page/albums", "/page/state", PHOTO)


@pytest.fixture
def service(tmp_path: Path) -> PageService:
    service = PageService(tmp_path / "photos")
    service.show(replace(household(), pet_id="milo"))
    return service


NOWHERE = (
    "/page/pets/milo/images/nobody.jpg",
    "/page/pets/milo/images/../../../etc/passwd",
    "/page/pets/milo/images/%2Fetc%2Fpasswd",
    "/page/pets/luna/images/milo/1.jpg",
    "/page/..%2F..%2Fapp.py",
    "/page/page.html",
)
STRANGERS = [
    {"Host": "rebound.example"},
    {"Host": "localhost:8080.rebound.example"},
    {"Host": "localhost.rebound.example:8080"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document", "Host": "rebound.example"},
]


def test_whoever_opens_the_page_on_this_machine_sees_it(service: PageService) -> None:
    """By any loopback name; nothing of another site may be loaded into it, nor frame it."""
    client = service.client()
    own = ({"Host": "127.0.0.1:8080"}, {"Host": "[::1]:8080"}, {"Sec-Fetch-Site": "same-origin"})
    for path, headers in product(PATHS, own):
        response = client.get(path, headers)
        assert response.status_code == 200
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert response.headers["cross-origin-resource-policy"] == "same-origin"


def test_no_other_site_sees_it(service: PageService) -> None:
    """Neither by a name that was rebound to this machine, nor as a picture in its own page."""
    client = service.client()
    for path, headers in product(PATHS, STRANGERS):
        assert client.get(path, headers).status_code == 403, (path, headers)


def test_a_link_from_elsewhere_may_be_followed(service: PageService) -> None:
    """In a window of its own; whoever holds the link sees nothing of it."""
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    response = service.client().get("/", followed)
    assert response.status_code == 200
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert response.headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    "change", [{"local": False, "tokens": ("t",)}, {"tokens": ("t",)}], ids=["not local", "with tokens"]
)
def test_there_is_no_page_where_callers_need_tokens(service: PageService, change: dict[str, object]) -> None:
    """It can't present one."""
    token = sha256(b"token").hexdigest()
    service.settings = changed(LOCAL, **change | {"tokens": (token,)})
    client = service.client()
    for path in PATHS:
        assert client("GET", path, headers={"X-Internal-Token": token}).status_code == 404


def test_a_thumbnail_is_small_and_is_not_made_again_for_who_holds_it(service: PageService) -> None:
    """WebP of the side that was asked for, of two that may be asked for."""
    client = service.client()
    response = client.get(PHOTO)
    with Image.open(io.BytesIO(response.content)) as image:
        assert (image.format, image.size) == ("WEBP", (320, 240))
    assert client.get(PHOTO, {"If-None-Match": response.headers["etag"]}).status_code == 304
    assert client.get(f"{PHOTO}?side=960").headers["etag"] != response.headers["etag"]
    assert client.get(f"{PHOTO}?side=5000").status_code == 422


def test_only_photos_of_the_album_are_shown(service: PageService) -> None:
    """A path that was made up is no photo."""
    client = service.client()
    for path in NOWHERE:
        assert client.get(path).status_code == 404, path


def test_a_photo_outside_the_folder_is_not_read(service: PageService, tmp_path: Path) -> None:
    """Neither named as such, nor through a link, nor from the network."""
    Image.new("RGB", (640, 480)).save(tmp_path / "secret.jpg")
    (service.root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    places = (
        (tmp_path / "secret.jpg").as_uri(),
        (service.root / "link.jpg").as_uri(),
        "http://127.0.0.1/1.jpg",
    )
    client = service.client()
    for uri in places:
        service.uris["milo/1.jpg"] = uri
        response = client.get(PHOTO)
        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


def test_albums_are_listed_by_name_with_what_stands_for_them(service: PageService) -> None:
    """As they are now; a deleted one is not among them; a list at hand is not sent again."""
    service.show(replace(household(), pet_id="ada", version=7, clusters=()))
    client = service.client()
    response = client.get("/page/albums")
    ada, milo = response.json()
    assert (ada["pet_id"], ada["cover"], ada["version"]) == ("ada", None, 7)
    assert (milo["animals"], milo["photos"]) == (2, len(household().images))
    assert milo["cover"]["image_id"] == "milo/3.jpg"
    etag = {"If-None-Match": response.headers["etag"]}
    assert client.get("/page/albums", etag).status_code == 304
    service.delete("milo")
    assert [part["pet_id"] for part in client.get("/page/albums", etag).json()] == ["ada"]


def test_the_page_tells_how_many_jobs_are_open(service: PageService) -> None:
    """And whether anybody works on them; what has not changed is not sent again."""
    client = service.client()
    response = client.get("/page/state")
    assert response.json() == {"open": 0, "workers": 1, "paused": False}
    etag = {"If-None-Match": response.headers["etag"]}
    assert client.get("/page/state", etag).status_code == 304
    service.overseer.waiting, service.overseer.paused_at = 3, NOON
    assert client.get("/page/state", etag).json() == {"open": 3, "workers": 1, "paused": True}
