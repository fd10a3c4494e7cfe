"""An export replaces only what an export wrote."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from sploot_media_clustering.adapters.export_folder import LEDGER, ExportFolder, How
from sploot_media_clustering.errors import InputError

TARGET = PurePosixPath("Milo/1.jpg")
URI = "/photos/1.jpg"


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    """Written once; the second time it is there; changed keywords replace it."""
    folder = ExportFolder.open(tmp_path)
    assert folder.put(TARGET, b"one", URI) == "written"
    assert folder.put(TARGET, b"one", URI) == "there"
    folder.keep_ledger()
    assert ExportFolder.open(tmp_path).put(TARGET, b"two", URI) == "written"


def test_somebody_elses_file_is_kept(tmp_path: Path) -> None:
    """A file that was there before, and one that was changed since, stay as they are."""
    (tmp_path / "Milo").mkdir()
    (tmp_path / TARGET).write_bytes(b"mine")
    folder = ExportFolder.open(tmp_path)
    assert folder.put(TARGET, b"one", URI) == "kept"
    other = PurePosixPath("2.jpg")
    folder.put(other, b"one", URI)
    (tmp_path / other).write_bytes(b"edited")
    assert folder.put(other, b"two", URI) == "kept"
    assert ((tmp_path / TARGET).read_bytes(), (tmp_path / other).read_bytes()) == (b"mine", b"edited")


@pytest.mark.parametrize("how", ["hardlinks", "symlinks"])
def test_links_are_made_once_and_replace_nothing(tmp_path: Path, how: How) -> None:
    """A link to the same photo is there; anything else of that name is kept."""
    photo, other = tmp_path / "photo.jpg", tmp_path / "other.jpg"
    photo.write_bytes(b"one")
    other.write_bytes(b"two")
    folder = ExportFolder.open(tmp_path / "out")
    assert [folder.link(TARGET, p, how) for p in (photo, photo, other)] == ["written", "there", "kept"]
    assert (tmp_path / "out" / TARGET).samefile(photo)
    assert folder.put(TARGET, b"three", URI) == "kept"
    assert photo.read_bytes() == b"one"


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / LEDGER).write_bytes(b"{")
    with pytest.raises(InputError, match="remove it"):
        ExportFolder.open(tmp_path)


def test_what_has_no_place_any_more_can_be_removed(tmp_path: Path) -> None:
    """With its sidecar and its folder; what somebody changed, put there or did before, stays."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/1.jpg").write_bytes(b"one")
    folder = ExportFolder.open(tmp_path)
    for name in ("Cat/1.jpg", "Cat/1.jpg.xmp", "Milo/1.jpg", "Milo/1.jpg.xmp", "edited.jpg", "mine/1.jpg"):
        folder.put(PurePosixPath(name), b"one", URI)
    (tmp_path / "edited.jpg").write_bytes(b"edited")
    folder.keep_ledger()
    folder = ExportFolder.open(tmp_path)
    left_over = folder.left_over([TARGET])
    assert left_over == {"Cat/1.jpg": URI, "Cat/1.jpg.xmp": URI}
    for target in left_over:
        folder.remove(target)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*") if path.is_file()) == [
        LEDGER, "Milo/1.jpg", "Milo/1.jpg.xmp", "edited.jpg", "mine/1.jpg",
    ]  # fmt: skip
    assert not (tmp_path / "Cat").exists()


@pytest.mark.parametrize("how", ["hardlinks", "symlinks"])
def test_links_are_left_over_while_they_are_links_to_their_photo(tmp_path: Path, how: How) -> None:
    """A hard link whose photo is gone is the photo."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"one")
    folder = ExportFolder.open(tmp_path / "out")
    folder.link(TARGET, photo, how)
    assert folder.left_over([]) == {str(TARGET): str(photo)}
    photo.unlink()
    assert folder.left_over([]) == {}


def test_originals_behind_a_link_are_nothing_of_an_export(tmp_path: Path) -> None:
    """A folder that was replaced by a link to the photos, or a ledger that leads elsewhere, removes none."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/1.jpg").write_bytes(b"one")
    folder = ExportFolder.open(tmp_path / "out")
    folder.put(TARGET, b"one", URI)
    folder.written["../photos/1.jpg"] = folder.written[str(TARGET)]
    folder.remove(str(TARGET))
    folder.written[str(TARGET)] = folder.written["../photos/1.jpg"]
    (tmp_path / "out/Milo").symlink_to(tmp_path / "photos")
    assert folder.left_over([]) == {}


def test_a_name_in_other_letters_is_the_same_file_where_the_system_says_so(tmp_path: Path) -> None:
    """There the new copy would go with the old one."""
    folder = ExportFolder.open(tmp_path)
    folder.put(PurePosixPath("milo/1.jpg"), b"one", URI)
    assert folder.left_over([TARGET]) == {"milo/1.jpg": URI}
    (tmp_path / "Milo").symlink_to(tmp_path / "milo")
    assert folder.left_over([TARGET]) == {}
