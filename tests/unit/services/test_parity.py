"""Is an export what it was made from?"""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.parity import (
    NEEDED,
    Precision,
    compared,
    drawn_pictures,
    same_animal_auc,
)

SIDE_PX = 32


def turned(vectors: np.ndarray, cosine: float) -> np.ndarray:
    """Vectors at an angle to these, all in planes of their own."""
    beside = np.roll(vectors, vectors.shape[1] // 2, axis=1)
    return (cosine * vectors + np.sqrt(1 - cosine**2) * beside).astype(np.float32)


def unit_vectors(count: int) -> np.ndarray:
    return np.concatenate([np.eye(count), np.zeros((count, count))], axis=1).astype(np.float32)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_least_cosine_decides(precision: Precision) -> None:
    """One picture that differs is enough; a little above the limit is good enough."""
    source, limit = unit_vectors(6), NEEDED[precision]
    above = compared(source, turned(source, limit + 1e-5), precision=precision, random_weights=False)
    assert above.least_cosine == pytest.approx(limit + 1e-5, abs=2e-6)
    one_below = source.copy()
    one_below[3:4] = turned(source[3:4], limit - 1e-4)
    with pytest.raises(ModelPackageError, match=f"at least {limit} between source and {precision}"):
        compared(source, one_below, precision=precision, random_weights=False)


def test_vectors_that_are_no_numbers_are_no_match() -> None:
    """A comparison with what is no number is never true."""
    source = unit_vectors(3)
    with pytest.raises(ModelPackageError, match="got nan"):
        compared(source, source * np.float32("nan"), precision="int8", random_weights=True)


def test_vectors_that_all_look_alike_are_told_apart_by_what_is_left_without_their_mean() -> None:
    """Random networks give one direction to everything; the centred figure shows what the plain one hides."""
    source = 100 * np.ones((4, 8), np.float32)
    source[:, :4] += np.eye(4, dtype=np.float32)
    exported = source[::-1].copy()
    found = compared(source, exported, precision="fp16", random_weights=True)
    assert found.least_cosine > 0.999
    assert found.centred_cosine < 0


def test_accuracy_is_measured_on_labelled_photos_alone() -> None:
    """Drawn pictures show no animals to tell apart."""
    source, animals = unit_vectors(4), np.array([0, 0, 1, 1])
    source[1, 0], source[3, 2] = 0.5, 0.5
    drawn = compared(source, source, precision="fp32", random_weights=False)
    assert (drawn.drawn, drawn.source_auc, drawn.exported_auc) == (True, None, None)
    labelled = compared(source, source, precision="fp32", random_weights=False, animals=animals)
    assert (labelled.drawn, labelled.source_auc, labelled.exported_auc) == (False, 1.0, 1.0)


def test_the_area_counts_pairs_in_the_right_order() -> None:
    """By hand: one pair of the same animal, two of others, one of them closer."""
    degrees = np.deg2rad([0.0, 30.0, 45.0])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    assert same_animal_auc(vectors, np.array([0, 0, 1])) == 0.5
    assert same_animal_auc(vectors, np.array([0, 0, 0])) is None
    assert same_animal_auc(vectors, np.array([0, 1, 2])) is None


def test_drawn_pictures_differ() -> None:
    """Sixteen pictures, none twice."""
    drawn = drawn_pictures(SIDE_PX)
    assert drawn.shape == (16, SIDE_PX, SIDE_PX, 3)
    assert len({picture.tobytes() for picture in drawn}) == 16
