"""What every source of photos promises, over every store that can run here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import pytest

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.errors import ImageTooLargeError, UnreadablePhotoError
from sploot_media_clustering.services.ports import PhotoSource

PHOTO = bytes(range(256)) * 20_000
"""Longer than one chunk and one network block."""


@dataclass(frozen=True)
class Shelf:
    """A source, and the URI of the folder where ``1.jpg`` holds :data:`PHOTO` and ``0.jpg`` nothing."""

    source: PhotoSource
    place: str


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(params=["file", "memory", "http"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    source = FsspecSource(file_systems=FileSystems(timeout_s=10.0), max_bytes=len(PHOTO))
    (tmp_path / "1.jpg").write_bytes(PHOTO)
    (tmp_path / "0.jpg").touch()
    if request.param == "file":
        yield Shelf(source, str(tmp_path))
    elif request.param == "memory":
        fsspec.filesystem("memory").pipe({"/shelf/1.jpg": PHOTO, "/shelf/0.jpg": b""})
        yield Shelf(source, "memory://shelf")
    else:
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path))) as server:
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            yield Shelf(source, f"http://127.0.0.1:{server.server_port}")
            server.shutdown()


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
    small = FsspecSource(file_systems=FileSystems(), max_bytes=len(PHOTO) - 1)
    with pytest.raises(ImageTooLargeError, match="at most 5,119,999 bytes"):
        small.read(f"{shelf.place}/1.jpg")
