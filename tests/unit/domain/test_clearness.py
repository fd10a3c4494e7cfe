"""What the evidence of a sighting is worth."""

from __future__ import annotations

import numpy as np

from sploot_media_clustering.domain.clearness import clearness

SURE = np.array([[0.01, 0.98, 0.01]], np.float32)
DOUBTFUL = np.array([[0.4, 0.35, 0.25]], np.float32)


def test_what_the_networks_doubt_is_worth_less() -> None:
    """Less by either of them, least by both; and never nothing."""
    worth = [
        float(clearness(species, np.array([score]))[0])
        for species, score in ((SURE, 0.98), (SURE, 0.4), (DOUBTFUL, 0.98), (DOUBTFUL, 0.0))
    ]
    assert worth == [1.125, 0.75, 0.75, 0.5]


def test_a_usual_photo_is_worth_one() -> None:
    """Of labelled photos the middle one has a species of .93 and a box of .92."""
    usual = np.array([[0.93, 0.04, 0.03]], np.float32)
    assert clearness(usual, np.array([0.92])).tolist() == [1.0]


def test_no_sightings_are_worth_nothing() -> None:
    """Photos without an animal have no rows."""
    assert len(clearness(np.zeros((0, 3), np.float32), np.zeros(0))) == 0
