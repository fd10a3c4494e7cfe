"""The gate: losses are refused, gains and what is within tolerance are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from judged_home import judged_home

from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.gate import (
    Expected,
    baseline_of,
    checks,
    read_baseline,
)
from sploot_media_clustering.evaluation.identity import evaluate_identity, identity_outcomes
from sploot_media_clustering.evaluation.judged_sets import JudgedSet
from sploot_media_clustering.evaluation.outcome import Better, Measure, Outcome
from sploot_media_clustering.training.identity import IdentityFit, level_model
from sploot_media_clustering.training.two_covariance import TwoCovarianceFit, fit_two_covariance


def outcome(value: float | None, better: Better = "higher") -> Outcome:
    return Outcome("p-1", "A protocol", "heads", (Measure("home", "purity", value, better=better),))


@pytest.mark.parametrize(
    ("better", "was", "now", "holds"),
    [
        ("higher", 0.9, 0.895, True),
        ("higher", 0.9, 0.88, False),
        ("higher", 0.9, 0.89, True),
        ("higher", 0.9, 0.99, True),
        ("lower", 0.1, 0.105, True),
        ("lower", 0.1, 0.12, False),
        ("lower", 0.1, 0.0, True),
        ("one", 1.1, 0.9, True),
        ("one", 1.1, 0.8, False),
        ("one", 0.9, 1.0, True),
    ],
)
def test_only_losses_beyond_the_tolerance_fail(
    better: Better, was: float, now: float, *, holds: bool
) -> None:
    """Wherever the figure should go."""
    expected = Expected("p-1", "home", "purity", was, 0.01, better)
    (check,) = checks([outcome(now, better)], [expected])
    assert check.holds is holds


@pytest.mark.parametrize("outcomes", [[], [outcome(None)]])
def test_what_was_not_measured_is_lost(outcomes: list[Outcome]) -> None:
    """Leaving a protocol out is no way through the gate, unless others are not asked for."""
    expected = Expected("p-1", "home", "purity", 0.9, 1.0, "higher")
    (check,) = checks(outcomes, [expected])
    assert not check.holds
    assert checks(outcomes, [expected], only={"q-1"}) == []


def test_a_baseline_keeps_the_tolerances_that_people_set(tmp_path: Path) -> None:
    """Values are the new ones; what is not judged is not in it."""
    path = tmp_path / "baseline.json"
    path.write_bytes(baseline_of([outcome(0.9)]))
    (first,) = read_baseline(path)
    path.write_bytes(baseline_of([outcome(0.95)], [replace(first, tolerance=0.3)]))
    (second,) = read_baseline(path)
    assert (second.value, second.tolerance) == (0.95, 0.3)
    assert msgspec.json.decode(baseline_of([outcome(0.9, "neither"), outcome(None)])) == []


def test_one_case_of_few_may_be_lost() -> None:
    """A share of five cases moves by a fifth or not at all; a mean of sets is no share of cases."""
    measures = (Measure("real", "right", 0.6, count=5), Measure("home", "right", 0.6, count=500))
    mean = Measure("mean of sets", "right", 0.6, count=6)
    content = baseline_of([Outcome("p-1", "", "", (*measures, mean))])
    found = msgspec.json.decode(content, type=tuple[Expected, ...])
    assert [one.tolerance for one in found] == [0.2, 0.01, 0.01]


@pytest.mark.parametrize("content", [b"", b"{}", b'[{"protocol": 1}]'])
def test_a_file_that_is_no_baseline_is_named(tmp_path: Path, content: bytes) -> None:
    """With its path, and what makes one."""
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"other\.json to be a baseline of 'eval baseline'"):
        read_baseline(path)
    with pytest.raises(DatasetError, match="expected a baseline in"):
        read_baseline(tmp_path / "none.json")


def learned(home: JudgedSet, animals: np.ndarray) -> IdentityFit:
    """A head fitted on some labels, in a world where half of the axes say nothing of who is who."""
    head = fit_two_covariance(
        home.vectors.x, animals, np.zeros(len(animals), np.int64), TwoCovarianceFit(4, 8, 0.1)
    )
    start = home.heads.tree.subjects
    return IdentityFit(head, level_model(head.between, start.concentration, 1.0))


def hard_home() -> JudgedSet:
    """Many animals told apart by four axes, with louder ones that tell their photos apart."""
    home = judged_home(animals=12, photos=6)
    rng = np.random.default_rng(0)
    told = rng.normal(size=(12, 4))[home.vectors.animals] * 2.0
    said = told + 0.4 * rng.normal(size=told.shape)
    loud = 6.0 * rng.normal(size=told.shape)
    return replace(home, vectors=replace(home.vectors, x=np.hstack([said, loud]).astype(np.float32)))


def test_a_head_of_shuffled_labels_fails_the_gate() -> None:
    """What was fitted on the right labels sets a baseline that what was fitted on wrong ones loses."""
    home = hard_home()
    shuffled = np.random.default_rng(1).permutation(home.vectors.animals)
    good, bad = (
        identity_outcomes(evaluate_identity(home.vectors, [(0, learned(home, labels))], draws=6, seeds=(1,)))
        for labels in (home.vectors.animals, shuffled)
    )
    baseline = msgspec.json.decode(baseline_of(good), type=tuple[Expected, ...])
    assert all(check.holds for check in checks(good, baseline))
    lost = {check.expected.measure for check in checks(bad, baseline) if not check.holds}
    assert {"v_measure", "bcubed_f", "adjusted_rand"} <= lost
