"""Reading labelled data sets."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.labelled import labelled_vectors, read_data_sets


def indexed(folder: Path, rows: str) -> Path:
    folder.mkdir()
    (folder / "index.csv").write_text("file,animal,species,captured_at,source\n" + rows, encoding="utf-8")
    return folder


def test_an_index_names_animals_and_times(tmp_path: Path) -> None:
    """Two animals are joined by a plus; times come as EXIF or ISO 8601 writes them."""
    rows = "a/1.jpg,milo,cat,2024:05:01 12:30:00,\nb/2.jpg,milo+luna,cat,2024-05-01T12:31:00,\nc.jpg,,,,\n"
    (data_set,) = read_data_sets([indexed(tmp_path / "home", rows)])
    first, second, third = data_set.photos
    assert first.key == "home/a/1.jpg"
    assert first.animals == ("home/milo",)
    assert first.captured_at == datetime(2024, 5, 1, 12, 30)
    assert second.animals == ("home/milo", "home/luna")
    assert second.captured_at == datetime(2024, 5, 1, 12, 31)
    assert third.animals == ()
    assert third.captured_at is None


def test_a_folder_of_data_sets_is_read_as_several(tmp_path: Path) -> None:
    """Each keeps its name."""
    for name in ("one", "two"):
        indexed(tmp_path / name, "1.jpg,milo,cat,,\n")
    assert [data_set.name for data_set in read_data_sets([tmp_path])] == ["one", "two"]


def test_without_an_index_every_subfolder_is_an_animal(tmp_path: Path) -> None:
    """Other files are passed over."""
    for name in ("milo", "luna"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.HIF").touch()
        (tmp_path / name / "notes.txt").touch()
    (data_set,) = read_data_sets([tmp_path])
    assert [photo.animals for photo in data_set.photos] == [
        (f"{tmp_path.name}/luna",),
        (f"{tmp_path.name}/milo",),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1.jpg,milo,cat,yesterday,\n", "line 2: captured_at of 1.jpg is 'yesterday'"),
        ("", "lists no photos"),
        ("1.jpg\n", "line 2: expected a value of 'animal'"),
        ("1.jpg,milo,cat,,,,\n", "line 2: expected 5 values, got 7"),
        (",milo,cat,,\n", "line 2: expected a value of 'file'"),
    ],
)
def test_an_index_that_does_not_read_is_named(tmp_path: Path, rows: str, message: str) -> None:
    """With the file, what came and what was expected."""
    with pytest.raises(DatasetError, match=message):
        read_data_sets([indexed(tmp_path / "home", rows)])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
def test_a_byte_order_mark_is_no_part_of_a_column(tmp_path: Path, encoding: str) -> None:
    """Spreadsheets write one; a row may end before the columns that it does not need."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "index.csv").write_text("file,animal,species\n1.jpg,chloë\n", encoding=encoding)
    (data_set,) = read_data_sets([tmp_path / "home"])
    assert data_set.photos[0].animals == ("home/chloë",)


def test_another_encoding_is_told(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "index.csv").write_text("file,animal\n1.jpg,chloë\n", encoding="cp1252")
    with pytest.raises(DatasetError, match=r"index.csv: expected UTF-8.*save it"):
        read_data_sets([tmp_path / "home"])


def test_a_quote_that_never_ends_is_told(tmp_path: Path) -> None:
    """It would swallow all rows after it."""
    with pytest.raises(DatasetError, match=r"index.csv.*expected CSV"):
        read_data_sets([indexed(tmp_path / "home", '"1.jpg,milo,cat,,\n2.jpg,milo,cat,,\n')])


def test_no_photos_are_no_vectors() -> None:
    """Told before anything is fitted on nothing."""
    with pytest.raises(DatasetError, match="expected embedded photos of one animal each"):
        labelled_vectors([], {})


def test_missing_columns_folders_and_photos_are_named(tmp_path: Path) -> None:
    """Nothing is guessed."""
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "index.csv").write_text("photo\n1.jpg\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"lacks the columns \['animal', 'file'\]"):
        read_data_sets([tmp_path / "bad"])
    with pytest.raises(DatasetError, match="is not a folder"):
        read_data_sets([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="neither an index"):
        read_data_sets([tmp_path / "empty"])


def test_two_data_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    """Keys would clash."""
    for parent in ("a", "b"):
        (tmp_path / parent).mkdir()
        indexed(tmp_path / parent / "home", "1.jpg,milo,cat,,\n")
    with pytest.raises(DatasetError, match="two data sets are called 'home'"):
        read_data_sets([tmp_path / "a", tmp_path / "b"])


def lines(folder: Path, text: str, name: str = "index.jsonl") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_json_lines_are_read_as_a_table_is(tmp_path: Path) -> None:
    """Several animals in a list or joined by a plus; null and other names do no harm, nor do empty lines."""
    text = (
        '{"file": "a/1.jpg", "animal": "milo", "captured_at": "2024-05-01T12:30:00", "source": "phone"}\n\n'
        '{"file": "2.jpg", "animal": ["milo", "luna"], "species": "cat"}\n'
        '{"file": "3.jpg", "animal": null}\n'
    )
    (data_set,) = read_data_sets([lines(tmp_path / "home", text)])
    first, second, third = data_set.photos
    assert (first.key, first.path) == ("home/a/1.jpg", tmp_path / "home" / "a" / "1.jpg")
    assert first.captured_at == datetime(2024, 5, 1, 12, 30)
    assert second.animals == ("home/milo", "home/luna")
    assert (second.species, third.animals) == ("cat", ())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"file": "2.jpg", "animal": "milo"', "line 2: expected an object in JSON, but"),
        ('["2.jpg", "milo"]', "line 2: expected an object in JSON, got"),
        ('{"file": "2.jpg", "name": "milo"}', "line 2: expected a value of 'animal', got only"),
        ('{"file": "2.jpg", "animal": 7}', "line 2: expected 'animal' to be a text"),
        ('{"file": "2.jpg", "animal": ["a+b"]}', r"line 2: expected 'animal' to be a text, or a list"),
        ('{"file": "", "animal": "milo"}', "line 2: expected a value of 'file'"),
        (
            '{"file": "2.jpg", "animal": "milo", "captured_at": "noon"}',
            "line 2: captured_at of 2.jpg is 'noon'",
        ),
        ('{"file": "1.jpg", "animal": "luna"}', r"line 2: 1.jpg is listed already .*line 1\)"),
    ],
)
def test_a_line_that_does_not_read_is_named(tmp_path: Path, line: str, message: str) -> None:
    """With the file, what came and what was expected."""
    text = '{"file": "1.jpg", "animal": "milo"}\n' + line
    with pytest.raises(DatasetError, match=message):
        read_data_sets([lines(tmp_path / "home", text)])


def test_a_manifest_of_any_name_is_given_by_its_path(tmp_path: Path) -> None:
    """Its photos lie beside it or where an absolute path says, and its folder names the set."""
    text = f'{{"file": "{tmp_path}/far.jpg", "animal": "milo"}}\n{{"file": "near.jpg", "animal": "milo"}}\n'
    folder = lines(tmp_path / "home", text, "cats.jsonl")
    (data_set,) = read_data_sets([folder / "cats.jsonl"])
    assert data_set.name == "home"
    assert [photo.path for photo in data_set.photos] == [tmp_path / "far.jpg", folder / "near.jpg"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("cats.txt", "expected a manifest that ends in .csv or .jsonl"),
        ("dogs.csv", "is not a folder, nor a file"),
    ],
)
def test_what_is_no_manifest_is_told(tmp_path: Path, path: str, message: str) -> None:
    """By what it should be."""
    lines(tmp_path, "", "cats.txt")
    with pytest.raises(DatasetError, match=message):
        read_data_sets([tmp_path / path])


def test_two_indexes_are_one_too_many(tmp_path: Path) -> None:
    """Nobody could say which holds."""
    lines(indexed(tmp_path / "home", "1.jpg,milo,cat,,\n"), "")
    with pytest.raises(DatasetError, match=r"has index.csv and index.jsonl; expected one"):
        read_data_sets([tmp_path])
