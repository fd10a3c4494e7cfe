"""Settings of the service, from environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.settings import (
    EMBEDDED,
    ApiSettings,
    EmbedderSettings,
    StoreSettings,
    UriSettings,
    WorkerSettings,
    api_from_environment,
    embedder_from_environment,
    from_environment,
    store_from_environment,
    uris_from_environment,
    worker_from_environment,
)


def test_by_default_nothing_is_open() -> None:
    """No token, no place to read photos from, and loopback."""
    assert api_from_environment({}) == ApiSettings()
    assert uris_from_environment({}) == UriSettings()
    assert (ApiSettings().tokens, ApiSettings().local, ApiSettings().host) == ((), False, "127.0.0.1")
    assert (UriSettings().hosts, UriSettings().prefixes, UriSettings().file_root) == ((), (), None)


def test_the_api_is_set_up_by_the_environment() -> None:
    """Lists are separated by commas, blanks around them don't count."""
    told = {
        "SPLOOT_LOCAL": "true",
        "SPLOOT_API_TOKENS": "one, two,",
        "SPLOOT_METRICS_TOKENS": "three",
        "SPLOOT_API_HOST": "::1",
        "SPLOOT_API_PORT": "9000",
        "SPLOOT_API_MAX_BODY_BYTES": "5",
        "SPLOOT_API_REQUESTS_PER_S": "0.5",
        "SPLOOT_API_BURST": "2",
    }
    assert api_from_environment(told) == ApiSettings(
        local=True,
        tokens=("one", "two"),
        metrics_tokens=("three",),
        host="::1",
        port=9000,
        max_body_bytes=5,
        requests_per_s=0.5,
        burst=2,
    )


def test_an_embedding_server_is_set_up_by_variables_of_its_own() -> None:
    """It shares no token with the API; who asks it sends the first."""
    told = {
        "SPLOOT_API_TOKENS": "api",
        "SPLOOT_EMBEDDER_TOKENS": "next, now",
        "SPLOOT_EMBEDDER_HOST": "::1",
        "SPLOOT_EMBEDDER_PORT": "9001",
        "SPLOOT_EMBEDDER_DELAY_S": "0",
        "SPLOOT_EMBEDDER_URL": "http://embedder:9001",
    }
    assert embedder_from_environment({}) == EmbedderSettings()
    assert embedder_from_environment(told) == EmbedderSettings(
        tokens=("next", "now"), host="::1", port=9001, delay_s=0.0
    )
    asking = from_environment(told)
    assert (asking.embedder_url, asking.embedder_token) == ("http://embedder:9001", "next")
    assert "next" not in repr(asking) + repr(embedder_from_environment(told))


def test_places_of_photos_are_listed_by_the_environment() -> None:
    """Each kind by itself."""
    told = {
        "SPLOOT_URI_SCHEMES": "https,http",
        "SPLOOT_URI_HOSTS": "a.example,*.b.example:81",
        "SPLOOT_URI_PREFIXES": "s3://bucket/folder/",
        "SPLOOT_FILE_ROOT": "/srv/photos",
        "SPLOOT_URI_NETWORKS": "10.1.0.0/16",
    }
    assert uris_from_environment(told) == UriSettings(
        schemes=("https", "http"),
        hosts=("a.example", "*.b.example:81"),
        prefixes=("s3://bucket/folder/",),
        file_root=Path("/srv/photos"),
        networks=("10.1.0.0/16",),
    )


def test_the_store_is_named_or_is_our_own_in_local_mode() -> None:
    """Elsewhere a missing one is a mistake, since jobs would go where no worker looks."""
    named = {
        "REDIS_URL": "redis://h",
        "SPLOOT_STORE": "/srv/store",
        "SPLOOT_URI_TEMPLATE": "s3://b/{image_id}",
        "SPLOOT_PARTITIONS": "4",
    }
    folder = Path("/srv/store")
    assert store_from_environment(named) == StoreSettings(
        url="redis://h", folder=folder, uri_template="s3://b/{image_id}", partitions=4
    )
    local = store_from_environment({"SPLOOT_LOCAL": "1", "XDG_DATA_HOME": "/srv/data"})
    assert (local.url, local.folder) == (EMBEDDED, Path("/srv/data/sploot-media-clustering/store"))
    assert local.partitions is None
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        store_from_environment({})
    for count in ("0", "33", "many"):
        with pytest.raises(ConfigurationError, match=f"SPLOOT_PARTITIONS is '?{count}'?, expected"):
            store_from_environment({**named, "SPLOOT_PARTITIONS": count})


@pytest.mark.parametrize(
    "told",
    [{"SPLOOT_LOCAL": "maybe"}, {"SPLOOT_API_PORT": "http"}, {"SPLOOT_API_BURST": "-1"}],
    ids=str,
)
def test_what_does_not_read_is_a_mistake(told: dict[str, str]) -> None:
    """Named, with what it should be."""
    with pytest.raises(ConfigurationError, match=f"{next(iter(told))} is .*expected"):
        api_from_environment(told)


def test_secrets_stand_in_no_repr() -> None:
    """Settings are logged by somebody sooner or later."""
    assert "secret" not in repr(ApiSettings(tokens=("secret",), metrics_tokens=("secret",)))
    assert "secret" not in repr(StoreSettings(url="redis://:secret@h", folder=Path()))


def test_a_worker_is_set_up_by_the_environment() -> None:
    """It tells nobody how it is, unless a port is named."""
    assert worker_from_environment({}) == WorkerSettings()
    assert WorkerSettings().port == 0
    told = {
        "SPLOOT_WORKER_PORT": "9001",
        "SPLOOT_WORKER_HOST": "0.0.0.0",  # noqa: S104 - it listens to nothing here
        "SPLOOT_DEAD_LETTERS_MOST": "7",
    }
    assert worker_from_environment(told) == WorkerSettings(port=9001, host="0.0.0.0", letters_most=7)  # noqa: S104
