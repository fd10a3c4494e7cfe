from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.domain.album import Box, PhotoEmbedding, SightingEmbedding
from sploot_media_clustering.domain.attributes import ABSENT, PRESENT
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.sightings import evaluate_pairs, evaluate_sets, make_pairs
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.training.labelled import DataSet, LabelledPhoto
from sploot_media_clustering.training.ratings import Rating

DECODER = PillowDecoder(ImageLimits())
LEFT, RIGHT, ACROSS = Box(0.05, 0.1, 0.3, 0.9), Box(0.7, 0.1, 0.95, 0.9), Box(0.05, 0.1, 0.95, 0.9)


def embedded(key: str, *boxes: Box) -> PhotoEmbedding:
    vector = np.zeros(4, np.float16)
    sightings = tuple(
        SightingEmbedding(box, np.array([1, 0, 0], np.float32), 0.9, vector, np.zeros(2, np.float32))
        for box in boxes
    )
    return PhotoEmbedding(key, None, 100, 100, vector, sightings, "test")


def labelled(key: str, *animals: str) -> LabelledPhoto:
    return LabelledPhoto(key, Path(key), animals, None)


def rated(key: str, companion: str) -> Rating:
    return Rating(key, "A", "set/album", None, "1", 3.0, {"animal": companion})


def test_second_sightings_are_spurious_unless_a_rater_saw_another_animal() -> None:
    """Shares are of the photos of one animal; photos of two are counted apart."""
    alone = [labelled(f"set/{name}", "milo") for name in "abcd"]
    photos = (*alone, labelled("set/e", "milo", "luna"))
    embeddings = {
        "set/a": embedded("set/a", LEFT, RIGHT),
        "set/b": embedded("set/b", LEFT, RIGHT),
        "set/c": embedded("set/c", LEFT),
        "set/d": embedded("set/d"),
        "set/e": embedded("set/e", LEFT, RIGHT),
    }
    ratings = [rated("set/a", PRESENT), rated("set/b", ABSENT)]
    (result,) = evaluate_sets([DataSet("set", Path("set"), photos)], embeddings, ratings)
    assert (result.photos, result.found) == (5, 0.8)
    assert (result.second, result.spurious) == (0.5, 0.25)
    assert (result.both, result.of_two) == (1, 1)


@pytest.fixture
def two_animals(tmp_path: Path) -> DataSet:
    """One photo each of a milo and a luna, red and blue, of different heights."""
    photos = []
    for name, colour, size in (("milo", (200, 0, 0), (50, 100)), ("luna", (0, 0, 200), (60, 50))):
        path = tmp_path / f"{name}.png"
        Image.new("RGB", size, colour).save(path)
        photos.append(LabelledPhoto(f"set/{name}", path, (name,), None))
    return DataSet("set", tmp_path, tuple(photos))


def test_pairs_stand_side_by_side_at_one_height(two_animals: DataSet) -> None:
    """Both photos are whole, as high as the lower one, and the seam lies between them."""
    for pair in make_pairs(two_animals, DECODER, 4):
        joined = Image.open(io.BytesIO(pair.photo.data))
        assert joined.size == (85, 50)
        red, _, blue = joined.getpixel((int(pair.seam * 85) - 5, 25))
        red_right, _, blue_right = joined.getpixel((int(pair.seam * 85) + 5, 25))
        assert (red > blue) != (red_right > blue_right)


@pytest.mark.parametrize(
    ("boxes", "both", "more"),
    [
        ((LEFT, RIGHT), 1.0, 0.0),
        ((LEFT,), 0.0, 0.0),
        ((ACROSS,), 0.0, 0.0),
        ((LEFT, RIGHT, ACROSS), 1.0, 1.0),
    ],
)
def test_both_are_found_when_each_side_has_one(
    two_animals: DataSet, boxes: tuple[Box, ...], both: float, more: float
) -> None:
    """A box around both is neither of them."""

    def embed(photo: PhotoInput) -> PhotoEmbedding:
        return embedded(photo.image_id, *boxes)

    result = evaluate_pairs(two_animals, DECODER, embed, pairs=3)
    assert (result.pairs, result.both, result.more) == (3, both, more)


def test_pairs_stand_upright(tmp_path: Path) -> None:
    """Cameras turn pictures by a tag, and so do phones."""
    turned = Image.Exif()
    turned[0x0112] = 6
    photos = []
    for name in ("milo", "luna"):
        path = tmp_path / f"{name}.jpg"
        Image.new("RGB", (100, 50)).save(path, exif=turned)
        photos.append(LabelledPhoto(f"set/{name}", path, (name,), None))
    (pair,) = make_pairs(DataSet("set", tmp_path, tuple(photos)), DECODER, 1)
    assert Image.open(io.BytesIO(pair.photo.data)).size == (100, 100)


def test_one_animal_makes_no_pairs(tmp_path: Path) -> None:
    """Pairs need two animals."""
    photos = (labelled("set/a", "milo"), labelled("set/b", "milo"))
    with pytest.raises(DatasetError, match="expected photos of two animals"):
        next(make_pairs(DataSet("set", tmp_path, photos), DECODER, 1))
