from __future__ import annotations

import errno
from typing import cast

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from sploot_media_clustering.adapters.filesystems import FileSystems, protocol_of, shown, translated_errors
from sploot_media_clustering.errors import (
    ConfigurationError,
    InputError,
    MissingExtraError,
    SourceUnavailableError,
    UnreadablePhotoError,
)

SIGNED_URI = "https://anna:geheim@example.org/milo/1.jpg?X-Amz-Signature=geheim#geheim"
SHOWN_URI = "https://example.org/milo/1.jpg"


class ServerError(Exception):
    """As aiohttp's: the whole URI in its text, and the status beside it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status} for {SIGNED_URI}")
        self.status = status


class NoCredentialsError(Exception):
    """As botocore's, which may not be installed."""


@pytest.mark.parametrize(
    ("uri", "protocol"),
    [
        ("/photos/1.jpg", "file"),
        ("photos/a::b.jpg", "file"),
        ("local:///photos", "file"),
        ("S3://bucket/1.jpg", "s3"),
        ("gcs://bucket/1.jpg", "gs"),
        ("zip://1.jpg::https://example.org/a.zip", "zip"),
    ],
)
def test_a_protocol_has_one_name(uri: str, protocol: str) -> None:
    """So that ids and permissions don't depend on how it is spelled."""
    assert protocol_of(uri) == protocol


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (SIGNED_URI, SHOWN_URI),
        ("s3://key:secret@bucket/1.jpg?versionId=7", "s3://bucket/1.jpg"),
        ("https://[broken/1.jpg?token=geheim", "https://[broken/1.jpg"),
        ("/photos/what?.jpg", "/photos/what?.jpg"),
        ("/photos/\udcff.jpg", "/photos/\ufffd.jpg"),
    ],
)
def test_what_is_shown_holds_no_secret(uri: str, expected: str) -> None:
    """User, password, query and fragment are left out; local names stay as they are."""
    assert shown(uri) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(SIGNED_URI), UnreadablePhotoError),
        (IsADirectoryError(SIGNED_URI), UnreadablePhotoError),
        (PermissionError(SIGNED_URI), UnreadablePhotoError),
        (ServerError(403), UnreadablePhotoError),
        (ServerError(410), UnreadablePhotoError),
        (ServerError(429), SourceUnavailableError),
        (ServerError(503), SourceUnavailableError),
        (TimeoutError(SIGNED_URI), SourceUnavailableError),
        (ConnectionResetError(SIGNED_URI), SourceUnavailableError),
        (OSError(5, "Input/output error"), SourceUnavailableError),
        (ValueError(SIGNED_URI), SourceUnavailableError),
        (NoCredentialsError(SIGNED_URI), ConfigurationError),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)[:30]),
)
def test_errors_of_drivers_become_ours(error: Exception, expected: type[Exception]) -> None:
    """By what the caller does next; the message names the place without its secrets."""
    with pytest.raises(expected) as caught, translated_errors(SIGNED_URI):
        raise error
    assert SHOWN_URI in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_our_own_errors_pass() -> None:
    """What is already named is not named again."""
    with pytest.raises(InputError, match="as it was"), translated_errors(SIGNED_URI):
        raise InputError("as it was")


def test_a_protocol_that_may_not_be_used_is_refused() -> None:
    """A service that takes URIs from outside must not read its own disk."""
    with pytest.raises(UnreadablePhotoError, match="expected a path or a URI of https"):
        FileSystems(protocols=frozenset({"https"})).open("/etc/passwd")
    with pytest.raises(UnreadablePhotoError, match=r"got zip://1\.jpg"):
        FileSystems().open("zip://1.jpg::a.zip")


@pytest.mark.parametrize(("uri", "extra"), [("s3://bucket/1.jpg", "s3"), ("gs://bucket/1.jpg", "gcs")])
def test_a_missing_driver_is_named_by_its_extra(
    monkeypatch: pytest.MonkeyPatch, uri: str, extra: str
) -> None:
    """The message is the command that mends it."""

    def missing(*_args: object, **_options: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.filesystem", missing)
    with pytest.raises(MissingExtraError, match=rf"pip install 'sploot-media-clustering\[{extra}\]'"):
        FileSystems().open(uri)


def test_options_reach_the_driver_and_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials are passed on, and are not part of the value's text."""
    seen: dict[str, object] = {}

    def remember(protocol: str, **options: object) -> MemoryFileSystem:
        seen.update(options, protocol=protocol)
        return MemoryFileSystem()

    monkeypatch.setattr("fsspec.filesystem", remember)
    file_systems = FileSystems(timeout_s=7.0, options={"gs": {"token": "geheim"}})
    file_systems.open("gcs://bucket/1.jpg")
    assert seen == {"protocol": "gs", "requests_timeout": 7.0, "token": "geheim"}
    assert "geheim" not in repr(file_systems)


def test_every_network_has_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words of each driver; what is set for a store by hand goes before."""
    seen: dict[str, object] = {}

    def remember(protocol: str, **options: object) -> MemoryFileSystem:
        seen[protocol] = options
        return MemoryFileSystem()

    monkeypatch.setattr("fsspec.filesystem", remember)
    for uri in ("s3://bucket/1.jpg", "gs://bucket/1.jpg", "https://example.org/1.jpg", "1.jpg"):
        FileSystems(timeout_s=7.0).open(uri)
    assert seen["s3"] == {"config_kwargs": {"connect_timeout": 7.0, "read_timeout": 7.0}}
    assert seen["gs"] == {"requests_timeout": 7.0}
    assert "client_kwargs" in cast("dict[str, object]", seen["https"])
    assert seen["file"] == {}


@pytest.mark.parametrize(
    "error",
    [
        ValueError("embedded null byte"),
        OSError(errno.ENAMETOOLONG, "File name too long"),
        OSError(errno.EINVAL, "Invalid argument"),
        OSError(errno.ELOOP, "Too many levels of symbolic links"),
    ],
)
def test_a_name_that_no_file_can_have_is_the_photo_s_fault(error: Exception) -> None:
    """Trying again will not help, and the photos beside it go on."""
    with pytest.raises(UnreadablePhotoError, match="check the path"), translated_errors("a\0.jpg"):
        raise error


def test_a_disk_that_fails_may_recover() -> None:
    """An I/O error says nothing about the photo."""
    with pytest.raises(SourceUnavailableError), translated_errors("1.jpg"):
        raise OSError(errno.EIO, "Input/output error")
