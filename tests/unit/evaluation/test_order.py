"""Orders that could have done better, ids that change, albums that grow: on made-up sets that are easy."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from judged_home import judged_home
from strategies_album import DIMENSION, tree_model

from sploot_media_clustering.domain.conflicts import none
from sploot_media_clustering.domain.partition import Items
from sploot_media_clustering.evaluation import order
from sploot_media_clustering.evaluation.order import STEPS, evaluate_order, order_outcomes


def test_of_an_easy_set_no_order_does_better_and_ids_stay() -> None:
    """Animals far apart are told apart whatever comes first, and equally so by all orders."""
    (result,) = evaluate_order([judged_home()], albums=2, orders=3)
    posterior, alike, churn, growth = order_outcomes([result])
    assert posterior.value("home", "an_order_beats_settling") == 0.0
    assert alike.value("home", "equal_after_settling") == 1.0
    assert (alike.value("home", "unsettled_rand") or 0.0) > 0.8
    assert (churn.value("home", "ids_changed") or 0.0) < 0.2
    (curve,) = growth.plots
    assert [len(series.points) for series in curve.series] == [STEPS, STEPS]
    assert growth.value("home", "settled_v_measure") == pytest.approx(1.0, abs=0.1)


def test_an_order_that_does_better_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where settling puts everything in one cluster, some order of arrival does not."""
    settle = order.settle

    def lazy(*arguments: object) -> object:
        settled = settle(*arguments)  # type: ignore[arg-type]
        return Mock(labels=np.zeros_like(settled.labels), prior=settled.prior)

    monkeypatch.setattr(order, "settle", lazy)
    (result,) = evaluate_order([judged_home()], albums=2, orders=2)
    assert result.beaten == (1.0, 1.0)


def test_photos_that_arrive_go_where_they_gain_most() -> None:
    """Two far groups become two components, in any order."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(np.array([[15.0], [-15.0]]), 4, 0) * np.eye(DIMENSION)[0] + rng.normal(
        size=(8, DIMENSION)
    )
    items = Items(vectors, np.ones(8), np.arange(8), none(8))
    prior = tree_model().subjects.prior(8)
    for _ in range(3):
        labels = order._arrived(items, prior, rng.permutation(8))
        assert len(set(labels[:4])) == len(set(labels[4:])) == 1
        assert labels[0] != labels[4]
