from __future__ import annotations

import io
from pathlib import Path

import fsspec
import pytest

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.errors import ImageTooLargeError, UnreadablePhotoError


def source(max_bytes: int = 10**7, **options: object) -> FsspecSource:
    return FsspecSource(file_systems=FileSystems(**options), max_bytes=max_bytes)


@pytest.mark.parametrize("name", ["1.jpg", "IMG [1]#?%20.jpg", "a::b.jpg", "mïlo.jpg"])
def test_local_files_are_read_whatever_their_names(tmp_path: Path, name: str) -> None:
    """By path; brackets, question marks and colons are parts of names and nothing else."""
    (tmp_path / name).write_bytes(b"photo")
    assert source().read(str(tmp_path / name)) == b"photo"


def test_a_limit_in_bytes_is_inclusive(tmp_path: Path) -> None:
    """At the limit is inside it."""
    path = tmp_path / "1.jpg"
    path.write_bytes(bytes(100))
    assert len(source(max_bytes=100).read(str(path))) == 100
    with pytest.raises(ImageTooLargeError, match=r"at most 99 bytes, .*1\.jpg has more"):
        source(max_bytes=99).read(str(path))


def test_an_endless_stream_is_left_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a server says about length, no more than one byte too many is ever taken."""
    taken = 0

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            nonlocal taken
            taken += size
            return bytes(size)

    monkeypatch.setattr(fsspec.filesystem("memory").__class__, "open", lambda *_args, **_options: Endless())
    with pytest.raises(ImageTooLargeError):
        source(max_bytes=3_000_000).read("memory://endless.jpg")
    assert taken == 3_000_001


@pytest.mark.parametrize("name", ["missing.jpg", ""])
def test_what_is_not_a_file_is_named(tmp_path: Path, name: str) -> None:
    """A missing file and a folder."""
    with pytest.raises(UnreadablePhotoError, match="expected a file at") as caught:
        source().read(str(tmp_path / name))
    assert str(tmp_path) in str(caught.value)


def test_a_protocol_that_may_not_be_used_is_not_read(tmp_path: Path) -> None:
    """Not even where the file is there."""
    (tmp_path / "1.jpg").write_bytes(b"secret")
    with pytest.raises(UnreadablePhotoError, match="expected a path or a URI of memory"):
        source(protocols=frozenset({"memory"})).read(str(tmp_path / "1.jpg"))
