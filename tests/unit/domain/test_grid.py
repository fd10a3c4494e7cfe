"""Numbers on a grid."""

from __future__ import annotations

import numpy as np

from sploot_media_clustering.domain.grid import SHARE_STEP, VECTOR_STEP, WEIGHT_STEP, on_grid, share


def test_values_go_to_the_nearest_multiple() -> None:
    """Of whatever shape, in their own precision, and no zero has a sign."""
    for kind in (np.float32, np.float64):
        found = on_grid(np.array([[0.06, 0.07], [-0.06, -13.3]], kind), VECTOR_STEP)
        assert found.dtype == kind
        assert found.tolist() == [[0.0, 0.125], [0.0, -13.25]]
        assert not np.signbit(found[found == 0]).any()
    assert share(0.9) == on_grid(np.array([0.9]), SHARE_STEP)[0] == 922 / 1024


def test_sums_do_not_depend_on_the_order() -> None:
    """Weighted sums of vectors on their grid are exact, so that what came and went leaves no trace."""
    rng = np.random.default_rng(0)
    vectors = on_grid(5 * rng.normal(size=(1000, 3)), VECTOR_STEP)
    weights = on_grid(rng.random(1000), WEIGHT_STEP)[:, None]
    total = (weights * vectors).sum(0)
    order = rng.permutation(1000)
    assert ((weights[order] * vectors[order]).cumsum(0)[-1] == total).all()
    left = total
    for i in order[:-1]:
        left = left - weights[i] * vectors[i]
    assert (left == weights[order[-1]] * vectors[order[-1]]).all()
