"""Moments beside occasions that people saw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judged_home import judged_home
from rated_albums import EMBEDDED, rated, ratings_and_embeddings

from sploot_media_clustering.domain.moments import MomentModel
from sploot_media_clustering.domain.projection import SceneHead
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.judged_sets import JudgedSet
from sploot_media_clustering.evaluation.occasions import (
    evaluate_moments,
    moments_outcome,
    raters_moments,
    simulated_times_s,
)
from sploot_media_clustering.training.ratings import rated_photos


def home_with(model: MomentModel) -> JudgedSet:
    home = judged_home()
    home.heads.tree = replace(home.heads.tree, moments=model)  # type: ignore[misc]
    home.heads.scene = SceneHead(  # type: ignore[misc]
        np.zeros(EMBEDDED, np.float32), np.eye(EMBEDDED, dtype=np.float32)
    )
    return home


def test_photos_of_one_occasion_are_taken_within_minutes() -> None:
    """And occasions are at least twenty minutes apart."""
    occasions = np.repeat(np.arange(6), 3)
    times_s = simulated_times_s(occasions, np.random.default_rng(0))
    spans = [np.ptp(times_s[occasions == one]) for one in range(6)]
    assert max(spans) < 600.0
    gaps = np.diff(np.sort([times_s[occasions == one].min() for one in range(6)]))
    assert gaps.min() >= 1200.0


def test_times_tell_what_pictures_do_not() -> None:
    """Where all pictures look alike, occasions are told by their times alone."""
    ratings, embeddings = ratings_and_embeddings(albums=3)
    pairs = tuple(replace(rating, moment=str(int(rating.moment) // 3)) for rating in ratings)
    photos = rated_photos(pairs, embeddings)
    model = MomentModel(gap_s=300.0, timed_cosine=-1.0, untimed_cosine=-1.0, tempering=0.5)
    outcome = moments_outcome(evaluate_moments([home_with(model)], photos, embeddings), [])
    assert outcome.value("mean of sets, simulated times", "bcubed_f") == pytest.approx(1.0)
    assert outcome.value("mean of sets, times in minutes", "bcubed_f") == pytest.approx(1.0)
    assert (outcome.value("mean of sets, without times", "bcubed_f") or 1.0) < 0.8


def test_raters_are_compared_over_what_both_rated() -> None:
    """Of one mind they agree fully; without a second there is nothing to compare."""
    ratings, _ = ratings_and_embeddings(albums=1)
    assert raters_moments(ratings) == []
    both = (*ratings, *(replace(rating, rater="B") for rating in ratings[:5]))
    assert [one.bcubed_f for one in raters_moments(both)] == [1.0]


def test_albums_of_other_sets_are_not_judged() -> None:
    """A set without ratings has no occasions."""
    model = MomentModel(gap_s=300.0, timed_cosine=0.3, untimed_cosine=0.9, tempering=0.5)
    with pytest.raises(DatasetError, match="expected rated albums of the sets"):
        evaluate_moments([replace(home_with(model), name="elsewhere")], rated(albums=2), {})
