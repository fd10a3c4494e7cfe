"""Looks and heroes judged on albums left out: the protocol, and what its figures count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rated_albums import rated, ratings_and_embeddings

from sploot_media_clustering.domain.attributes import ATTRIBUTES
from sploot_media_clustering.evaluation.heroes import (
    evaluate_heroes,
    evaluate_raters_heroes,
    evaluate_sub_albums,
)
from sploot_media_clustering.evaluation.left_out import NO_LOOK, Figure, Judged, leave_albums_out
from sploot_media_clustering.evaluation.looks import (
    evaluate_looks,
    evaluate_one_look,
    evaluate_raters_looks,
)
from sploot_media_clustering.training.ratings import rated_photos

PHOTOS = rated(albums=4)


def judged(scores: np.ndarray, looks: np.ndarray | None = None) -> Judged:
    said = PHOTOS.looks if looks is None else looks
    return Judged(PHOTOS, said, scores, np.zeros((len(PHOTOS), len(ATTRIBUTES)), np.float32))


def means(figures: tuple[Figure, ...]) -> dict[str, float]:
    return {figure.name: figure.interval.mean for figure in figures}


def test_a_perfect_judge_is_always_right() -> None:
    """Scores equal to the ratings, looks equal to the shelves."""
    heroes = means(evaluate_heroes([judged(PHOTOS.first_hero)]))
    assert heroes["pairs"] == heroes["best of look"] == 1.0
    assert heroes["best accepted"] == np.mean(
        [(PHOTOS.first_hero[PHOTOS.albums == a] >= 4).any() for a in range(4)]
    )
    looks = means(evaluate_looks([judged(PHOTOS.first_hero)]))
    assert looks["v_measure"] == looks["bcubed_f"] == looks["purity"] == 1.0


def test_the_opposite_of_the_ratings_is_always_wrong() -> None:
    """Of pairs, and more often of the best."""
    right, wrong = (means(evaluate_heroes([judged(sign * PHOTOS.first_hero)])) for sign in (1, -1))
    assert wrong["pairs"] == 0.0
    assert wrong["best accepted"] < right["best accepted"]


def test_parts_of_albums_are_judged_as_albums_are() -> None:
    """The best of a part is accepted where any of it is; chance does worse."""
    right, chance = (
        means(evaluate_sub_albums([judged(scores)], albums=60))
        for scores in (PHOTOS.first_hero, np.random.default_rng(0).random(len(PHOTOS)))
    )
    assert right["sub-album best accepted"] > 0.95
    assert chance["sub-album best accepted"] < right["sub-album best accepted"]
    assert chance["sub-album top 3 accepted"] < right["sub-album top 3 accepted"]


def test_equal_scores_order_no_pair() -> None:
    """A judge without an opinion is never right about a pair."""
    assert means(evaluate_heroes([judged(np.zeros(len(PHOTOS)))]))["pairs"] == 0.0


def test_photos_left_aside_cost_agreement_and_are_told() -> None:
    """Purity alone could be bought by leaving photos out."""
    aside = PHOTOS.looks.copy()
    aside[::3] = NO_LOOK
    looks = means(evaluate_looks([judged(PHOTOS.first_hero, aside)]))
    assert looks["purity"] == 1.0
    assert looks["unassigned"] > 0.3
    assert looks["bcubed_f"] < 0.9


def test_one_shelf_for_everything_agrees_little() -> None:
    """The figures' floor."""
    assert means(evaluate_one_look(PHOTOS))["v_measure"] == 0.0


def test_raters_are_compared_over_what_both_rated() -> None:
    """A second rater of one mind with the first agrees fully; without a second there is no figure."""
    ratings, _ = ratings_and_embeddings(albums=2)
    second = tuple(replace(rating, rater="B") for rating in ratings[:9])
    assert evaluate_raters_looks(ratings) == ()
    assert evaluate_raters_heroes(ratings) == ()
    looks = evaluate_raters_looks((*ratings, *second))
    assert means(looks)["bcubed_f"] == 1.0
    assert looks[0].count == 1
    assert means(evaluate_raters_heroes((*ratings, *second)))["pairs"] == 1.0


def test_the_spread_is_over_seeds() -> None:
    """Two seeds that disagree have one."""
    figure = evaluate_heroes([judged(PHOTOS.first_hero), judged(-PHOTOS.first_hero)])[-1]
    assert (figure.name, figure.spread) == ("pairs", pytest.approx(0.5))
    assert figure.interval.mean == pytest.approx(0.5)


def test_albums_are_judged_by_heads_fitted_without_them() -> None:
    """Made-up albums are easy; every photo comes back in its place, once a seed."""
    runs = leave_albums_out(PHOTOS, folds=2, seeds=(1, 2))
    assert len(runs) == 2
    for run in runs:
        assert run.rated is PHOTOS
        assert (run.looks >= 0).mean() > 0.5
    assert means(evaluate_heroes(runs))["pairs"] > 0.75
    assert means(evaluate_looks(runs))["purity"] > 0.9


def test_a_photo_without_an_animal_has_no_look_and_is_never_chosen() -> None:
    """It counts against both."""
    ratings, embeddings = ratings_and_embeddings(albums=4)
    best = ratings[int(np.argmax([rating.hero for rating in ratings]))]
    embeddings[best.key] = replace(embeddings[best.key], sightings=())
    photos = rated_photos(ratings, embeddings)
    (run,) = leave_albums_out(photos, folds=2, seeds=(1,))
    row = photos.keys.index(best.key)
    assert run.looks[row] == NO_LOOK
    assert run.scores[row] == -np.inf
