"""Photos that show the same picture, across albums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sploot_media_clustering.adapters.vector_index.exact import ExactIndex
from sploot_media_clustering.adapters.vector_index.kinds import EXACT_UP_TO, fitting_kind
from sploot_media_clustering.domain.grid import SCENE_STEP, on_grid
from sploot_media_clustering.domain.moments import SAME_PICTURE, copies
from sploot_media_clustering.services.lookalikes import lookalikes

AXES = 32


def scenes(seed: int, sizes: list[int]) -> np.ndarray:
    """Pictures, each as often as told: as it is and compressed again, in any order."""
    rng = np.random.default_rng(seed)
    pictures = rng.normal(size=(len(sizes), AXES))
    made = np.repeat(pictures / np.linalg.norm(pictures, axis=1, keepdims=True), sizes, axis=0)
    made += 0.01 * rng.normal(size=made.shape) * rng.integers(2, size=(len(made), 1))
    unit = made / np.linalg.norm(made, axis=1, keepdims=True)
    return on_grid(unit.astype(np.float32), SCENE_STEP)[rng.permutation(len(made))]


def rows(groups: list[np.ndarray]) -> list[list[int]]:
    return [group.tolist() for group in groups]


def found(seen: np.ndarray, **named: float) -> list[list[int]]:
    return rows(lookalikes(seen, ExactIndex(AXES), **named))


@given(st.integers(0, 99), st.lists(st.integers(1, 12), max_size=8))
@settings(max_examples=25)
def test_groups_are_what_comparing_each_with_each_links(seed: int, sizes: list[int]) -> None:
    """By the same cosine that copies inside a moment are told by; a photo without any is in no group."""
    seen = scenes(seed, sizes)
    unit = seen.astype(np.float64) / np.linalg.norm(seen.astype(np.float64), axis=1, keepdims=True)
    alike = unit @ unit.T >= SAME_PICTURE
    reach = np.linalg.matrix_power(alike.astype(float), max(len(alike), 1)) > 0
    expected = {tuple(np.flatnonzero(row).tolist()) for row in reach if row.sum() > 1}
    assert {tuple(group) for group in found(seen)} == expected
    alone = np.flatnonzero(copies(np.zeros(len(seen), np.int64), seen) == 1)
    assert not set(alone) & {row for group in found(seen) for row in group}


def test_a_picture_that_is_there_very_often_is_one_group() -> None:
    """Of more photos than neighbours are looked at, equal or nearly so."""
    seen = scenes(1, [400, 1])
    (group,) = found(seen)
    assert len(group) == 400


def test_a_group_whose_nearest_are_nearer_still_holds_together() -> None:
    """Two dozen frames of each of two poses: the nearest of each are of its own pose."""
    rng = np.random.default_rng(5)
    poses = np.zeros((48, AXES))
    poses[:, 0], poses[24:, 1] = 1.0, 0.16
    frames = poses + 0.004 * rng.normal(size=poses.shape)
    seen = (frames / np.linalg.norm(frames, axis=1, keepdims=True)).astype(np.float32)
    (group,) = found(seen)
    assert len(group) == 48


@pytest.mark.parametrize("known", [1, 30, 59])
def test_beside_photos_that_are_known_only_groups_with_a_new_one_are_told(known: int) -> None:
    """The same as if all had come at once; the index then holds the new ones as well."""
    seen = scenes(2, [1, 2, 3, 4] * 6)
    index = ExactIndex(AXES)
    before = rows(lookalikes(seen[:known], index))
    after = rows(lookalikes(seen, index, known=known))
    assert after == [group for group in found(seen) if group[-1] >= known]
    assert all(group[-1] < known for group in before)
    assert rows(lookalikes(np.concatenate([seen, seen[:1]]), index, known=len(seen))) == [
        [*next((group for group in found(seen) if 0 in group), [0]), len(seen)]
    ]


def test_how_alike_is_the_callers() -> None:
    """Nothing is quite itself on no grid; everything is alike at last."""
    seen = scenes(3, [2, 2])
    assert found(seen, least=0.9999) != [[0, 1, 2, 3]]
    assert found(seen, least=-1.0) == [[0, 1, 2, 3]]


def test_how_far_it_is_can_be_watched() -> None:
    """Block by block; all photos go by once."""
    seen, gone_by = scenes(4, [1] * 10), []
    lookalikes(seen, ExactIndex(AXES), watch=lambda blocks: gone_by.extend(blocks) or blocks)
    assert sorted(np.concatenate(gone_by)) == list(range(10))


def test_ordinary_numbers_of_photos_are_compared_exactly() -> None:
    """And so is everything where FAISS is not installed."""
    assert fitting_kind(EXACT_UP_TO) == "exact"
    assert fitting_kind(EXACT_UP_TO + 1) in {"hnsw", "exact"}
