"""Rivals find what is easily found, and are chosen without the set that they are judged on."""

from __future__ import annotations

import numpy as np
import pytest
from judged_home import judged_home

from sploot_media_clustering.errors import MissingExtraError
from sploot_media_clustering.evaluation import rival_trials, rivals
from sploot_media_clustering.evaluation.metrics import score
from sploot_media_clustering.evaluation.rival_trials import OURS, evaluate_rivals, rivals_outcomes
from sploot_media_clustering.evaluation.rivals import RIVALS, Rival, unit


def blobs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three tight groups in directions at right angles."""
    truth = np.repeat(np.arange(3), 6)
    noise = np.random.default_rng(seed).normal(0.0, 0.05, (len(truth), 12))
    return unit(np.eye(12)[truth] + noise), truth


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
def test_every_rival_finds_tight_groups(rival: Rival) -> None:
    """With some parameter of its grid; one array of labels for each."""
    vectors, truth = blobs()
    found = rival.cluster(vectors, rival.grid)
    assert len(found) == len(rival.grid)
    best = max(score(truth, labels).bcubed_f for labels in found)
    assert best > 0.8


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_albums_of_few_photos_are_clustered(rival: Rival, size: int) -> None:
    """Every photo gets a label, if only that it stands aside."""
    vectors = unit(np.random.default_rng(1).normal(size=(size, 12)))
    assert [len(labels) for labels in rival.cluster(vectors, rival.grid)] == [size] * len(rival.grid)


def test_without_its_modules_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most rivals are its."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"sploot-media-clustering\[evaluation\]"):
        rivals.available()


def test_a_parameter_is_chosen_on_the_other_sets() -> None:
    """A rival whose parameter is right for one set and wrong for the others shows the wrong one there."""
    sets = [judged_home(name=name) for name in ("a", "b", "c")]
    told: list[tuple[float, ...]] = []

    def cluster(vectors: np.ndarray, grid: tuple[float, ...]) -> list[np.ndarray]:
        told.append(grid)
        return [np.zeros(len(vectors), np.int64) for _ in grid]

    evaluate_rivals(sets, [Rival("one for all", (1.0, 2.0), cluster)], draws=2)
    assert (1.0, 2.0) in told
    assert set(told) == {(1.0, 2.0), (1.0,)}


def test_ours_stands_beside_rivals() -> None:
    """Gains are ours over theirs, on the same households; who lumps everything is behind on every set."""
    sets = [judged_home(name=name) for name in ("a", "b")]
    lump = Rival("lump", (1.0,), lambda vectors, grid: [np.zeros(len(vectors), np.int64) for _ in grid])
    outcome, by_set = rivals_outcomes(evaluate_rivals(sets, [lump], draws=3))
    assert outcome.value(OURS, "v_measure") == pytest.approx(1.0)
    assert outcome.value("lump, crop vectors", "gain_v_measure") == pytest.approx(1.0)
    assert outcome.value("lump, our head's vectors", "sets_behind_v_measure") == 0.0
    assert outcome.value(OURS, "rand_of_orders") == 1.0
    assert [len(plot.series) for plot in outcome.plots] == [3, 3]
    assert by_set.value(OURS, "a V") == pytest.approx(1.0)
    assert by_set.value("lump, crop vectors", "b V") == 0.0


def test_a_rival_that_depends_on_the_order_is_told() -> None:
    """By the agreement of its own results."""
    halves = Rival("halves", (1.0,), lambda vectors, grid: [np.arange(len(vectors)) % 2 for _ in grid])
    outcome, _ = rivals_outcomes(evaluate_rivals([judged_home()], [halves], draws=2))
    assert (outcome.value("halves, crop vectors", "rand_of_orders") or 1.0) < 0.5
    assert rival_trials.HEAD in outcome.measures[-1].group
