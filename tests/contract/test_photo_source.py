"""What every source of photos promises, over every store that can run here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import pytest

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.guarded_source import GuardedSource
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.errors import ImageTooLargeError, UnreadablePhotoError
from sploot_media_clustering.services.ports import PhotoSource
from sploot_media_clustering.services.uri_policy import UriPolicy, network

PHOTO = bytes(range(256)) * 20_000
"""Longer than one chunk and one network block."""


@dataclass(frozen=True)
class Shelf:
    """What makes a source with a limit of bytes, and the URI of its folder.

    There ``1.jpg`` holds :data:`PHOTO` and ``0.jpg`` nothing.
    """

    make: Callable[[int], PhotoSource]
    place: str

    @property
    def source(self) -> PhotoSource:
        return self.make(len(PHOTO))


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


def any_place(max_bytes: int) -> PhotoSource:
    return FsspecSource(file_systems=FileSystems(timeout_s=10.0), max_bytes=max_bytes)


@pytest.fixture(params=["file", "memory", "http", "guarded file", "guarded http"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    (tmp_path / "1.jpg").write_bytes(PHOTO)
    (tmp_path / "0.jpg").touch()
    if request.param == "file":
        yield Shelf(any_place, str(tmp_path))
    elif request.param == "guarded file":
        policy = UriPolicy(file_root=tmp_path)
        yield Shelf(lambda max_bytes: GuardedSource(policy, max_bytes=max_bytes), tmp_path.as_uri())
    elif request.param == "memory":
        fsspec.filesystem("memory").pipe({"/shelf/1.jpg": PHOTO, "/shelf/0.jpg": b""})
        yield Shelf(any_place, "memory://shelf")
    else:
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path))) as server:
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            place = f"http://127.0.0.1:{server.server_port}"
            yield Shelf(guarded(place) if request.param == "guarded http" else any_place, place)
            server.shutdown()


def guarded(place: str) -> Callable[[int], PhotoSource]:
    policy = UriPolicy(
        schemes=frozenset({"http"}), hosts=(place.partition("://")[2],), networks=(network("127.0.0.0/8"),)
    )
    return lambda max_bytes: GuardedSource(policy, max_bytes=max_bytes)


def test_all_bytes_are_read(shelf: Shelf) -> None:
    """Exactly as stored, up to the limit."""
    assert shelf.source.read(f"{shelf.place}/1.jpg") == PHOTO


def test_an_empty_file_is_no_bytes(shelf: Shelf) -> None:
    """Whether that is an error is the decoder's word."""
    assert shelf.source.read(f"{shelf.place}/0.jpg") == b""


def test_a_missing_photo_is_unreadable(shelf: Shelf) -> None:
    """Trying again will not help, and the message names it."""
    with pytest.raises(UnreadablePhotoError, match=r"expected a file at .*2\.jpg"):
        shelf.source.read(f"{shelf.place}/2.jpg")


def test_a_photo_over_the_limit_is_refused(shelf: Shelf) -> None:
    """Each source has its own limit."""
    with pytest.raises(ImageTooLargeError, match="at most 5,119,999 bytes"):
        shelf.make(len(PHOTO) - 1).read(f"{shelf.place}/1.jpg")
