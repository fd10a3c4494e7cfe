"""Probabilities held against what was right."""

from __future__ import annotations

import numpy as np
import pytest
from judged_home import judged_home

from sploot_media_clustering.evaluation.albums import settled_album
from sploot_media_clustering.evaluation.calibration import (
    BINS,
    Claimed,
    calibration_error,
    calibration_interval,
    claimed_memberships,
    evaluate_membership,
    membership_outcome,
    reliability,
)


def test_calibration_is_of_probability_and_share() -> None:
    """Sure of .9 and right of .9 is calibrated, right of .5 is not."""
    sure = np.full(100, 0.9)
    assert calibration_error(sure, np.arange(100) % 10 > 0) == pytest.approx(0.0)
    assert calibration_error(sure, np.arange(100) % 2 > 0) == pytest.approx(0.4)


def test_the_diagram_goes_from_unsure_to_sure() -> None:
    """Bins of equally many photos, in the order of their probabilities."""
    sure = np.linspace(0.1, 1.0, 50)
    points = reliability(sure, sure > 0.5)
    assert len(points) == BINS
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert (points[0][1], points[-1][1]) == (0.0, 1.0)


def test_an_interval_draws_whole_albums() -> None:
    """One album has no spread: whatever is drawn is the same."""
    one = Claimed(np.linspace(0.2, 0.9, 20), np.arange(20) % 2 > 0, np.zeros(20, np.int64))
    found = calibration_interval([one])
    assert found.low == found.mean == found.high


def test_sure_and_wrong_is_told() -> None:
    """Where labels are not what was clustered by, probabilities promise too much."""
    home = judged_home()
    photos, animals = home.album(np.concatenate(home.animals))
    state = settled_album(photos, home.heads.tree)
    right = claimed_memberships(state, animals, 0)
    assert right.right.all()
    assert calibration_error(right.sure, right.right) < 0.1
    mixed = dict(
        zip(animals, np.random.default_rng(0).permutation(list(animals.values())).tolist(), strict=True)
    )
    wrong = claimed_memberships(state, mixed, 0)
    assert calibration_error(wrong.sure, wrong.right) > 0.3


def test_every_set_is_told_and_drawn() -> None:
    """One series and one measure a set."""
    outcome = membership_outcome(evaluate_membership([judged_home(), judged_home(name="shelter")], draws=2))
    assert [measure.group for measure in outcome.measures] == ["home", "shelter", "mean of sets"]
    assert [series.name for series in outcome.plots[0].series] == ["home", "shelter"]
