"""Ratings: what is read, what is refused, and the columns made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rated_albums import rated, ratings_and_embeddings, write_ratings

from sploot_media_clustering.domain.attributes import ABSENT, PRESENT, VOCABULARY
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.ratings import rated_photos, read_ratings


def test_ratings_are_read_with_their_set(tmp_path: Path) -> None:
    """Flaws and companions are ticked, ``-`` is no look."""
    write_ratings(tmp_path, [{"flaws": "blur+cut", "others": "person", "look": "-"}])
    (rating,) = read_ratings([tmp_path])
    assert (rating.key, rating.album) == (f"{tmp_path.name}/milo/1.jpg", f"{tmp_path.name}/milo")
    assert rating.look is None
    assert rating.hero == 4.0
    ticked = {name for name, value in rating.attributes.items() if value == PRESENT}
    assert ticked == {"blur", "cut", "person"}
    assert rating.attributes["dark"] == ABSENT
    assert set(rating.attributes) == set(VOCABULARY)


def test_a_set_without_ratings_is_passed_over(tmp_path: Path) -> None:
    """Not every data set is rated."""
    assert read_ratings([tmp_path]) == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"view": "inside"}, "expected view to be one of"),
        ({"flaws": "ugly"}, "got \\['ugly'\\]"),
        ({"hero": "good"}, "expected hero to be a number from 1 to 5, got 'good'"),
        ({"hero": "nan"}, "from 1 to 5, got 'nan'"),
        ({"hero": "9"}, "from 1 to 5, got '9'"),
        ({"hero": "-3"}, "from 1 to 5, got '-3'"),
    ],
)
def test_a_value_outside_the_scheme_names_its_photo(
    tmp_path: Path, row: dict[str, str], message: str
) -> None:
    """Nothing is guessed."""
    write_ratings(tmp_path, [row])
    with pytest.raises(DatasetError, match=message) as error:
        read_ratings([tmp_path])
    assert "line 2, milo/1.jpg" in str(error.value)


def test_a_row_that_ends_early_is_told(tmp_path: Path) -> None:
    """All columns of a rating are needed."""
    write_ratings(tmp_path, [{}])
    path = tmp_path / "ratings.csv"
    path.write_text(path.read_text(encoding="utf-8") + "milo/2.jpg,A\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="line 3: expected a value of 'album'"):
        read_ratings([tmp_path])


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """So that it can be added."""
    (tmp_path / "ratings.csv").write_text("file,rater\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="hero"):
        read_ratings([tmp_path])


def test_raters_are_averaged_for_appeal_and_the_first_one_judges() -> None:
    """One row a photo, whoever comes first in the file."""
    ratings, embeddings = ratings_and_embeddings(albums=1)
    second = tuple(replace(rating, rater="B", hero=5.0, look="other") for rating in ratings)
    both = rated_photos((*second, *ratings), embeddings)
    alone = rated_photos(ratings, embeddings)
    assert len(both) == len(alone)
    assert both.hero == pytest.approx((alone.hero + 5.0) / 2)
    assert both.first_hero == pytest.approx(alone.first_hero)
    assert both.looks.tolist() == alone.looks.tolist()


def test_photos_of_no_look_are_alone() -> None:
    """Each has a look of its own."""
    ratings, embeddings = ratings_and_embeddings(albums=2)
    none = tuple(replace(rating, look=None) for rating in ratings)
    looks = rated_photos(none, embeddings).looks
    assert len(np.unique(looks)) == len(looks)


def test_a_photo_without_an_animal_is_marked() -> None:
    """It counts when judging and is not learned from."""
    ratings, embeddings = ratings_and_embeddings(albums=1)
    key = ratings[2].key
    embeddings[key] = replace(embeddings[key], sightings=())
    photos = rated_photos(ratings, embeddings)
    assert np.flatnonzero(~photos.seen).tolist() == [2]


def test_ratings_without_embeddings_are_an_error() -> None:
    """There is nothing to learn from."""
    with pytest.raises(DatasetError, match="embedding"):
        rated_photos(ratings_and_embeddings(albums=1)[0], {})


def test_some_photos_can_be_taken() -> None:
    """Every column follows."""
    photos = rated(albums=2)
    part = photos.taken(np.array([4, 1]))
    assert part.keys == (photos.keys[4], photos.keys[1])
    assert (part.x == photos.x[[4, 1]]).all()
    assert part.sightings[0] is photos.sightings[4]
    assert part.albums.tolist() == photos.albums[[4, 1]].tolist()
