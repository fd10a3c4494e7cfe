"""One level of the tree: who has a place, and who is left aside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from strategies_album import DIMENSION, tree_model

from sploot_media_clustering.domain.conflicts import none
from sploot_media_clustering.domain.level import ALONE, PLACED, UNSURE, LevelModel, arrive, place
from sploot_media_clustering.domain.partition import Items

MODEL = tree_model().subjects
WARY = replace(MODEL, log_stranger=4.0)


def album(stranger: float) -> Items:
    """Eight photos of one animal, and a photo so far away from it, in standard deviations."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(9, DIMENSION)) + 4.0
    vectors[-1, 0] += stranger
    return Items(vectors, np.ones(9), np.arange(9), none(9))


@pytest.mark.parametrize(("model", "reason"), [(MODEL, PLACED), (WARY, UNSURE)])
def test_a_photo_that_may_be_of_a_stranger_is_left_aside(model: LevelModel, reason: int) -> None:
    """It need not be an animal of its own: those are founded seldom, and strangers pass by more often."""
    assert place(album(3.0), model).reasons.tolist() == [PLACED] * 8 + [reason]


@pytest.mark.parametrize(("model", "reason"), [(MODEL, PLACED), (WARY, UNSURE)])
def test_an_arrival_is_as_wary_of_strangers_as_settling(model: LevelModel, reason: int) -> None:
    """Between settlings too."""
    whole = album(3.0)
    known = Items(whole.vectors[:8], whole.weights[:8], whole.atoms[:8], none(8))
    level = place(known, model)
    nothing = np.zeros(len(level.mixture), bool)
    assert arrive(level, whole.vectors[8], 1.0, nothing, model).reason == reason
    assert arrive(level, whole.vectors[8] - 40.0, 1.0, nothing, model).reason == ALONE


def test_strangers_less_frequent_than_new_animals_change_nothing() -> None:
    """The concentration is the least that is expected of either."""
    rare, usual = place(album(2.0), replace(MODEL, log_stranger=-50.0)), place(album(2.0), MODEL)
    np.testing.assert_array_equal(rare.probabilities, usual.probabilities)
