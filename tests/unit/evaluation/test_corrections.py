"""The simulated person makes sensible corrections, and ends when everything is right."""

from __future__ import annotations

import numpy as np
import pytest
from strategies_album import album, tree_model

from sploot_media_clustering.evaluation.corrections import corrected_album, next_correction, right

A, B = 0, 1


@pytest.mark.parametrize(
    ("labels", "truth", "kind", "rows"),
    [
        ([0, 0, 0, 1, 1], [A, A, A, A, A], "same", [3, 4]),
        ([0, 0, 0, 1, 1], [A, A, B, B, B], "confirm", [2]),
        ([0, 0, 0, -1, 0], [A, A, A, A, A], "confirm", [3]),
        ([0, 0, 0, 0, 0], [A, A, A, B, B], "split", [3, 4]),
        ([0, 0, 0, -1, -1], [A, A, A, B, B], "same", [3]),
    ],
)
def test_the_next_correction_puts_most_photos_right(
    labels: list[int], truth: list[int], kind: str, rows: list[int]
) -> None:
    """One animal in two subjects is joined, strays are brought home, animals without a subject get one."""
    correction = next_correction(np.array(labels), np.array(truth))
    assert correction is not None
    assert (correction.kind, correction.rows.tolist()) == (kind, rows)


@pytest.mark.parametrize(
    ("labels", "truth"), [([0, 0, 1, 1], [A, A, B, B]), ([0, 0, -1], [A, A, B]), ([0, 0, 1], [A, A, -1])]
)
def test_what_is_right_needs_no_correction(labels: list[int], truth: list[int]) -> None:
    """A photo that stands aside alone is right, and nobody asks about a sighting without a label."""
    assert next_correction(np.array(labels), np.array(truth)) is None


def test_photos_are_right_where_their_animal_is_at_home() -> None:
    """An animal is at home where it has most photos, if it has most there."""
    assert (
        right(np.array([0, 0, 1, 1, 1]), np.array([A, A, A, B, B])).tolist()
        == [True] * 2 + [False] + [True] * 2
    )


def test_albums_are_put_right() -> None:
    """Every album ends right, after fewer decisions than it has photos."""
    for seed in range(4):
        photos = tuple(p for p in album(seed, photos=20, animals=3) if p.sightings)
        shuffled = np.random.default_rng(seed).integers(0, 2, len(photos))
        animal = {photo.image_id: int(a) for photo, a in zip(photos, shuffled, strict=True)}
        run = corrected_album(photos, animal, tree_model())
        assert run.finished
        assert 0 < run.decisions < len(photos)
