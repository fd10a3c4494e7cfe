"""An export replaces only what an export wrote."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from sploot_media_clustering.adapters.export_folder import LEDGER, ExportFolder
from sploot_media_clustering.errors import InputError

TARGET = PurePosixPath("Milo/1.jpg")


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    """Written once; the second time it is there; changed keywords replace it."""
    folder = ExportFolder.open(tmp_path)
    assert folder.put(TARGET, b"one") == "written"
    assert folder.put(TARGET, b"one") == "there"
    folder.keep_ledger()
    assert ExportFolder.open(tmp_path).put(TARGET, b"two") == "written"


def test_somebody_elses_file_is_kept(tmp_path: Path) -> None:
    """A file that was there before, and one that was changed since, stay as they are."""
    (tmp_path / "Milo").mkdir()
    (tmp_path / TARGET).write_bytes(b"mine")
    folder = ExportFolder.open(tmp_path)
    assert folder.put(TARGET, b"one") == "kept"
    other = PurePosixPath("2.jpg")
    folder.put(other, b"one")
    (tmp_path / other).write_bytes(b"edited")
    assert folder.put(other, b"two") == "kept"
    assert ((tmp_path / TARGET).read_bytes(), (tmp_path / other).read_bytes()) == (b"mine", b"edited")


@pytest.mark.parametrize("how", ["hardlinks", "symlinks"])
def test_links_are_made_once_and_replace_nothing(tmp_path: Path, how: str) -> None:
    """A link to the same photo is there; anything else of that name is kept."""
    photo, other = tmp_path / "photo.jpg", tmp_path / "other.jpg"
    photo.write_bytes(b"one")
    other.write_bytes(b"two")
    folder = ExportFolder.open(tmp_path / "out")
    assert [folder.link(TARGET, p, how) for p in (photo, photo, other)] == ["written", "there", "kept"]  # type: ignore[arg-type]
    assert (tmp_path / "out" / TARGET).samefile(photo)
    assert folder.put(TARGET, b"three") == "kept"
    assert photo.read_bytes() == b"one"


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / LEDGER).write_bytes(b"{")
    with pytest.raises(InputError, match="remove it"):
        ExportFolder.open(tmp_path)
