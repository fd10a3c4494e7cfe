from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from sploot_media_clustering.adapters.export_folder import LEDGER
from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.photo_listing import find_photos
from sploot_media_clustering.errors import NoPhotosError, SourceUnavailableError

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Makes empty files below a folder."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


def paths(*places: object) -> list[str]:
    return ["/".join(photo.path) for photo in find_photos([str(place) for place in places], FileSystems())]


def test_folders_are_searched_to_any_depth(tree: Tree) -> None:
    """In the order of the URIs, whatever the disk says first."""
    root = tree("b.jpg", "a/2.PNG", "a/1.heic", "a/deep/er/x.webp")
    assert paths(root) == ["a/1.heic", "a/2.PNG", "a/deep/er/x.webp", "b.jpg"]


def test_what_is_hidden_or_no_picture_is_left_out_of_folders(tree: Tree) -> None:
    """Sidecars, videos, previews of other software, and what its owner hid."""
    root = tree(
        "1.jpg", "1.xmp", "1.aae", "1.json", "1.mov", "notes", ".hidden.jpg", "._1.jpg", ".trash/2.jpg",
        "__MACOSX/1.jpg", "@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg",
    )  # fmt: skip
    assert paths(root) == ["1.jpg"]
    assert paths(root / "*") == ["1.jpg"]
    assert paths(root / "**") == ["1.jpg"]


def test_what_an_export_wrote_counts_for_no_photos(tree: Tree, caplog: pytest.LogCaptureFixture) -> None:
    """Copies would double the album; the folder is told once, and taken where it is named itself."""
    root = tree("1.jpg", "Sorted/Milo/1.jpg", "Sorted/Milo/2.jpg", f"Sorted/{LEDGER}")
    for place in (root, root / "*", root / "**", root / "**/*.jpg"):
        caplog.clear()
        assert paths(place) == ["1.jpg"]
        assert [record.args for record in caplog.records] == [(str(root / "Sorted"),)]
    assert paths(root / "Sorted") == ["Milo/1.jpg", "Milo/2.jpg"]
    assert paths(root / "Sorted/*/2.jpg") == ["Milo/2.jpg"]


def test_a_hidden_folder_that_is_given_is_searched(tree: Tree) -> None:
    """Only what lies below the place is judged by its name."""
    assert paths(tree(".secret/1.jpg") / ".secret") == ["1.jpg"]


def test_a_file_that_is_named_is_always_taken(tree: Tree) -> None:
    """Whatever its extension: whoever names it means it."""
    root = tree("scan", ".hidden.jpg", "IMG[1].jpg")
    assert paths(root / "scan", root / ".hidden.jpg", root / "IMG[1].jpg") == [
        ".hidden.jpg",
        "IMG[1].jpg",
        "scan",
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jpg", ["top.jpg"]),
        ("**/*.jpg", ["luna/3.jpg", "milo/1.jpg", "top.jpg"]),
        ("milo/?.*", ["1.jpg", "2.png"]),
        ("m*", ["milo/1.jpg", "milo/2.png"]),
    ],
)
def test_globs_are_relative_to_their_fixed_part(tree: Tree, pattern: str, expected: list[str]) -> None:
    """The part before the first wildcard is the root; a folder that matches is searched."""
    root = tree("milo/1.jpg", "milo/2.png", "milo/notes.txt", "luna/3.jpg", "top.jpg")
    assert paths(root / pattern) == expected


def test_a_photo_found_twice_counts_once(tree: Tree) -> None:
    """As the first place has it."""
    root = tree("milo/1.jpg")
    assert paths(root, root / "milo", root / "milo/1.jpg") == ["milo/1.jpg"]
    assert paths(root / "milo", root) == ["1.jpg"]


def test_links_to_folders_are_not_followed_and_links_to_photos_are(tree: Tree) -> None:
    """A link to a folder can lead in circles."""
    root = tree("milo/1.jpg")
    (root / "milo/again").symlink_to(root)
    (root / "milo/2.jpg").symlink_to(root / "milo/1.jpg")
    assert paths(root) == ["milo/1.jpg", "milo/2.jpg"]


def test_one_photo_has_one_name_on_every_system(tree: Tree) -> None:
    """macOS writes accents as characters of their own; bytes that are no text are escaped."""
    root = tree(unicodedata.normalize("NFD", "Zoë.jpg"))
    (Path(os.fsdecode(os.fsencode(root) + b"/\xff.jpg"))).touch()
    found = find_photos([str(root)], FileSystems())
    assert {"/".join(photo.path) for photo in found} == {"Zoë.jpg", r"\xff.jpg"}
    assert all(Path(photo.uri).exists() for photo in found)


@pytest.mark.parametrize("place", ["nothing", "empty", "*.jpg", "nothing/**"])
def test_a_place_without_photos_is_named(tree: Tree, place: str) -> None:
    """Beside places that have some: a wrong name must not go unseen."""
    root = tree("good/1.jpg", "empty/notes.txt")
    with pytest.raises(NoPhotosError, match=r"found none|no such file|no photo among") as caught:
        paths(root / "good", root / place)
    assert str(root / place) in str(caught.value)


def test_no_place_at_all_is_refused() -> None:
    """There is no default folder."""
    with pytest.raises(NoPhotosError, match="got none"):
        paths()


def test_an_unknown_protocol_is_no_place() -> None:
    """The message says what could be given instead."""
    with pytest.raises(NoPhotosError, match="expected a path or a URI"):
        paths("ftp://example.org/1.jpg")


def test_stores_are_searched_like_folders() -> None:
    """Folders, globs and single objects of a store, by the URIs that read them."""
    store = fsspec.filesystem("memory")
    store.pipe({"/listing/milo/1.jpg": b"1", "/listing/milo/a/2.png": b"2", "/listing/x.txt": b"3"})
    assert paths("memory://listing") == ["milo/1.jpg", "milo/a/2.png"]
    assert paths("memory://listing/**/*.png") == ["milo/a/2.png"]
    photo = find_photos(["memory://listing/milo/1.jpg"], FileSystems())[0]
    assert photo.path == ("1.jpg",)
    assert photo.root == ("memory", "listing", "milo")
    assert store.cat(photo.uri) == b"1"


def test_http_uris_are_single_photos() -> None:
    """No request is made, a question mark is no wildcard, and secrets stay out of names."""
    uri = "https://anna:geheim@example.org/milo/1.jpg?size=full&token=geheim"
    photo = find_photos([uri], FileSystems())[0]
    assert (photo.uri, photo.root, photo.path) == (uri, ("https", "example.org", "milo"), ("1.jpg",))


def test_a_store_that_does_not_answer_is_not_an_empty_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying again helps here; looking for a misspelled name does not."""

    def fail(*_args: object, **_options: object) -> None:
        raise ConnectionResetError("gone")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "info", fail)
    with pytest.raises(SourceUnavailableError, match="ConnectionResetError"):
        paths("memory://listing/milo")


def test_a_folder_that_can_not_be_entered_is_told(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are searched; what is left out is logged."""
    root = tree("open/1.jpg", "closed/2.jpg")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert paths(root) == ["open/1.jpg"]
    assert "closed (Permission denied)" in caplog.text
