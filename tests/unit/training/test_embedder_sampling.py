"""What an embedder is tuned on: one set's animals at a time, whole sets and whole animals kept aside."""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.embedder_sampling import (
    CROP,
    Recipe,
    Sampler,
    TrunkFeatures,
    deal_sets,
    left_out_rows,
    told_apart,
)

VARIED_CROPS, VARIED_WHOLES = 3, 2
SMALL = Recipe(animals=3, photos=2, wholes=2)
PHOTOS = 4
SETS = np.repeat([0, 0, 0, 0, 1, 1, 1, 2], PHOTOS)
ANIMALS = np.repeat(np.arange(8), PHOTOS)
"""Two sets that can be tuned on, and one with a single animal."""


def features() -> TrunkFeatures:
    """Every value says of which photo and view it is."""
    views = 2 + VARIED_CROPS + VARIED_WHOLES
    values = np.arange(len(ANIMALS))[:, None] * views + np.arange(views)
    return TrunkFeatures(values[:, :, None, None, None].astype(np.float16), ANIMALS, SETS, VARIED_CROPS)


def rows() -> np.ndarray:
    return np.arange(len(ANIMALS))


def test_a_batch_is_of_one_set_and_its_animals_have_several_photos() -> None:
    """Telling two data sets apart is no task; a lone photo has nothing to come closer to."""
    sampler, rng = Sampler(features(), rows(), SMALL), np.random.default_rng(0)
    drawn = [sampler.draw(rng) for _ in range(30)]
    sets = [set(SETS[np.isin(ANIMALS, batch.animals)]) for batch in drawn]
    assert {0} in sets
    assert {1} in sets
    assert all(len(one) == 1 for one in sets)
    assert all(np.bincount(batch.animals)[np.unique(batch.animals)].min() == 2 for batch in drawn)


def test_crops_come_first_and_whole_photos_behind_them() -> None:
    """The contrastive loss is taken over the crops alone."""
    sampler, rng = Sampler(features(), rows(), SMALL), np.random.default_rng(1)
    views = features().values.shape[1]
    for _ in range(20):
        batch = sampler.draw(rng)
        shown = features().drawn(batch, 0.3, rng).ravel().astype(int)
        view = shown % views
        assert (shown // views).tolist() == [*batch.photos, *batch.wholes]
        crops, wholes = view[: len(batch.animals)], view[len(batch.animals) :]
        assert ((crops >= CROP) & (crops <= CROP + VARIED_CROPS)).all()
        assert ((wholes < CROP) | (wholes > CROP + VARIED_CROPS)).all()
        assert len(wholes) == 2


def test_a_set_of_too_few_animals_is_never_drawn_and_none_is_an_error() -> None:
    """With nothing to tell apart there is nothing to learn; the message says what is needed."""
    alone = np.flatnonzero(SETS == 2)
    with pytest.raises(DatasetError, match="3 animals of two photos"):
        Sampler(features(), alone, Recipe())


def test_animals_are_left_out_whole_and_from_every_set_that_can_spare_two() -> None:
    """An animal half seen would look better than one never seen; one alone can't be told from another."""
    kept_aside = left_out_rows(features(), rows(), 0.5, np.random.default_rng(0))
    animals = np.unique(ANIMALS[kept_aside])
    assert sorted(kept_aside) == np.flatnonzero(np.isin(ANIMALS, animals)).tolist()
    assert SETS[kept_aside].tolist() == [0] * 2 * PHOTOS


def test_sets_are_dealt_so_that_folds_are_of_about_one_size() -> None:
    """Each network is tuned without one fold, so no fold may hold nearly everything."""
    dealt = deal_sets({"large": 100, "middle": 60, "small": 40, "tiny": 5}, 2)
    assert dealt == {"large": 0, "middle": 1, "small": 1, "tiny": 0}


def test_there_are_never_more_folds_than_sets() -> None:
    """A fold without a set would be a network tuned on all of them."""
    assert set(deal_sets({"a": 3, "b": 2}, 5).values()) == {0, 1}


def test_one_set_alone_can_not_be_cross_fitted() -> None:
    """Nothing would be left to tune on."""
    with pytest.raises(DatasetError, match="at least 2 data sets"):
        deal_sets({"only": 10}, 2)


@pytest.mark.parametrize(("closest", "expected"), [(True, 1.0), (False, 0.0)])
def test_told_apart_is_the_share_of_pairs_in_the_right_order(closest: bool, expected: float) -> None:
    """1 where photos of one animal are always the more alike, 0 where they never are."""
    near = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    animals = np.array([0, 0, 1, 1] if closest else [0, 1, 1, 0])
    assert told_apart(near, animals) == pytest.approx(expected, abs=0.01 if closest else 0.3)


def test_vectors_that_say_nothing_are_at_chance() -> None:
    """Ties count half, and so does there being nothing to compare."""
    assert told_apart(np.ones((4, 2)), np.array([0, 0, 1, 1])) == pytest.approx(0.5)
    assert told_apart(np.eye(3), np.zeros(3, np.int64)) == pytest.approx(0.5)
