"""Where photos go, and what is written about them."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import household
from strategies_answer import answers

from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.exporting import (
    CSV_COLUMNS,
    UNCLUSTERED,
    By,
    about_photos,
    csv_rows,
    harmless,
    placements,
    safe_name,
)


def test_each_animal_has_a_folder_and_the_rest_another() -> None:
    """Names come before labels; what has no animal goes to one folder; the unreadable nowhere."""
    placed = {(str(part.target), part.image_id) for part in placements(household(), "animal")}
    assert ("Milo/3.jpg", "milo/3.jpg") in placed
    assert ("cat 2/1.jpg", "luna/1.jpg") in placed
    assert (f"{UNCLUSTERED}/who.jpg", "x/who.jpg") in placed
    assert all(image_id != "broken.jpg" for _, image_id in placed)


def test_looks_are_folders_inside_their_animal() -> None:
    """By look, and only heroes where only they are wanted."""
    placed = {str(part.target) for part in placements(household(), "look", heroes_only=True)}
    assert placed == {"Milo/asleep on the sofa/3.jpg", "Milo/in the garden/5.jpg"}


@given(answers(), st.sampled_from(["animal", "look"]))
def test_no_two_files_meet_and_none_leaves_the_folder(answer: Answer, by: By) -> None:
    """Whatever animals and files are called, targets differ in more than case and stay below."""
    targets = [part.target for part in placements(answer, by)]
    assert len({str(target).casefold() for target in targets}) == len(targets)
    for target in targets:
        assert not target.is_absolute()
        assert all(part not in ("..", ".", "") and part == safe_name(part) for part in target.parts)


@given(st.text(max_size=300))
def test_safe_names_are_safe_and_stay_so(name: str) -> None:
    """One part of a path, short enough, no device, nothing that a system forbids; doing it twice is once."""
    safe = safe_name(name)
    assert PurePosixPath(safe).name == safe
    assert 0 < len(safe.encode()) <= 120
    assert not set(safe) & set('<>:"/\\|?*\x00')
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../x", "_x"),
        ("CON.jpg", "CON_.jpg"),
        ("Milo & Luna", "Milo & Luna"),
        ("a/b", "a_b"),
        ("", "_"),
        (" . ", "_"),
        ("IMG_1.JPG", "IMG_1.JPG"),
    ],
)
def test_names_stay_as_they_are_where_they_can(name: str, safe: str) -> None:
    """Only what would harm is changed."""
    assert safe_name(name) == safe


def test_what_is_known_of_a_photo_is_gathered_from_all_its_clusters() -> None:
    """Name, species and look as keywords, the way down as a path, animals as regions, stars for heroes."""
    about = about_photos(household())["milo/3.jpg"]
    assert about.keywords == ("Milo", "cat", "asleep on the sofa")
    assert ("Animals", "Milo", "asleep on the sofa") in about.paths
    assert [region.name for region in about.regions] == ["Milo"]
    assert about.rating == 5
    assert about_photos(household())["milo/4.jpg"].rating is None


@given(answers())
def test_rows_fit_the_columns_and_tell_every_photo(answer: Answer) -> None:
    """As many cells as columns, and each photo in at least one row."""
    rows = list(csv_rows(answer))
    assert all(len(row) == len(CSV_COLUMNS) for row in rows)
    assert {harmless(image.image_id) for image in answer.images} <= {row[0] for row in rows}


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """A spreadsheet shows the text and computes nothing."""
    assert harmless(cell) == f"'{cell}"
