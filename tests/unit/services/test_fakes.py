from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.services.fakes import FakeDetector, FakeEmbedder

COLOURS = {0: (230, 10, 10), 1: (10, 230, 10), 2: (10, 10, 230)}


@pytest.mark.parametrize("column", sorted(COLOURS))
def test_a_colour_is_a_species(column: int) -> None:
    """Each strong colour is one species, for the detector and the embedder alike."""
    picture = np.full((48, 48, 3), 128, np.uint8)
    picture[12:36, 6:42] = COLOURS[column]
    ((found,),) = FakeDetector().detect(picture[None])
    assert int(np.argmax(found.scores)) == column
    assert (found.box.left, found.box.top, found.box.right, found.box.bottom) == (0.125, 0.25, 0.875, 0.75)
    species = FakeEmbedder(input_px=48).embed(picture[None]).species[0]
    assert species.argmax() == column
    assert species[column] == pytest.approx(24 * 36 / 48**2)


def test_fakes_are_deterministic() -> None:
    """The same view gives the same vector."""
    view = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3), np.uint8)
    first, again = (FakeEmbedder().embed(view).embeddings for _ in range(2))
    assert np.array_equal(first, again)
