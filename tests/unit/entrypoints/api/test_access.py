"""Who may call."""

from __future__ import annotations

import logging

import pytest
from api_service import METRICS_TOKEN, NEXT_TOKEN, TOKEN, Service
from asgi_client import Client

from sploot_media_clustering.entrypoints.api.access import Gate, require_safe
from sploot_media_clustering.errors import ConfigurationError, TemporaryError
from sploot_media_clustering.settings import ApiSettings

PATHS = ("/internal/pets/milo/clusters", "/internal/dead-letters", "/internal/cluster-jobs/x", "/metrics")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Internal-Token": ""},
        {"X-Internal-Token": TOKEN[:-1]},
        {"X-Internal-Token": TOKEN + "0"},
        {"X-Internal-Token": "nö"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN.upper()}"},
    ],
    ids=lambda headers: str(sorted(headers.items()))[:40],
)
def test_without_a_token_of_ours_nothing_is_told(
    service: Service, path: str, headers: dict[str, str]
) -> None:
    """The answer is the same for a missing, a short, a long and a wrong one."""
    encoded = {name: value.encode() for name, value in headers.items()}
    response = service.client(token=None).get(path, headers=encoded)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["type"] == "urn:sploot:problem:unauthorised"


@pytest.mark.parametrize("token", [TOKEN, NEXT_TOKEN])
@pytest.mark.parametrize("form", ["X-Internal-Token", "Authorization"])
def test_each_of_several_tokens_opens_in_both_forms(service: Service, token: str, form: str) -> None:
    """So that one can be exchanged for the next without a gap."""
    value = token if form == "X-Internal-Token" else f"Bearer {token}"
    response = service.client(token=None).get("/internal/pets/milo/clusters", headers={form: value})
    assert response.status_code == 200


def test_a_token_for_metrics_opens_metrics_alone(service: Service) -> None:
    """A scraper can't read albums."""
    client = service.client(token=METRICS_TOKEN)
    assert client.get("/metrics").status_code == 200
    assert client.get("/internal/pets/milo/clusters").status_code == 401
    assert service.client(token=TOKEN).get("/metrics").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_without_a_token_and_without_details(service: Service, path: str) -> None:
    """Probes have none."""
    assert service.client(token=None).get(path).json() == {"status": "ok"}
    service.albums.error = TemporaryError("secret insides")
    failing = service.client(token=None).get("/readyz")
    assert failing.status_code == 503
    assert failing.headers["retry-after"] == "1"
    assert "secret" not in failing.text
    assert service.client(token=None).get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "settings",
    [
        ApiSettings(),
        ApiSettings(tokens=("short",)),
        ApiSettings(tokens=(TOKEN, "short")),
        ApiSettings(tokens=(TOKEN[:31],)),
        ApiSettings(tokens=("changeme" * 4,)),
        ApiSettings(tokens=("x" * 40,)),
        ApiSettings(tokens=("replace-me-0123456789-abcdefghijk",)),
        ApiSettings(tokens=("my-INTERNAL-TOKEN-of-0123456789ab",)),
        ApiSettings(tokens=(TOKEN,), metrics_tokens=("short",)),
        ApiSettings(local=True, tokens=("short",)),
        ApiSettings(local=True, host="0.0.0.0"),  # noqa: S104 - refused
        ApiSettings(local=True, host="example.com"),
    ],
)
def test_it_refuses_to_start_with_tokens_that_can_be_guessed(settings: ApiSettings) -> None:
    """Missing, short, from an example; and without any it listens to this machine alone."""
    with pytest.raises(ConfigurationError):
        require_safe(settings)


@pytest.mark.parametrize(
    "settings",
    [
        ApiSettings(tokens=(TOKEN,)),
        ApiSettings(local=True),
        ApiSettings(local=True, host="::1"),
        ApiSettings(local=True, host="localhost"),
        ApiSettings(local=True, host="0.0.0.0", tokens=(TOKEN,)),  # noqa: S104 - with a token
    ],
)
def test_it_starts_with_random_tokens_or_for_this_machine(settings: ApiSettings) -> None:
    """Both are safe."""
    require_safe(settings)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "localhost"])
def test_in_local_mode_this_machine_needs_no_token(service: Service, host: str) -> None:
    """Under any of its names."""
    client = service.client(token=None, local=True, tokens=())
    assert client.get("/internal/pets/milo/clusters", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8080"},
        {"Host": "localhost.evil.example"},
        {"Host": "[::2]:8080"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example:8080"},
    ],
)
def test_in_local_mode_other_sites_are_refused(service: Service, headers: dict[str, str]) -> None:
    """A page in the person's own browser can't reach us, by rebinding or from its own origin."""
    client = service.client(token=None, local=True, tokens=())
    response = client.get("/internal/pets/milo/clusters", headers=headers)
    assert response.status_code == 403
    assert response.json()["type"] == "urn:sploot:problem:not-local"


def test_a_gate_compares_with_every_token() -> None:
    """The first as well as the last."""
    gate = Gate((TOKEN, NEXT_TOKEN))
    assert gate.admits(TOKEN)
    assert gate.admits(NEXT_TOKEN)
    assert not gate.admits("")
    assert not gate.open
    assert Gate(()).open


def test_no_log_and_no_repr_holds_a_token(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Nor what a caller sent."""
    with caplog.at_level(logging.DEBUG, logger="sploot_media_clustering"):
        client: Client = service.client()
        client.get("/internal/pets/milo/clusters?sig=secret")
        client.post(
            "/internal/cluster-jobs",
            json={"pet_id": "a", "images": [{"image_id": "b", "uri": "https://u:secret@h/x"}]},
        )
        service.client(token="wrong-" + TOKEN).get("/internal/pets/milo/clusters")
    assert len(caplog.records) == 3
    assert TOKEN not in caplog.text
    assert "secret" not in caplog.text
    assert TOKEN not in repr(service.settings)
