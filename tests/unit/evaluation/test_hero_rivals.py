"""Rivals of heroes: what files and pixels tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rated_albums import rated, ratings_and_embeddings

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.evaluation.darkroom import Darkroom
from sploot_media_clustering.evaluation.hero_rivals import RANDOM, hero_rivals, sharpness
from sploot_media_clustering.evaluation.heroes import evaluate_raters_heroes
from sploot_media_clustering.evaluation.pictures import pictures_outcomes
from sploot_media_clustering.training.labelled import LabelledPhoto

PHOTOS = rated(albums=2)


@pytest.fixture
def darkroom() -> Darkroom:
    def refuse(photo: object) -> object:
        raise AssertionError(photo)

    return Darkroom(PillowDecoder(ImageLimits()), refuse)  # type: ignore[arg-type]


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, LabelledPhoto]:
    """One file for all, of noise."""
    path = tmp_path / "shot.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)).save(path)
    return {key: LabelledPhoto(key, path, ("milo",), None) for key in PHOTOS.keys}


def test_every_rival_has_a_score_for_every_photo(
    photos: dict[str, LabelledPhoto], darkroom: Darkroom
) -> None:
    """Chance more than one; the animal's sharpness is what made-up ratings are made of."""
    found = hero_rivals(PHOTOS, photos, darkroom)
    assert all(len(one.scores) == len(PHOTOS) for runs in found.values() for one in runs)
    assert len(found[RANDOM]) > 1
    (size,) = found["file size"]
    assert len(np.unique(size.scores)) == 1
    (sharp,) = found["sharpness of the animal"]
    assert np.corrcoef(sharp.scores, PHOTOS.first_hero)[0, 1] > 0.9


def test_blurred_is_less_sharp() -> None:
    """At any size of the photo."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 1200, 3), np.uint8)
    soft = (
        noise.astype(float).reshape(60, 300, 4, 3).mean(2, keepdims=True) + np.zeros((60, 300, 4, 3))
    ).reshape(60, 1200, 3)
    assert sharpness(soft.astype(np.uint8)) < sharpness(noise)


def test_ours_is_judged_and_rivals_are_told(photos: dict[str, LabelledPhoto], darkroom: Darkroom) -> None:
    """A change of ours can't lose a rival's figure."""
    ratings, _ = ratings_and_embeddings(albums=2)
    found = hero_rivals(PHOTOS, photos, darkroom)
    looks, heroes = pictures_outcomes(PHOTOS, ratings, found["sharpness of the animal"], found)
    assert {m.better for m in heroes.measures if m.group == "ours"} == {"higher"}
    assert {m.better for m in heroes.measures if m.group != "ours"} == {"neither"}
    assert heroes.value("random", "pairs") == pytest.approx(0.5, abs=0.1)
    assert heroes.value("ours", "pairs") == heroes.value("sharpness of the animal", "pairs")
    assert looks.value("one look for all", "v_measure") == 0.0
    assert evaluate_raters_heroes(ratings) == ()
