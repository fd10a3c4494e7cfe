"""Fitting the level of animals on synthetic sets: it finds animals it never saw, and peeks at nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sploot_media_clustering.domain.level import place
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.animals_left_out import animals_outcome, evaluate_animals_left_out
from sploot_media_clustering.evaluation.identity import evaluate_identity, fits_left_out, identity_outcomes
from sploot_media_clustering.evaluation.metrics import score
from sploot_media_clustering.training.identity import (
    TEMPERATURES,
    IdentityFit,
    fit_identity,
    head_without,
    items_of,
)
from sploot_media_clustering.training.labelled import LabelledVectors

SETS, ANIMALS, PHOTOS, FEATURES = 4, 10, 6, 40
INSIDE = 12
"""Axes along which photos of one animal differ widely; the others tell animals apart."""


@pytest.fixture(scope="module")
def vectors() -> LabelledVectors:
    rng = np.random.default_rng(0)
    animals = np.repeat(np.arange(SETS * ANIMALS), PHOTOS)
    centres = rng.normal(size=(SETS * ANIMALS, FEATURES))
    centres[:, :INSIDE] = 0.0
    spread = np.where(np.arange(FEATURES) < INSIDE, 1.0, 0.25)
    x = centres[animals] + spread * rng.normal(size=(len(animals), FEATURES))
    sets = animals // ANIMALS
    return LabelledVectors(
        keys=tuple(f"{s}/{a}/{i}" for i, (s, a) in enumerate(zip(sets, animals, strict=True))),
        x=x.astype(np.float32),
        clearness=np.ones(len(animals)),
        animals=animals,
        sets=sets,
        animal_names=tuple(f"animal{a}" for a in range(SETS * ANIMALS)),
        set_names=tuple(f"set{s}" for s in range(SETS)),
    )


def fitted(vectors: LabelledVectors, left_out: int) -> IdentityFit:
    return fit_identity(vectors, head_without(vectors), left_out=frozenset({left_out}), draws=4)


def test_animals_of_a_set_that_was_left_out_are_found(vectors: LabelledVectors) -> None:
    """Head and thresholds carry over to animals that nothing was fitted on."""
    fit = fitted(vectors, 0)
    rows = np.flatnonzero(vectors.animals < 4)
    found = place(items_of(vectors, fit.head, rows), fit.level)
    assert score(vectors.animals[rows], found.labels).bcubed_f > 0.95
    assert fit.level.temperature in TEMPERATURES


def test_nothing_of_a_set_that_is_left_out_is_used(vectors: LabelledVectors) -> None:
    """Its vectors may be poison and its names wrong: head, concentration and temperature stay bit by bit."""
    poisoned = vectors.x.copy()
    poisoned[vectors.sets == 1] = np.nan
    renamed = vectors.animals.copy()
    renamed[vectors.sets == 1] = ANIMALS
    before, after = fitted(vectors, 1), fitted(replace(vectors, x=poisoned, animals=renamed), 1)
    np.testing.assert_array_equal(before.head.weight, after.head.weight)
    np.testing.assert_array_equal(before.head.between, after.head.between)
    assert before.level.concentration == after.level.concentration
    assert before.level.temperature == after.level.temperature


def test_what_is_not_left_out_is_used(vectors: LabelledVectors) -> None:
    """So that the test above can fail."""
    changed = vectors.x.copy()
    changed[vectors.sets == 2] *= 1.5
    before, after = fitted(vectors, 1), fitted(replace(vectors, x=changed), 1)
    assert not np.array_equal(before.head.weight, after.head.weight)


@pytest.mark.parametrize(("sets", "left_out"), [(1, ()), (2, (0,))])
def test_too_few_sets_are_told(vectors: LabelledVectors, sets: int, left_out: tuple[int, ...]) -> None:
    """Thresholds are chosen on a set that the head was not fitted on, so one alone is not enough."""
    rows = vectors.sets < sets
    few = replace(
        vectors,
        keys=tuple(np.array(vectors.keys)[rows]),
        x=vectors.x[rows],
        clearness=vectors.clearness[rows],
        animals=vectors.animals[rows],
        sets=vectors.sets[rows],
        set_names=vectors.set_names[:sets],
    )
    with pytest.raises(DatasetError, match=f"expected at least {2 + len(left_out)} data sets, got {sets}"):
        fit_identity(few, head_without(few), left_out=frozenset(left_out))


def test_heads_are_fitted_once(vectors: LabelledVectors) -> None:
    """The same sets left out give the same object."""
    fit = head_without(vectors)
    assert fit(frozenset({0, 1})) is fit(frozenset({1, 0}))


def test_the_protocol_judges_every_set_by_what_was_fitted_without_it(vectors: LabelledVectors) -> None:
    """Sets are told in order; telling the number of animals does no harm."""
    told: list[str] = []
    rows = (vectors.sets < SETS - 1) & (vectors.animals % ANIMALS < ANIMALS // 2)
    few = replace(
        vectors,
        keys=tuple(np.array(vectors.keys)[rows]),
        x=vectors.x[rows],
        clearness=vectors.clearness[rows],
        animals=vectors.animals[rows],
        sets=vectors.sets[rows],
        set_names=vectors.set_names[:-1],
    )
    results = evaluate_identity(few, fits_left_out(few, told.append), draws=2, seeds=(1,))
    assert [result.name for result in results] == told == list(few.set_names)
    plain, hinted = identity_outcomes(results)
    assert (plain.value("mean of sets", "v_measure") or 0.0) > 0.7
    assert (hinted.value("mean of sets", "v_measure") or 0.0) > 0.7
    assert (plain.value("set0", "alone_bcubed_f") or 0.0) > 0.9


def test_animals_of_a_known_set_are_judged_by_what_others_taught(vectors: LabelledVectors) -> None:
    """Every set has households of every fold; what the set teaches helps."""
    few = replace(
        vectors,
        keys=tuple(np.array(vectors.keys)[vectors.sets < SETS - 1]),
        x=vectors.x[vectors.sets < SETS - 1],
        clearness=vectors.clearness[vectors.sets < SETS - 1],
        animals=vectors.animals[vectors.sets < SETS - 1],
        sets=vectors.sets[vectors.sets < SETS - 1],
        set_names=vectors.set_names[:-1],
    )
    found = evaluate_animals_left_out(few, draws=2, folds=2)
    assert {name: len(scores) for name, scores in found.items()} == dict.fromkeys(few.set_names, 4)
    assert (animals_outcome(found).value("mean of sets", "v_measure") or 0.0) > 0.8
