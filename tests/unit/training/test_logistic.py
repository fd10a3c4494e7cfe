"""Logistic regression: what it finds where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.training.logistic import logistic_regression, temperature_of


def test_probabilities_follow_the_shares() -> None:
    """Without anything to read, the bias tells how common a value is."""
    target = np.eye(2)[[0, 0, 0, 1]]
    _, bias = logistic_regression(np.zeros((4, 1)), target, 1e-3)
    assert np.exp(bias[0] - bias[1]) == pytest.approx(3.0, rel=0.01)


def test_importance_counts_like_repetition() -> None:
    """A row of weight two is two rows."""
    rng = np.random.default_rng(0)
    z, target = rng.normal(size=(20, 2)), np.eye(2)[rng.integers(2, size=20)]
    twice = np.r_[np.arange(20), 3]
    weighted = logistic_regression(z, target, 1e-2, np.where(np.arange(20) == 3, 2.0, 1.0))
    repeated = logistic_regression(z[twice], target[twice], 1e-2)
    assert weighted[0] == pytest.approx(repeated[0], abs=1e-3)


def test_what_is_ordered_is_told_beyond_its_examples() -> None:
    """Far out, where nothing was seen, the outermost values stay the likeliest."""
    z = np.linspace(-1, 1, 41)[:, None]
    target = np.eye(4)[np.digitize(z[:, 0], (-0.5, 0.0, 0.5))]
    weight, bias = logistic_regression(z, target, 1e-2, ordered=True)
    assert (np.diff(weight[:, 0]) > 0).all()
    assert (np.array([[-9.0], [9.0]]) @ weight.T + bias).argmax(1).tolist() == [0, 3]
    assert ((z @ weight.T + bias).argmax(1) == target.argmax(1)).mean() > 0.9


def test_temperature_undoes_overconfidence() -> None:
    """Logits twice as large as is right are halved."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 2))
    p = 1 / (1 + np.exp(logits[:, 1] - logits[:, 0]))
    target = np.eye(2)[(rng.uniform(size=4000) > p).astype(int)]
    assert temperature_of(2 * logits, target) == pytest.approx(2.0, abs=0.3)
