"""Households of different sets, and their species."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judged_home import judged_home

from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.albums import settled_album
from sploot_media_clustering.evaluation.mixed import (
    evaluate_mixed,
    mixed_album,
    mixed_households,
    mixed_outcome,
    set_pairs,
)


def test_the_first_half_is_paired_with_the_second() -> None:
    """An odd one is left over."""
    assert set_pairs([0, 2, 3, 5]) == [(0, 3), (2, 5)]
    assert set_pairs([0, 1, 2, 3, 4]) == [(0, 2), (1, 3)]


def test_every_household_has_animals_of_both_sets() -> None:
    """Two to four animals, all their photos."""
    home = judged_home(animals=6).vectors
    sets = home.animals // 3
    vectors = replace(home, sets=sets, set_names=("first", "second"))
    for rows in mixed_households(vectors, (0, 1), 20, seed=1):
        assert set(sets[rows]) == {0, 1}
        assert 2 <= len(np.unique(home.animals[rows])) <= 4
        assert len(rows) == 6 * len(np.unique(home.animals[rows]))


def test_species_are_held_against_labels() -> None:
    """A subject with a labelled cat and a labelled dog holds both; unlabelled photos tell nothing."""
    home = judged_home(animals=2)
    photos, animals = home.album(np.concatenate(home.animals))
    state = settled_album(photos, home.heads.tree)
    seen = {
        photo.image_id: "cat" if photo.sightings[0].species[0] >= photo.sightings[0].species[1] else "dog"
        for photo in photos
    }
    assert mixed_album(state, animals, seen).species_wrong == 0.0
    right = {name: ("cat", "dog")[animal] for name, animal in animals.items()}
    assert mixed_album(state, animals, right).cats_and_dogs == 0.0
    crossed = {name: ("cat", "dog")[i % 2] for i, name in enumerate(animals)}
    found = mixed_album(state, animals, crossed)
    assert found.cats_and_dogs == 1.0
    assert mixed_album(state, animals, {}).species_wrong is None
    outcome = mixed_outcome({"a + b": [found]})
    assert outcome.value("a + b", "cats_and_dogs") == outcome.value("mean of sets", "cats_and_dogs") == 1.0


def test_too_few_sets_are_told() -> None:
    """Two are left out, and what is fitted on a third is tried on a fourth."""
    home = judged_home()
    with pytest.raises(DatasetError, match="expected at least 4 data sets"):
        evaluate_mixed([], {}, home.vectors, home.heads)
