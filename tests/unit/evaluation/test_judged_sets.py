"""Which heads judge a set: those fitted without it, or the package's where there is nothing to fit on."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from strategies_album import tree_model

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation import judged_sets as judging
from sploot_media_clustering.evaluation.judged_sets import AS_THEY_ARE, WITHOUT_THE_SET, judged_sets
from sploot_media_clustering.training.labelled import DataSet, LabelledPhoto


def data_set(name: str, animals: int = 2, photos: int = 3) -> DataSet:
    keys = [(f"{name}/{a}/{p}", f"{name}/{a}") for a in range(animals) for p in range(photos)]
    return DataSet(name, Path(name), tuple(LabelledPhoto(key, Path(key), (who,), None) for key, who in keys))


def embeddings_of(*sets: DataSet) -> dict[str, PhotoEmbedding]:
    vector = np.ones(4, np.float16)
    keys = [photo.key for one in sets for photo in one.photos]
    return {key: PhotoEmbedding(key, None, 80, 60, vector, (), "made-up") for key in keys}


def package_heads() -> Heads:
    scene = np.ones(3, np.float32)
    heads = Mock(spec=Heads, tree=tree_model())
    heads.project = lambda e: Photo(e.image_id, None, 80, 60, scene, ())
    return heads


def test_few_sets_are_judged_by_the_package_as_it_is() -> None:
    """With two sets, what is fitted on one could not be tried on another."""
    sets, heads = (data_set("home"), data_set("shelter")), package_heads()
    for one in judged_sets(sets, embeddings_of(*sets), heads):
        assert one.judged_by == AS_THEY_ARE
        assert one.heads is heads
        assert [len(rows) for rows in one.animals] == [3, 3]


def test_enough_sets_are_judged_each_by_what_the_others_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    """No set is among those that its heads were fitted on."""
    left_out: list[frozenset[int]] = []
    heads = package_heads()

    def heads_without(*_: object) -> object:
        return lambda without: left_out.append(without) or heads

    monkeypatch.setattr(judging, "heads_without", heads_without)
    sets = tuple(data_set(name) for name in ("a", "b", "c"))
    found = list(judged_sets(sets, embeddings_of(*sets), heads))
    assert [one.name for one in found] == ["a", "b", "c"]
    assert {one.judged_by for one in found} == {WITHOUT_THE_SET}
    assert left_out == [frozenset({0}), frozenset({1}), frozenset({2})]


def test_who_asks_for_it_has_the_package_judged_as_it_is() -> None:
    """Heads fitted on a handful of animals say nothing of those that are used."""
    sets, heads = tuple(data_set(name) for name in ("a", "b", "c")), package_heads()
    found = list(judged_sets(sets, embeddings_of(*sets), heads, as_is=True))
    assert {one.judged_by for one in found} == {AS_THEY_ARE}
    assert all(one.heads is heads for one in found)


def test_a_set_without_households_is_named() -> None:
    """One animal, or animals of two photos, make none."""
    sets = (data_set("one", animals=1), data_set("few", photos=2))
    with pytest.raises(DatasetError, match="expected two animals of at least 3 readable photos"):
        next(judged_sets(sets, embeddings_of(*sets), package_heads()))
