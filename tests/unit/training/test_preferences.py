"""Hero weights moved by choices: towards what was chosen, no further than a few choices carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rated_albums import rated, ratings_and_embeddings

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.heads import features
from sploot_media_clustering.domain.hero import SCORED
from sploot_media_clustering.domain.pictures import PictureHeads
from sploot_media_clustering.domain.signals import CLUSTER_SIGNALS
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.labelled import read_data_sets
from sploot_media_clustering.training.pictures import fit_pictures
from sploot_media_clustering.training.preferences import Preferred, read_preferences, with_preferences

RATINGS, EMBEDDINGS = ratings_and_embeddings(albums=6, photos=6)


@pytest.fixture(scope="module")
def heads() -> PictureHeads:
    return fit_pictures(rated(albums=6, photos=6))


def large(photo: PhotoEmbedding, heads: PictureHeads, signal: str) -> float:
    seen = photo.sightings[0]
    described = heads.describe(features(photo.embedding, seen.embedding), seen)
    return float(described.signals[SCORED.index(signal)])


def choices(heads: PictureHeads, signal: str, count: int) -> list[Preferred]:
    """Pairs in which the one with more of a signal was chosen, of an animal each."""
    order = sorted(EMBEDDINGS.values(), key=lambda photo: large(photo, heads, signal))
    pairs = zip(order[::-1], order, strict=True)
    return [Preferred(more, less, (str(i),)) for i, (more, less) in enumerate(pairs) if i < count]


def odds(heads: PictureHeads) -> np.ndarray:
    return heads.hero.weights * heads.hero.sharpness_of_choice


def test_what_was_chosen_counts_for_more(heads: PictureHeads) -> None:
    """The more often, the more; what the pictures can't tell of stays as it was."""
    signal = max(SCORED[: -len(CLUSTER_SIGNALS)], key=lambda name: spread(heads, name))
    before, few, many = (
        odds(with_preferences(heads, choices(heads, signal, n)))[SCORED.index(signal)] for n in (1, 4, 12)
    )
    assert odds(heads)[SCORED.index(signal)] < before < few < many
    moved = with_preferences(heads, choices(heads, signal, 12))
    for name in CLUSTER_SIGNALS:
        assert odds(moved)[SCORED.index(name)] == pytest.approx(odds(heads)[SCORED.index(name)])


def spread(heads: PictureHeads, name: str) -> float:
    values = [large(photo, heads, name) for photo in EMBEDDINGS.values()]
    return max(values) - min(values)


def test_choices_of_one_animal_count_for_less_than_those_of_many(heads: PictureHeads) -> None:
    """As the root of their number."""
    signal = max(SCORED[: -len(CLUSTER_SIGNALS)], key=lambda name: spread(heads, name))
    apart = choices(heads, signal, 9)
    together = [Preferred(pair.better, pair.worse, ("one",)) for pair in apart]
    place = SCORED.index(signal)
    assert odds(heads)[place] < odds(with_preferences(heads, together))[place]
    assert odds(with_preferences(heads, together))[place] < odds(with_preferences(heads, apart))[place]


def test_only_the_hero_weights_move(heads: PictureHeads) -> None:
    """And none falls below zero, however it was chosen against."""
    against = [Preferred(pair.worse, pair.better, pair.group) for pair in choices(heads, "appeal", 18)]
    moved = with_preferences(heads, against)
    assert (moved.hero.weights >= 0).all()
    assert (moved.appeal, moved.look, moved.attributes) == (heads.appeal, heads.look, heads.attributes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos of one animal."""
    home = tmp_path / "home"
    home.mkdir()
    lines = "\n".join(f'{{"file": "0/{i}.jpg", "animal": "milo"}}' for i in range(3))
    (home / "index.jsonl").write_text(lines, encoding="utf-8")
    return home


def written(folder: Path, *pairs: tuple[str, str]) -> tuple[Preferred, ...]:
    lines = "\n".join(f'{{"better": "{better}", "worse": "{worse}"}}' for better, worse in pairs)
    (folder / "preferences.jsonl").write_text(lines, encoding="utf-8")
    return read_preferences(read_data_sets([folder]), EMBEDDINGS)


def test_choices_stand_beside_the_index(folder: Path) -> None:
    """With who is on the better one; without a file there are none."""
    assert read_preferences(read_data_sets([folder]), EMBEDDINGS) == ()
    (pair,) = written(folder, ("0/1.jpg", "0/2.jpg"))
    assert (pair.better.image_id, pair.worse.image_id) == ("home/0/1.jpg", "home/0/2.jpg")
    assert pair.group == ("home/milo",)


def test_a_photo_that_the_index_does_not_know_is_told_with_its_line(folder: Path) -> None:
    """A photo that can't be read is passed over, as elsewhere."""
    with pytest.raises(DatasetError, match=r"line 2.*home/x\.jpg"):
        written(folder, ("0/1.jpg", "0/2.jpg"), ("0/1.jpg", "x.jpg"))
    known = {key: photo for key, photo in EMBEDDINGS.items() if not key.endswith("2.jpg")}
    written(folder, ("0/1.jpg", "0/2.jpg"))
    assert read_preferences(read_data_sets([folder]), known) == ()
