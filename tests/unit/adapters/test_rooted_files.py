"""Files below one folder, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sploot_media_clustering.adapters import rooted_files
from sploot_media_clustering.adapters.rooted_files import RootedFileSource
from sploot_media_clustering.errors import ForbiddenUriError, ImageTooLargeError, UnreadablePhotoError
from sploot_media_clustering.services.uri_policy import UriPolicy


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / "milo").mkdir(parents=True)
    (root / "milo" / "1 a.jpg").write_bytes(b"inside")
    (tmp_path / "secret.jpg").write_bytes(b"outside")
    (tmp_path / "photos-private").mkdir()
    (tmp_path / "photos-private" / "1.jpg").write_bytes(b"outside")
    return root


@pytest.fixture
def source(root: Path) -> RootedFileSource:
    return RootedFileSource(UriPolicy(file_root=root), max_bytes=6)


def test_a_file_below_the_folder_is_read(source: RootedFileSource, root: Path) -> None:
    """Percent signs are decoded, and dots may stay inside."""
    assert source.read((root / "milo" / "1 a.jpg").as_uri()) == b"inside"
    assert source.read(f"file://localhost{root}/milo/../milo/1%20a.jpg") == b"inside"


def test_a_link_inside_the_folder_is_followed(source: RootedFileSource, root: Path) -> None:
    """To a file and through a folder."""
    (root / "album").symlink_to(root / "milo", target_is_directory=True)
    assert source.read(f"file://{root}/album/1%20a.jpg") == b"inside"


def test_the_folder_itself_may_be_reached_by_a_link(root: Path, tmp_path: Path) -> None:
    """An operator's own link is not an escape."""
    (tmp_path / "link").symlink_to(root, target_is_directory=True)
    source = RootedFileSource(UriPolicy(file_root=tmp_path / "link"), max_bytes=6)
    assert source.read(f"file://{tmp_path}/link/milo/1%20a.jpg") == b"inside"


@pytest.mark.parametrize(
    "path", ["/../secret.jpg", "/%2e%2e/secret.jpg", "/milo/../../secret.jpg", "-private/1.jpg", "", "/.."]
)
def test_a_path_that_leads_out_is_refused(source: RootedFileSource, root: Path, path: str) -> None:
    """However it is spelt."""
    with pytest.raises(ForbiddenUriError):
        source.read(f"file://{root}{path}")


def test_a_link_that_leads_out_is_refused(source: RootedFileSource, root: Path) -> None:
    """A file and a folder."""
    (root / "file.jpg").symlink_to(root.parent / "secret.jpg")
    (root / "folder").symlink_to(root.parent / "photos-private", target_is_directory=True)
    for path in ("file.jpg", "folder/1.jpg"):
        with pytest.raises(ForbiddenUriError):
            source.read(f"file://{root}/{path}")


def test_a_link_put_there_after_the_check_leads_nowhere(
    source: RootedFileSource, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and opening, a folder is exchanged for a link that leads out."""
    checked = rooted_files._below

    def exchanged(root: Path, path: str) -> tuple[str, ...]:
        parts = checked(root, path)
        (root / "milo").rename(root / "gone")
        (root / "milo").symlink_to(root.parent / "photos-private", target_is_directory=True)
        (root.parent / "photos-private" / "1 a.jpg").write_bytes(b"secret")
        return parts

    monkeypatch.setattr(rooted_files, "_below", exchanged)
    with pytest.raises(UnreadablePhotoError):
        source.read(f"file://{root}/milo/1%20a.jpg")


def test_what_is_no_file_is_refused(source: RootedFileSource, root: Path) -> None:
    """A pipe without a writer would keep a worker for ever."""
    os.mkfifo(root / "pipe.jpg")
    for name in ("pipe.jpg", "milo"):
        with pytest.raises(ForbiddenUriError):
            source.read(f"file://{root}/{name}")


def test_a_file_over_the_limit_is_refused(source: RootedFileSource, root: Path) -> None:
    """No more than the limit is read."""
    (root / "2.jpg").write_bytes(b"7 bytes")
    with pytest.raises(ImageTooLargeError):
        source.read(f"file://{root}/2.jpg")


def test_a_missing_file_is_unreadable(source: RootedFileSource, root: Path) -> None:
    """Trying again will not help."""
    with pytest.raises(UnreadablePhotoError, match=r"nothing\.jpg.*No such file"):
        source.read(f"file://{root}/nothing.jpg")


def test_links_in_a_circle_are_refused(source: RootedFileSource, root: Path) -> None:
    """They end."""
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    with pytest.raises(UnreadablePhotoError):
        source.read(f"file://{root}/a")
