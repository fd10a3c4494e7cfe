"""Two animals in one photo: found, right, never one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from judged_home import embedding_of, judged_home

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.evaluation.albums import settled_album
from sploot_media_clustering.evaluation.judged_sets import JudgedSet
from sploot_media_clustering.evaluation.sightings import of_sides
from sploot_media_clustering.evaluation.together import TogetherCase, _real, case_of, together_outcome
from sploot_media_clustering.training.labelled import LabelledPhoto

LEFT, RIGHT, ACROSS = Box(0.05, 0.1, 0.3, 0.9), Box(0.7, 0.1, 0.95, 0.9), Box(0.05, 0.1, 0.95, 0.9)


@pytest.mark.parametrize(
    ("boxes", "sides"),
    [([LEFT, RIGHT], (0, 1)), ([RIGHT, LEFT], (1, 0)), ([LEFT, ACROSS], None), ([LEFT, LEFT, RIGHT], (0, 2))],
)
def test_the_best_sighting_of_each_side_stands_for_it(
    boxes: list[Box], sides: tuple[int, int] | None
) -> None:
    """A box across the seam is of neither side."""
    assert of_sides(boxes, 0.5) == sides


def composed(home: JudgedSet, first: int, second: int) -> tuple[TogetherCase, TogetherCase]:
    """A photo with a sighting of the first and one of the second animal, judged as if it were of 0 and 1."""
    taken = [home.photos[int(home.animals[animal][-1])] for animal in (first, second)]
    joint = replace(
        taken[0],
        image_id="joint",
        sightings=(replace(taken[0].sightings[0], box=LEFT), replace(taken[1].sightings[0], box=RIGHT)),
    )
    rest, animals = home.album(np.concatenate([home.animals[0][:-1], home.animals[1][:-1]]))
    state = settled_album([*rest, joint], home.heads.tree)
    row = sum(len(photo.sightings) for photo in state.photos if photo.image_id < "joint")
    return case_of(state, animals, (row, row + 1), (0, 1)), case_of(state, animals, None, (0, 1))


def test_each_with_its_own_is_right() -> None:
    """And what was not found is not right."""
    found, missed = composed(judged_home(), 0, 1)
    assert found == TogetherCase(real=False, both=True, right=True, merged=False)
    assert missed == TogetherCase(real=False, both=False, right=False, merged=False)


def test_exchanged_is_wrong() -> None:
    """The animal on the left is the one that was put there."""
    found, _ = composed(judged_home(), 1, 0)
    assert found.both
    assert not found.right
    assert not found.merged


def test_real_photos_are_right_where_both_are_at_home() -> None:
    """Nobody said which is which; a photo in which one was found is not right."""
    home = judged_home(animals=2)
    taken = [home.photos[int(rows[-1])] for rows in home.animals]
    names = home.vectors.animal_names
    whole = replace(taken[0], image_id="home/both", sightings=(taken[1].sightings[0], taken[0].sightings[0]))
    half = replace(taken[0], image_id="home/half")
    known = {photo.image_id: photo for photo in (whole, half)}
    home.heads.project = lambda embedding: known[embedding.image_id]  # type: ignore[method-assign]
    photos = {key: LabelledPhoto(key, Path(key), (names[0], names[1]), None) for key in known}
    cases = list(_real(home, photos, {key: embedding_of(photo) for key, photo in known.items()}))
    assert [(case.both, case.right) for case in cases] == [(True, True), (False, False)]


def test_real_photos_stand_beside_composed_ones() -> None:
    """Rightness is of those in which both were found."""
    real = TogetherCase(real=True, both=True, right=True, merged=False)
    wrong = TogetherCase(real=False, both=True, right=False, merged=False)
    missed = TogetherCase(real=False, both=False, right=False, merged=False)
    outcome = together_outcome({"home": [real, wrong, missed]})
    assert outcome.value("home", "both_found") == 0.5
    assert outcome.value("home", "right_of_found") == 0.0
    assert outcome.value("home, real", "right_of_found") == 1.0
