"""What is said of pictures, held against what people said."""

from __future__ import annotations

import numpy as np
import pytest
from rated_albums import rated

from sploot_media_clustering.domain.attributes import ATTRIBUTES, COATS, VOCABULARY, columns_of
from sploot_media_clustering.evaluation.calibration import calibration_error
from sploot_media_clustering.evaluation.left_out import NO_LOOK, Figure, Judged
from sploot_media_clustering.evaluation.words import (
    evaluate_attributes,
    evaluate_calibration,
    evaluate_coats,
    evaluate_labels,
)
from sploot_media_clustering.training.coats import CoatedPhotos

PHOTOS = rated(albums=4)


def means(figures: tuple[Figure, ...]) -> dict[str, float]:
    return {figure.name: figure.interval.mean for figure in figures}


def judged(shift: int = 0) -> Judged:
    """Sure of the truth, or of the value so many places after it."""
    attributes = np.zeros((len(PHOTOS), len(ATTRIBUTES)), np.float32)
    for group, (name, values) in enumerate(VOCABULARY.items()):
        said = (PHOTOS.truth[:, group] + shift) % len(values)
        attributes[np.arange(len(PHOTOS)), columns_of(name).start + said] = 1.0
    return Judged(PHOTOS, PHOTOS.looks, np.zeros(len(PHOTOS)), attributes)


def test_who_says_what_raters_said_is_right() -> None:
    """Of attributes, of labels, and as sure as is right."""
    assert set(means(evaluate_attributes([judged()])).values()) == {1.0}
    assert set(means(evaluate_calibration([judged()])).values()) == {0.0}
    labels = means(evaluate_labels([judged()]))
    assert labels["claims"] == labels["labels"] == labels["looks with a claim"] == 1.0


def test_who_says_the_opposite_is_wrong() -> None:
    """Sure and wrong is the worst calibration."""
    assert set(means(evaluate_attributes([judged(1)])).values()) == {0.0}
    assert set(means(evaluate_calibration([judged(1)])).values()) == {1.0}
    assert means(evaluate_labels([judged(1)]))["labels"] == 0.0


def test_photos_without_a_look_have_no_label() -> None:
    """They count for nothing that is said of looks."""
    one = judged()
    looks = np.where(np.arange(len(PHOTOS)) % 9 == 0, NO_LOOK, one.looks)
    (claims, *_) = evaluate_labels([Judged(PHOTOS, looks, one.scores, one.attributes)])
    (all_claims, *_) = evaluate_labels([one])
    assert claims.count < all_claims.count


def test_calibration_is_of_probability_and_share() -> None:
    """Sure of .9 and right of .9 is calibrated, right of .5 is not."""
    sure = np.full(100, 0.9)
    assert calibration_error(sure, np.arange(100) % 10 > 0) == pytest.approx(0.0)
    assert calibration_error(sure, np.arange(100) % 2 > 0) == pytest.approx(0.4)


def test_coats_are_judged_by_heads_that_never_saw_them() -> None:
    """An axis for each coat is learned; an animal whose label breaks the rule is named wrongly."""
    rng = np.random.default_rng(0)
    animals = np.repeat(np.arange(60), 3)
    coats = animals % 2
    x = rng.normal(size=(len(animals), 8)).astype(np.float32) * 0.02
    x[np.arange(len(x)), coats] += 1.0
    told = coats.copy()
    told[animals == 5] = COATS.index("tabby")
    figures = means(evaluate_coats(CoatedPhotos(x, told, animals, animals % 3)))
    assert figures["named, animals left out"] == 1.0
    assert figures["right, animals left out"] == pytest.approx(59 / 60)
    assert figures["right, sets left out"] == pytest.approx(59 / 60)
