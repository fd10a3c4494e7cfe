from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from sploot_media_clustering.adapters.albums import (
    PhotoAlbum,
    _album,
    find_album,
    find_albums_by_folder,
    named_as_before,
)
from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.photo_listing import FoundPhoto
from sploot_media_clustering.errors import NoPhotosError


def fill(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def album(*places: Path | str) -> PhotoAlbum:
    return find_album([str(place) for place in places], FileSystems())


def by_folder(*places: Path | str) -> dict[str, list[str]]:
    albums = find_albums_by_folder([str(place) for place in places], FileSystems())
    return {found.name: ids(found) for found in albums}


def ids(found: PhotoAlbum) -> list[str]:
    return [photo.image_id for photo in found.photos]


def test_a_folder_is_an_album_of_its_name(tmp_path: Path) -> None:
    """Ids are relative to it, with forward slashes, in order; URIs lead to the files."""
    root = fill(tmp_path / "Milo", "2.jpg", "garden/1.jpg")
    found = album(root)
    assert (found.name, ids(found)) == ("Milo", ["2.jpg", "garden/1.jpg"])
    assert [Path(photo.uri) for photo in found.photos] == [root / "2.jpg", root / "garden/1.jpg"]


def test_the_working_folder_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dot stands for the folder that it is."""
    monkeypatch.chdir(fill(tmp_path / "Luna", "1.jpg"))
    assert album(".").name == "Luna"


def test_a_file_given_alone_is_known_by_its_name(tmp_path: Path) -> None:
    """And its album by the folder that it lies in."""
    found = album(fill(tmp_path / "Milo", "garden/1.jpg") / "garden/1.jpg")
    assert (found.name, ids(found)) == ("garden", ["1.jpg"])


def test_several_places_share_the_folder_above_them(tmp_path: Path) -> None:
    """The deepest one that holds them all gives its name."""
    root = fill(tmp_path / "pets", "milo/1.jpg", "milo/old/2.jpg", "luna/3.jpg")
    assert album(root / "milo/1.jpg", root / "milo/old").name == "milo"
    assert album(root / "milo", root / "luna").name == "pets"
    assert album("https://example.org/1.jpg", root / "luna").name == "album"


def test_two_photos_never_share_an_id(tmp_path: Path) -> None:
    """Both get the name of their folder, and the folder above it where that is not enough."""
    root = fill(tmp_path / "pets", "milo/1.jpg", "luna/1.jpg", "luna/2.jpg", "old/milo/1.jpg")
    assert ids(album(root / "milo", root / "luna")) == ["2.jpg", "luna/1.jpg", "milo/1.jpg"]
    assert ids(album(root / "milo", root / "old/milo")) == ["old/milo/1.jpg", "pets/milo/1.jpg"]


def test_a_prefixed_id_gives_way_to_one_that_is_there(tmp_path: Path) -> None:
    """Prefixing must not run into a photo that has that id already."""
    root = fill(tmp_path / "x", "a/1.jpg", "b/1.jpg", "c/a/1.jpg")
    found = ids(album(root / "a", root / "b", root / "c"))
    assert len(set(found)) == 3
    assert found == ["b/1.jpg", "c/a/1.jpg", "x/a/1.jpg"]


def test_ids_do_not_depend_on_the_order_of_places(tmp_path: Path) -> None:
    """So that a second run finds the photos of the first."""
    root = fill(tmp_path / "x", "a/1.jpg", "b/1.jpg", "b/2.jpg")
    assert album(root / "a", root / "b") == album(root / "b", root / "a")


def test_uris_that_differ_in_their_secrets_alone_are_numbered() -> None:
    """A query never becomes part of a name, and folders that they share tell nothing."""
    found = album("https://example.org/p?id=1", "https://example.org/p?id=2")
    assert ids(found) == ["p", "p (2)"]


def test_bytes_that_are_no_text_are_told_apart(tmp_path: Path) -> None:
    """Names in another encoding are written as escapes, and no folder above the album shows."""
    for name in (b"caf\xe9.jpg", b"caf\xe8.jpg", "café.jpg".encode()):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    assert ids(album(tmp_path)) == [r"caf\xe8.jpg", r"caf\xe9.jpg", "café.jpg"]


def test_two_writings_of_one_name_are_numbered(tmp_path: Path) -> None:
    """An accent may be a character of its own: one name for people, two files for the disk."""
    fill(tmp_path, *(unicodedata.normalize(form, "Zoë.jpg") for form in ("NFC", "NFD")))
    assert ids(album(tmp_path)) == ["Zoë.jpg", "Zoë.jpg (2)"]


def test_the_protocol_is_no_folder() -> None:
    """Two stores with one bucket name are no reason to show either."""
    places = [(("s3", "pets"), ("1.jpg",)), (("gs", "pets"), ("1.jpg",))]
    photos = [FoundPhoto(f"{root[0]}://pets/1.jpg", root, path) for root, path in places]
    assert [photo.image_id for photo in _album("pets", photos).photos] == ["1.jpg", "1.jpg (2)"]


def test_each_folder_below_is_an_album(tmp_path: Path) -> None:
    """Ids are relative to it; photos outside of any are an album of the folder's own name."""
    root = fill(tmp_path / "pets", "milo/1.jpg", "milo/old/2.jpg", "luna/1.jpg", "top.jpg", "empty/notes.txt")
    assert by_folder(root) == {"luna": ["1.jpg"], "milo": ["1.jpg", "old/2.jpg"], "pets": ["top.jpg"]}


def test_two_albums_never_share_a_name(tmp_path: Path) -> None:
    """Of two folders of one name both get the folder above, even where one lies in the other."""
    root = fill(tmp_path / "x", "a/milo/1.jpg", "b/milo/2.jpg", "cats/3.jpg", "cats/cats/4.jpg")
    assert by_folder(root / "a", root / "b") == {"a/milo": ["1.jpg"], "b/milo": ["2.jpg"]}
    assert by_folder(root / "cats") == {"cats/cats": ["4.jpg"], "x/cats": ["3.jpg"]}


def test_files_and_globs_fall_into_albums_by_their_folder(tmp_path: Path) -> None:
    """A file given alone belongs to the folder that it lies in."""
    root = fill(tmp_path / "pets", "milo/1.jpg", "luna/2.jpg")
    assert by_folder(root / "milo/1.jpg", root / "luna/2.jpg") == {"luna": ["2.jpg"], "milo": ["1.jpg"]}
    assert by_folder(root / "*/*.jpg") == {"luna": ["2.jpg"], "milo": ["1.jpg"]}


def test_a_place_without_photos_is_named(tmp_path: Path) -> None:
    """For one album and for many."""
    with pytest.raises(NoPhotosError, match="nowhere"):
        album(tmp_path / "nowhere")
    with pytest.raises(NoPhotosError, match="nowhere"):
        by_folder(tmp_path / "nowhere")


def test_a_photo_that_comes_or_goes_renames_no_other(tmp_path: Path) -> None:
    """What was said is kept by these names; folders that were moved whole keep them as well."""

    def found(root: str, *names: str) -> dict[str, str]:
        for name in names:
            (tmp_path / root / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / root / name).write_bytes(b"")
        album = find_album([str(tmp_path / root / folder) for folder in ("a", "b")], FileSystems())
        album = named_as_before(album, before)
        return {photo.image_id: photo.uri.removeprefix(f"{tmp_path}/") for photo in album.photos}

    before: dict[str, str] = {}
    first = found("p", "a/1.jpg", "b/1.jpg", "b/2.jpg")
    assert first == {"a/1.jpg": "p/a/1.jpg", "b/1.jpg": "p/b/1.jpg", "2.jpg": "p/b/2.jpg"}
    before = {name: str(tmp_path / place) for name, place in first.items()}
    (tmp_path / "p/b/1.jpg").unlink()
    assert found("p", "a/2.jpg") == {"a/1.jpg": "p/a/1.jpg", "a/2.jpg": "p/a/2.jpg", "2.jpg": "p/b/2.jpg"}
    (tmp_path / "p").rename(tmp_path / "q")
    assert found("q").keys() == {"1.jpg", "a/2.jpg", "b/2.jpg"}
