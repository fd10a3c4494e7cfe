"""``duplicates``: real files, real networks."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from cat_album import cat_photo, write_album
from PIL import Image
from typer.testing import Result

from sploot_media_clustering.adapters.vector_index.kept import KeptIndex, write_index
from sploot_media_clustering.adapters.vector_index.kinds import KINDS, open_index
from sploot_media_clustering.entrypoints.cli.duplicates import Kind

Run = Callable[..., Result]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two albums; a photo of the first is in the second as well, compressed again."""
    folder = tmp_path / "photos"
    write_album(folder / "milo", 0, 1, 2)
    write_album(folder / "bella", 3)
    again = io.BytesIO()
    Image.open(io.BytesIO(cat_photo(1))).save(again, "JPEG", quality=70)
    (folder / "bella/again.jpg").write_bytes(again.getvalue())
    (folder / "bella/broken.jpg").write_bytes(b"no photo")
    return folder


def groups(told: Result) -> list[set[str]]:
    assert told.exit_code == 0, told.output
    return [
        {f"{photo['album']}/{photo['image_id']}" for photo in group}
        for group in json.loads(told.stdout)["groups"]
    ]


def test_a_copy_in_another_album_is_found(photos: Path, run: Run) -> None:
    """With what cannot be read named; also as text, and the second time from what is kept."""
    told = run("duplicates", photos, "--json")
    assert {"milo/01.jpg", "bella/again.jpg"} in groups(told)
    assert "broken.jpg" in told.stderr
    text = run("duplicates", photos, "--across")
    assert "bella/again.jpg" in text.stdout
    assert "show the same picture, among 5 (index: exact)" in text.stdout


def test_any_index_there_is_can_be_named() -> None:
    """Or the choice be left to the number of photos."""
    assert get_args(Kind) == ("auto", *KINDS)


@pytest.mark.slow
def test_what_was_recorded_is_looked_among_and_not_read_again(photos: Path, run: Run) -> None:
    """A new folder beside an archive; what the archive has in itself is not told again."""
    shutil.move(photos / "bella", "inbox")
    assert run("duplicates", photos, "--record", "archive.index").exit_code == 0
    told = run("duplicates", "inbox", "--beside", "archive.index", "--record", "all.index", "--json")
    assert groups(told) == [{"milo/01.jpg", "inbox/again.jpg"}]
    assert (json.loads(told.stdout)["photos"], json.loads(told.stdout)["known"]) == (2, 3)
    shutil.rmtree("inbox")
    write_album(Path("inbox"), 0)
    told = run("duplicates", photos, "inbox", "--beside", "all.index", "--json")
    assert groups(told)[0] >= {"milo/00.jpg", "inbox/00.jpg"}
    assert json.loads(told.stdout)["photos"] == 1


@pytest.mark.slow
def test_what_is_no_record_is_told(photos: Path, run: Run) -> None:
    """A file that is none, an index of something else or of another model, and a kind that the file tells."""
    Path("bad.index").write_bytes(b"nothing")
    index = open_index("exact", 128)
    write_index(KeptIndex("exact", index, "another-1", 128, {}), Path("other.index"))
    for name, message in (("bad.index", "make it anew"), ("other.index", "another-1")):
        told = run("duplicates", photos, "--beside", name)
        assert told.exit_code == 3
        assert message in told.stderr
    told = run("duplicates", photos, "--beside", "bad.index", "--index", "hnsw")
    assert told.exit_code == 2
