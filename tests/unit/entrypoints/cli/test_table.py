"""What the command says of an album."""

from __future__ import annotations

import io

import pytest
import sample_answers as sample
from msgspec.structs import replace
from rich.console import Console

from sploot_media_clustering.entrypoints.cli.table import of_one_name, print_clusters, tally
from sploot_media_clustering.services.decision_records import Said, Sighted

ELSEWHERE = (0.6, 0.6, 0.9, 0.9)


def test_two_of_one_name_are_told_with_the_photos_that_show_both() -> None:
    """Since a photo of both speaks against their being one; none is named where there is none."""
    milo = replace(sample.cluster("a", None, "Cat", [(str(n), 1) for n in range(9)], ["1"]), name="Milo")

    def told(*image_ids: str) -> str:
        seen = tuple(Sighted(image_id=part, box=ELSEWHERE) for part in image_ids)
        return of_one_name(milo, Said(kind="name", sightings=seen, name="milo"), apart=False)

    already = "There was a Milo already (9 photos): the two are one animal now"
    assert told("x", "y") == already
    assert told("x", "3") == f"{already}, though both are on 1 photo (3)"
    assert told(*"0123456x") == f"{already}, though both are on 7 photos (0, 1, 2, 3, 4 and 2 more)"


def test_photos_are_told_by_what_is_to_be_known_of_them() -> None:
    """Those of no animal, and those of one with another beside it; what there is none of is left out."""
    assert tally(1, ["a"], [], 0) == "1 photo"
    aside = [sample.aside("b", "unsure"), sample.aside("a", "unsure"), sample.aside("a", "alone")]
    assert (
        tally(9, ["a"], aside, 0) == "9 photos, 1 without a place, 1 with one more animal that has no place"
    )
    looks = [sample.aside("a", "unsure", "look"), sample.aside("c", "unreadable")]
    assert tally(9, ["a"], looks, 1) == "9 photos, 1 more not readable"


def test_a_row_stays_below_its_animal_in_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks are indented on each of their lines; why a hero is one is told of the upper level alone."""
    shown = io.StringIO()
    console = Console(file=shown, width=80, highlight=False)
    monkeypatch.setattr("sploot_media_clustering.entrypoints.cli.table.out", console)
    hero = "2026/holidays/IMG_20260714_101500.jpg"
    photos = [(hero, 1)]
    animal = sample.cluster("a", None, "Cat", photos, [hero])
    look = sample.cluster("l", "a", "Mostly lying down outdoors in the shade", photos, [hero])
    print_clusters("home", [animal, look])
    _, _, *rows = shown.getvalue().splitlines()
    assert rows[0].startswith("Cat ")
    assert len(rows) > 2
    assert all(row.startswith("  ") for row in rows[1:])
    assert shown.getvalue().count("camera.") == 1
    print_clusters("home", [look])
    assert shown.getvalue().count("camera.") == 2
