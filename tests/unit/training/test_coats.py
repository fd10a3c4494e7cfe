"""Reading coats of animals, and fitting their head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sploot_media_clustering.domain.attributes import COATS
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.coats import (
    COATS_FILE,
    FOLDS,
    CoatedPhotos,
    coated_photos,
    fit_coats,
    read_coats,
)
from sploot_media_clustering.training.labelled import LabelledVectors

PHOTOS = 4


def animals(count: int = 30, seed: int = 0) -> CoatedPhotos:
    """Animals whose coat lies along an axis of its own, among noise."""
    rng = np.random.default_rng(seed)
    animal = np.repeat(np.arange(count), PHOTOS)
    coats = animal % 3
    x = rng.normal(size=(len(animal), 12)).astype(np.float32) * 0.1
    x[np.arange(len(x)), coats] += 1.0
    return CoatedPhotos(x, coats, animal, animal % 2)


def test_coats_of_animals_left_out_are_found() -> None:
    """By heads that never saw the animal."""
    photos = animals()
    fit = fit_coats(photos)
    assert (fit.left_out.argmax(1) == photos.coats).all()
    assert fit.head.probabilities(photos.x).argmax(1).tolist() == photos.coats.tolist()


def test_what_was_left_out_was_not_learned_from() -> None:
    """An animal with a coat of its own is never called by it."""
    photos = animals()
    coats = photos.coats.copy()
    odd = photos.animals == 7
    coats[odd] = COATS.index("tabby")
    fit = fit_coats(CoatedPhotos(photos.x, coats, photos.animals, photos.sets))
    assert fit.left_out[odd, COATS.index("tabby")].max() < 0.1


def test_coats_are_read_beside_the_index(tmp_path: Path) -> None:
    """By data set and animal; a data set without the file says nothing."""
    (tmp_path / COATS_FILE).write_text("animal,coat\nmilo,ginger\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    assert read_coats([tmp_path, tmp_path / "empty"]) == {f"{tmp_path.name}/milo": "ginger"}


@pytest.mark.parametrize(
    ("text", "message"),
    [("animal\nmilo\n", "lacks the columns"), ("animal,coat\nmilo,mauve\n", "expected a coat of")],
)
def test_a_file_that_does_not_read_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    """A misspelt coat is not passed over."""
    (tmp_path / COATS_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_coats([tmp_path])


def test_only_photos_of_animals_with_a_coat_are_used() -> None:
    """And too few animals give no head."""
    count = FOLDS + 2
    vectors = LabelledVectors(
        keys=tuple(map(str, range(count))),
        x=np.eye(count, dtype=np.float32),
        clearness=np.ones(count),
        animals=np.arange(count),
        sets=np.zeros(count, np.int64),
        animal_names=tuple(f"home/{i}" for i in range(count)),
        set_names=("home",),
    )
    coats = dict.fromkeys(vectors.animal_names[2:], "black")
    photos = coated_photos(vectors, coats)
    assert photos is not None
    assert photos.animals.tolist() == list(range(2, count))
    assert set(photos.coats.tolist()) == {COATS.index("black")}
    assert coated_photos(vectors, dict(list(coats.items())[1:])) is None
