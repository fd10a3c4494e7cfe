"""Browsers of other machines: paired by a link, known by a cookie, and led here by nobody else."""

from __future__ import annotations

import socket
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from asgi_client import Client
from msgspec.structs import replace as changed
from page_service import LOCAL, PageService
from sample_answers import household

from sploot_media_clustering.entrypoints.api.app import create_app
from sploot_media_clustering.entrypoints.api.pairing import COOKIE, Pairing
from sploot_media_clustering.errors import ConfigurationError

TOKEN, ANOTHER = (sha256(name).hexdigest()[:32] for name in (b"this run", b"another run"))
PAGES = ("/", "/review", "/page/review.js", "/page/review.css")
DATA = (
    "/page/albums",
    "/page/state",
    "/page/pets/milo/images/milo/1.jpg",
    "/internal/pets/milo/review",
    "/internal/pets/milo/decisions",
    "/metrics",
)
DECISIONS = "/internal/pets/milo/decisions"
HERO = {"kind": "hero", "sightings": [{"image_id": "milo/1.jpg"}]}
HOST = {"Host": "192.168.1.7:8090"}


@pytest.fixture
def service(tmp_path: Path) -> PageService:
    service = PageService(tmp_path / "photos", settings=replace(LOCAL, host="0.0.0.0"))  # noqa: S104
    service.show(changed(household(), pet_id="milo"))
    return service


@pytest.fixture
def client(service: PageService) -> Client:
    return Client(create_app(replace(service.parts, pairing=Pairing(TOKEN))))


def with_cookie(token: str = TOKEN, **headers: str) -> dict[str, str]:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return {**HOST, "Cookie": f"{COOKIE}={token}", **told}


def test_other_machines_are_served_with_pairing_alone(service: PageService) -> None:
    """Without it an address that others reach is refused at the start."""
    with pytest.raises(ConfigurationError, match="loopback"):
        create_app(service.parts)


def test_nothing_of_an_album_is_told_to_who_was_not_paired(client: Client) -> None:
    """The page itself, which says so, and nothing behind it; nor is this machine trusted more."""
    for path in PAGES:
        assert client.get(path, HOST).status_code == 200, path
    for path in DATA:
        for headers in (HOST, {"Host": "localhost:8090"}, with_cookie(ANOTHER)):
            response = client.get(path, headers)
            assert (response.status_code, response.json()["type"][-12:]) == (401, "unauthorised"), path
    assert client.post(DECISIONS, json=HERO, headers=HOST).status_code == 401


def test_the_link_pairs_a_browser(client: Client) -> None:
    """By a cookie that no script reads and no other site's page sends; then it may see and judge."""
    response = client.get(f"/pair?token={TOKEN}", HOST)
    assert (response.status_code, response.headers["location"]) == (303, "/review")
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    for path in DATA:
        assert client.get(path, with_cookie()).status_code == 200, path
    assert client.post(DECISIONS, json=HERO, headers=with_cookie()).status_code == 200


def test_a_link_of_another_run_pairs_nobody(client: Client, service: PageService) -> None:
    """Nor does any link where there is no pairing."""
    response = client.get(f"/pair?token={ANOTHER}", HOST)
    assert response.status_code == 401
    assert "set-cookie" not in response.headers
    assert client.get("/pair", HOST).status_code == 422
    service.settings = LOCAL
    assert service.client().get(f"/pair?token={TOKEN}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "192.168.1.7.rebound.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://192.168.1.8:8090"},
        {"Origin": "http://192.168.1.7:3000"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_a_paired_browser_is_led_here_by_no_other_site(client: Client, headers: dict[str, str]) -> None:
    """Neither by a name that was rebound to this machine, nor from another page, be it on this machine."""
    for path in (*PAGES, *DATA, f"/pair?token={TOKEN}"):
        assert client.get(path, with_cookie() | headers).status_code == 403, path
    assert client.post(DECISIONS, json=HERO, headers=with_cookie() | headers).status_code == 403


def test_this_machine_may_be_called_by_any_name_of_its_own(client: Client) -> None:
    """Addresses, loopback names, and what it is called; its own page sends its own origin."""
    for host in ("192.168.1.7:8090", "[fd00::7]:8090", "localhost:8090", f"{socket.gethostname()}:8090"):
        own = with_cookie(Host=host, Origin=f"http://{host}")
        assert client.post(DECISIONS, json=HERO, headers=own).status_code == 200, host
