from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.training.export_rounding import WEIGHT_LEVELS, Inputs, rounded_weights

SAMPLES = 500


def inputs_of(rows: np.ndarray) -> Inputs:
    """Mean and second moments of rows [g, n, k]."""
    return Inputs(rows.mean(axis=1), np.einsum("gni,gnj->gij", rows, rows) / rows.shape[1])


@pytest.fixture
def rows() -> np.ndarray:
    """Correlated activations that are never negative, as a ReLU leaves them."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(SAMPLES, 4)) @ rng.normal(size=(4, 24))
    return np.maximum(shared + 0.3 * rng.normal(size=(SAMPLES, 24)), 0.0)


def test_outputs_move_less_than_by_plain_rounding(rows: np.ndarray) -> None:
    """Carrying errors over halves the change of a layer's output, at the same number of bits."""
    weights, bias = np.random.default_rng(1).normal(size=(16, 24)), np.zeros(16)
    whole, scales, corrected = rounded_weights(weights, bias, inputs_of(rows[None]))
    exact = rows @ weights.T
    carried = rows @ (whole * scales[:, None]).T + corrected
    plain = rows @ (np.round(weights / scales[:, None]) * scales[:, None]).T
    assert ((carried - exact) ** 2).mean() < 0.5 * ((plain - exact) ** 2).mean()


def test_the_mean_output_stays(rows: np.ndarray) -> None:
    """What rounding moves on average is taken off the bias."""
    weights, bias = np.random.default_rng(1).normal(size=(16, 24)), np.arange(16.0)
    whole, scales, corrected = rounded_weights(weights, bias, inputs_of(rows[None]))
    exact = (rows @ weights.T + bias).mean(axis=0)
    np.testing.assert_allclose(
        (rows @ (whole * scales[:, None]).T + corrected).mean(axis=0), exact, atol=1e-9
    )


def test_depthwise_channels_are_rounded_apart(rows: np.ndarray) -> None:
    """Each channel of a depthwise layer sees its own inputs only."""
    weights, bias = np.random.default_rng(2).normal(size=(2, 24)), np.zeros(2)
    both = rounded_weights(weights, bias, inputs_of(np.stack([rows, rows[:, ::-1]])))
    second = rounded_weights(weights[1:], bias[1:], inputs_of(rows[None, :, ::-1]))
    for together, alone in zip(both, second, strict=True):
        np.testing.assert_array_equal(together[1:], alone)


def test_pairs_of_products_fit_sixteen_bits(rows: np.ndarray) -> None:
    """Processors without VNNI add two products of a byte and a weight in 16 bits."""
    weights = np.random.default_rng(3).normal(size=(8, 24)) * 100
    whole, _, _ = rounded_weights(weights, np.zeros(8), inputs_of(rows[None]))
    assert np.abs(whole).max() <= WEIGHT_LEVELS
    assert 2 * 255 * WEIGHT_LEVELS < 2**15


def test_a_dead_channel_stays_dead(rows: np.ndarray) -> None:
    """Weights of zero give zeros and a finite scale."""
    whole, scales, bias = rounded_weights(np.zeros((1, 24)), np.ones(1), inputs_of(rows[None]))
    assert not whole.any()
    assert scales[0] > 0
    assert bias[0] == 1.0
