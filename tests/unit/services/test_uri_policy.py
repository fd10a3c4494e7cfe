"""What may be read, and what is refused before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from sploot_media_clustering.errors import ConfigurationError, ForbiddenUriError
from sploot_media_clustering.services.uri_policy import (
    FilePlace,
    HttpPlace,
    ObjectPlace,
    UriPolicy,
    network,
)

POLICY = UriPolicy(
    hosts=("cdn.example.com", "*.photos.example.com", "minio.example.com:9000"),
    prefixes=("s3://albums/pets/", "gs://whole-bucket"),
    file_root=Path("/srv/photos"),
)


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        (
            "https://cdn.example.com/a.jpg?sig=1%2F2",
            HttpPlace("https", "cdn.example.com", 443, "/a.jpg?sig=1%2F2"),
        ),
        ("HTTPS://CDN.example.COM./a.jpg#part", HttpPlace("https", "cdn.example.com", 443, "/a.jpg")),
        ("https://eu.photos.example.com/ü", HttpPlace("https", "eu.photos.example.com", 443, "/%C3%BC")),
        ("https://minio.example.com:9000", HttpPlace("https", "minio.example.com", 9000, "/")),
        ("s3://albums/pets/milo/1.jpg", ObjectPlace("s3", "s3://albums/pets/milo/1.jpg")),
        ("gcs://whole-bucket/1.jpg", ObjectPlace("gs", "gs://whole-bucket/1.jpg")),
        ("file:///srv/photos/a%20b.jpg", FilePlace("/srv/photos/a b.jpg")),
    ],
)
def test_what_is_listed_may_be_read(uri: str, place: object) -> None:
    """Hosts with the port they are listed with, buckets by prefix, files by their path."""
    assert POLICY.place(uri) == place


@pytest.mark.parametrize(
    "uri",
    [
        "http://cdn.example.com/a.jpg",
        "https://cdn.example.com:8443/a.jpg",
        "https://cdn.example.com.evil.org/a.jpg",
        "https://evil-cdn.example.com/a.jpg",
        "https://photos.example.com/a.jpg",
        "https://evilphotos.example.com/a.jpg",
        "https://minio.example.com/a.jpg",
        "https://cdn.example.com@evil.org/a.jpg",
        "https://user:secret@cdn.example.com/a.jpg",
        "https://evil.org\\@cdn.example.com/a.jpg",
        "https://cdn.example.com\t/a.jpg",
        "https://cdn.example.com:99999/a.jpg",
        "https://cdn。example。com/a.jpg",
        "https:///a.jpg",
        "https://[::1",
        "s3://albums/petshop/1.jpg",
        "s3://albums/pets/../private/1.jpg",
        "s3://albums/pets/1.jpg?versionId=3",
        "s3://albums-evil/pets/1.jpg",
        "s3://other/1.jpg",
        "s3://albums/pets/a::zip://b",
        "gs://albums/pets/1.jpg",
        "zip::https://cdn.example.com/a.zip",
        "simplecache::s3://albums/pets/1.jpg",
        "ftp://cdn.example.com/a.jpg",
        "gopher://cdn.example.com/",
        "memory://a.jpg",
        "data:image/png;base64,AAAA",
        "/srv/photos/a.jpg",
        "file://elsewhere/srv/photos/a.jpg",
        "file:relative.jpg",
        "file:///srv/photos/a%00.jpg",
        "",
        "https://cdn.example.com/" + "a" * 5000,
    ],
)
def test_what_is_not_listed_is_refused(uri: str) -> None:
    """Nor is anything that two parsers might read as two things; the message keeps secrets."""
    with pytest.raises(ForbiddenUriError) as refused:
        POLICY.place(uri)
    assert "secret" not in str(refused.value)
    assert "evil.org/" not in str(refused.value)


@pytest.mark.parametrize("uri", ["https://cdn.example.com/a", "s3://b/a", "file:///a", "http://a/"])
def test_by_default_nothing_may_be_read(uri: str) -> None:
    """An installation lists what it needs."""
    with pytest.raises(ForbiddenUriError):
        UriPolicy().place(uri)


def test_every_host_means_every_host_on_the_usual_port() -> None:
    """The address decides then."""
    policy = UriPolicy(hosts=("*",))
    assert policy.place("https://anything.example.org/x") is not None
    with pytest.raises(ForbiddenUriError):
        policy.place("https://anything.example.org:6379/x")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
        "localhost",
        "2130706433",
        "",
    ],
)
def test_addresses_inside_are_refused(address: str) -> None:
    """Loopback, private, link-local, shared, reserved and multicast ones, however they are spelt."""
    assert not UriPolicy(hosts=("*",)).permits(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14", "64:ff9b::808:808"]
)
def test_public_addresses_are_permitted(address: str) -> None:
    """In both families."""
    assert UriPolicy().permits(address)


def test_a_listed_network_is_permitted_and_no_other() -> None:
    """Also where its address is spelt as IPv6."""
    policy = UriPolicy(networks=(network("10.1.0.0/16"), network("fd00::/8")))
    assert policy.permits("10.1.2.3")
    assert policy.permits("::ffff:10.1.2.3")
    assert policy.permits("fd00::7")
    assert not policy.permits("10.2.2.3")
    assert not policy.permits("127.0.0.1")


def test_a_network_that_is_none_is_a_mistake_of_the_configuration() -> None:
    """With an example of one."""
    with pytest.raises(ConfigurationError, match=r"10\.0\.0\.0/8"):
        network("10.0.0.1/8")
