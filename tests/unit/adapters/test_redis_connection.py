"""What REDIS_URL can say."""

from __future__ import annotations

import pytest

from sploot_media_clustering.adapters.redis_connection import _parts, connect, place
from sploot_media_clustering.errors import ConfigurationError


def test_several_hosts_are_told_with_who_asks() -> None:
    """Signs that end a part of a URL are quoted; a host without a port has the usual one."""
    who, hosts, path = _parts("a%40b:c%2F%3A@one:1,two,[::1]:3/cats/0", 26379)
    assert who == {"username": "a@b", "password": "c/:"}
    assert hosts == [("one", 1), ("two", 26379), ("::1", 3)]
    assert path == "cats/0"


def test_a_password_alone_is_no_user() -> None:
    """The server's default user is meant."""
    assert _parts(":secret@one", 1) == ({"password": "secret"}, [("one", 1)], "")
    assert _parts("one", 1) == ({}, [("one", 1)], "")


@pytest.mark.parametrize("url", ["http://one", "one:6379", "cluster://", "sentinel://,one/cats"])
def test_other_urls_are_refused(url: str) -> None:
    """With what was expected."""
    with pytest.raises(ConfigurationError, match="redis://"):
        connect(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:secret@one:6379/0", "redis://one:6379/0"),
        ("rediss://:se/cret@one", "rediss://one"),
        ("redis://one/0?password=secret", "redis://one/0"),
        ("redis://me:sec?ret@one/0", "redis://..."),
        ("sentinel://me:secret@one:1,two/cats/0", "sentinel://one:1,two/cats/0"),
        ("unix:///run/store.sock?db=1", "unix:///run/store.sock"),
    ],
)
def test_where_a_store_is_can_be_told_without_a_secret(url: str, shown: str) -> None:
    """Hosts and path of every kind of URL, and nothing of who asks."""
    assert place(url) == shown
