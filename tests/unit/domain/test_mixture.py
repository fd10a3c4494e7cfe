"""The mixture's closed forms, against the densities that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from sploot_media_clustering.domain import mixture as mix
from sploot_media_clustering.domain.mixture import Prior

BETWEEN = np.array([9.0, 4.0, 0.5])
seeds = st.integers(0, 2**31 - 1)


def vectors(seed: int, size: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(size, len(BETWEEN))) * 2


def joint_log_density(x: np.ndarray, within: float) -> float:
    """Of vectors that share one integrated-out centre, axis by axis."""
    size = len(x)
    return sum(
        multivariate_normal(np.zeros(size), within * np.eye(size) + lam).logpdf(x[:, d])
        for d, lam in enumerate(BETWEEN)
    )


def evidence_of(x: np.ndarray, prior: Prior) -> float:
    one = mix.collect(x, np.ones(len(x)), np.ones(len(x), np.int64), np.zeros(len(x), np.int64), 1)
    return float(mix.log_evidence(one.weights, one.sums, one.counts, prior)[0])


@given(seeds, st.integers(1, 6), st.sampled_from([0.5, 1.0, 2.0]))
def test_evidence_is_the_joint_density_with_the_centre_integrated_out(
    seed: int, size: int, within: float
) -> None:
    """Untempered and without a prior, the two differ by what no partition changes."""
    x = vectors(seed, size)
    prior = Prior(BETWEEN, power=1.0, log_concentration=0.0, size_power=0.0, within=within)
    constant = 0.5 * x.size * np.log(2 * np.pi)
    density = evidence_of(x, prior) + mix.log_scale_evidence(x, np.ones(size), prior) - constant
    assert density == pytest.approx(joint_log_density(x, within), rel=1e-9, abs=1e-8)


@given(seeds, st.integers(1, 5))
def test_a_gain_is_the_difference_of_evidences(seed: int, size: int) -> None:
    """Joining is worth what the evidence grows by, founding what a component of one is worth."""
    x = vectors(seed, size + 1)
    prior = Prior(BETWEEN, power=0.4, log_concentration=-3.0, size_power=0.5, within=1.3)
    one = mix.empty(len(BETWEEN))
    for i in range(size):
        one = mix.absorb(one, 0, x[i], 1.0)
    join, found = mix.gains(one, x[-1], 1.0, prior)
    assert join == pytest.approx(evidence_of(x, prior) - evidence_of(x[:-1], prior), abs=1e-9)
    assert found == pytest.approx(evidence_of(x[-1:], prior), abs=1e-9)


@settings(max_examples=50)
@given(seeds, st.integers(1, 8), st.floats(0.1, 1.0))
def test_remove_undoes_absorb(seed: int, size: int, weight: float) -> None:
    """Within rounding, whatever the weight, a founded component included."""
    x = vectors(seed, size + 1)
    start = mix.collect(x[:-1], np.ones(size), np.ones(size, np.int64), np.arange(size) % 2, 2)
    for component in range(3):
        there = mix.absorb(start, component, x[-1], weight)
        back = mix.remove(there, component, x[-1], weight)
        np.testing.assert_allclose(back.sums[:2], start.sums, atol=1e-9)
        np.testing.assert_allclose(back.weights[:2], start.weights, atol=1e-9)
        np.testing.assert_array_equal(back.counts[:2], start.counts)


def test_a_mixture_is_a_value() -> None:
    """Absorbing leaves the mixture it came from as it was."""
    start = mix.absorb(mix.empty(3), 0, np.ones(3), 1.0)
    mix.absorb(start, 0, np.ones(3), 1.0)
    assert start.counts.tolist() == [1]
    assert start.sums.tolist() == [[1.0, 1.0, 1.0]]


def test_posteriors_sum_to_one_and_soften_with_temperature() -> None:
    """What is impossible has probability 0; a higher temperature lowers the highest probability."""
    gain = np.array([[3.0, 1.0, -np.inf]])
    cold, warm = mix.posterior(gain, 1.0), mix.posterior(gain, 2.0)
    assert cold.sum() == pytest.approx(1.0)
    assert cold[0, 2] == 0.0
    assert warm[0, 0] < cold[0, 0]


def test_an_empty_component_has_no_evidence() -> None:
    """So founding and dissolving a component need no special case."""
    prior = Prior(BETWEEN, power=0.4, log_concentration=-3.0)
    none = mix.log_evidence(np.zeros(1), np.zeros((1, 3)), np.zeros(1, np.int64), prior)
    assert none.tolist() == [0.0]


@given(seeds, st.integers(1, 8), st.sampled_from([3, 18, 32]))
def test_evidence_of_joined_components_is_that_of_their_sums(seed: int, size: int, dimension: int) -> None:
    """One with all, and all with all, whatever the number of axes and of distinct weights."""
    rng = np.random.default_rng(seed)
    prior = Prior(rng.uniform(0.5, 20.0, dimension), power=0.4, log_concentration=-3.0, within=1.3)
    weights, sums = rng.choice([0.5, 1.0, 2.3], size), rng.normal(size=(dimension, size)) * 3
    pairs = mix.pairwise_gaussian_evidence(weights, sums, prior)
    for i in range(size):
        expected = mix.gaussian_evidence(weights + weights[i], (sums + sums[:, [i]]).T, prior)
        joint = mix.joint_gaussian_evidence(weights, sums, float(weights[i]), sums[:, i], prior)
        np.testing.assert_allclose(joint, expected, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(pairs[i], expected, rtol=1e-10, atol=1e-10)
