"""Albums for property tests: a few animals, photos of one or two of them, bursts, doubtful species."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from sploot_media_clustering.domain.album import Box, Photo, Sighting
from sploot_media_clustering.domain.attributes import ATTRIBUTES, VOCABULARY, columns_of
from sploot_media_clustering.domain.conflicts import Conflicts
from sploot_media_clustering.domain.expectations import ScaleSearch
from sploot_media_clustering.domain.grid import SCENE_STEP, SHARE_STEP, VECTOR_STEP, on_grid
from sploot_media_clustering.domain.level import Concentration, LevelModel
from sploot_media_clustering.domain.moments import MomentModel
from sploot_media_clustering.domain.signals import SIGNALS
from sploot_media_clustering.domain.tree import TreeModel

DIMENSION = 6
LOOK_DIMENSION = 4
SCENE_DIMENSION = 5


def tree_model(*, min_size: int = 2) -> TreeModel:
    """A small model whose centres lie well apart."""
    return TreeModel(
        version="test-1",
        subjects=LevelModel(
            between=np.linspace(30.0, 5.0, DIMENSION),
            power=0.8,
            size_power=0.5,
            concentration=Concentration(-2.0, -0.02, -6.0),
            search=ScaleSearch((0.7, 1.0, 1.5), 0.35),
            temperature=1.0,
            sure=0.6,
            min_size=min_size,
        ),
        looks=LevelModel(
            between=np.linspace(8.0, 2.0, LOOK_DIMENSION),
            power=1.0,
            size_power=1.0,
            concentration=Concentration(0.0, 0.0, 0.0),
            search=ScaleSearch((1.0,), 1.0),
            temperature=1.0,
            sure=0.5,
            min_size=2,
        ),
        moments=MomentModel(
            gap_s=300.0, timed_cosine=0.3, untimed_cosine=0.9, tempering=0.5, untimed_rise=0.02
        ),
        atom_distance=0.3,
        hint_strength=4.0,
        scene_dimension=SCENE_DIMENSION,
    )


def sighting(
    rng: np.random.Generator, centre: np.ndarray, look: np.ndarray, *, species: int = 0, sure: bool = True
) -> Sighting:
    """One animal near a centre, on a grid as a head gives it."""
    left, top = rng.uniform(0, 0.5, 2)
    probabilities = np.full(3, 0.02 if sure else 0.3, np.float32)
    probabilities[species] = 1.0 - float(probabilities[0]) * 2
    return Sighting(
        box=Box(float(left), float(top), float(left) + 0.4, float(top) + 0.4),
        species=probabilities,
        detector_score=0.9,
        identity=on_grid((centre + rng.normal(size=DIMENSION)).astype(np.float32), VECTOR_STEP),
        look=on_grid((look + rng.normal(size=LOOK_DIMENSION)).astype(np.float32), VECTOR_STEP),
        attributes=_attributes(rng),
        signals=on_grid(rng.random(len(SIGNALS)).astype(np.float32), SHARE_STEP),
    )


def excluding(pairs: np.ndarray) -> Conflicts:
    """Conflicts of any pairs, told by a symmetric matrix: a column of sides for each."""
    first, second = np.nonzero(np.triu(pairs, 1))
    sides = np.full((len(pairs), len(first)), -1, np.int8)
    sides[first, np.arange(len(first))], sides[second, np.arange(len(first))] = 0, 1
    return Conflicts(np.full(len(pairs), -1), sides)


def drawn_photo(
    image_id: str,
    rng: np.random.Generator,
    *centres: float,
    look: float = 0.0,
    size_px: tuple[int, int] = (800, 600),
) -> Photo:
    """A photo of a scene of its own, with a cat near each centre."""
    scene = rng.normal(size=SCENE_DIMENSION)
    return Photo(
        image_id=image_id,
        captured_at=None,
        width_px=size_px[0],
        height_px=size_px[1],
        scene=(scene / np.linalg.norm(scene)).astype(np.float32),
        sightings=tuple(
            sighting(rng, np.full(DIMENSION, centre), np.full(LOOK_DIMENSION, look)) for centre in centres
        ),
    )


def _attributes(rng: np.random.Generator) -> np.ndarray:
    """Every group sure of one value."""
    chosen = np.zeros(len(ATTRIBUTES), np.float32)
    for group, values in VOCABULARY.items():
        chosen[columns_of(group)][rng.integers(len(values))] = 1.0
    return chosen


def album(seed: int, photos: int, animals: int, *, timed: bool = True) -> tuple[Photo, ...]:
    """A seeded album in canonical order; every fifth photo shows two animals, every seventh none."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(animals, DIMENSION)) * np.sqrt(np.linspace(30.0, 5.0, DIMENSION))
    looks = rng.normal(size=(2, LOOK_DIMENSION)) * 2
    scene, made = rng.normal(size=SCENE_DIMENSION), []
    start = datetime(2024, 5, 1, 12)
    for i in range(photos):
        if rng.random() < 0.6:
            scene = rng.normal(size=SCENE_DIMENSION)
            start += timedelta(hours=5)
        near = scene + 0.1 * rng.normal(size=SCENE_DIMENSION)
        shown = rng.permutation(animals)[: 0 if i % 7 == 6 else 2 if i % 5 == 4 else 1]
        made.append(
            Photo(
                image_id=f"{i:03d}.jpg",
                captured_at=start + timedelta(seconds=i) if timed and rng.random() < 0.7 else None,
                width_px=800,
                height_px=600,
                scene=on_grid((near / np.linalg.norm(near)).astype(np.float32), SCENE_STEP),
                sightings=tuple(
                    sighting(
                        rng,
                        centres[a],
                        looks[int(rng.integers(2))],
                        species=int(a) % 2,
                        sure=bool(rng.random() < 0.7),
                    )
                    for a in shown
                ),
            )
        )
    return tuple(made)


class Spec(NamedTuple):
    """What an album is made from. Tests build it, since checked code may not run inside a strategy."""

    seed: int
    photos: int
    animals: int
    timed: bool

    def build(self) -> tuple[Photo, ...]:
        return album(self.seed, self.photos, self.animals, timed=self.timed)


def albums(*, most: int = 24) -> st.SearchStrategy[Spec]:
    """Albums of up to ``most`` photos of one to four animals."""
    return st.builds(Spec, st.integers(0, 2**31 - 1), st.integers(1, most), st.integers(1, 4), st.booleans())
