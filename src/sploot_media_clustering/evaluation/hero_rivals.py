"""Other ways to choose the best picture: what files and pixels tell, and chance.

BRISQUE and its like are left out: docs/evaluation.md says why, ``benchmarks/brisque_heroes.py`` how it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.ndimage import laplace, zoom

from sploot_media_clustering.domain.attributes import ATTRIBUTES
from sploot_media_clustering.domain.quality import PIXEL_MEASURES
from sploot_media_clustering.evaluation.darkroom import Darkroom, Pixels
from sploot_media_clustering.evaluation.left_out import NO_LOOK, Judged
from sploot_media_clustering.training.labelled import LabelledPhoto
from sploot_media_clustering.training.ratings import RatedPhotos

RANDOM: Final = "random"
_SEEDS: Final = 20
_SIDE_PX: Final = 512
"""Longest side at which the whole photo's sharpness is measured: sharpness depends on scale."""


def hero_rivals(
    rated: RatedPhotos, photos: Mapping[str, LabelledPhoto], darkroom: Darkroom
) -> dict[str, list[Judged]]:
    """What each rival thinks of rated photos.

    Args:
        rated: photos.
        photos: labelled ones, by key.
        darkroom: where the whole photo is looked at.
    """
    shown = [photos[key] for key in rated.keys]
    detail, area = PIXEL_MEASURES.index("detail"), [sighting.box.area for sighting in rated.sightings]
    rng = np.random.default_rng(0)
    scores: dict[str, Callable[[], Sequence[Float64[np.ndarray, " n"]]]] = {
        "file size": lambda: [np.array([float(photo.path.stat().st_size) for photo in shown])],
        "sharpness of the photo": lambda: [np.array([sharpness(darkroom.opened(photo)) for photo in shown])],
        "sharpness of the animal": lambda: [
            np.array([float(sighting.pixels[detail]) for sighting in rated.sightings])
        ],
        "size of the animal": lambda: [np.array(area)],
        RANDOM: lambda: [rng.random(len(rated)) for _ in range(_SEEDS)],
    }
    return {name: [_judged(rated, one) for one in told()] for name, told in scores.items()}


def sharpness(pixels: Pixels) -> float:
    """Variance of the Laplacian of a photo's luma (Pech-Pacheco et al. 2000), at one size for all."""
    luma = pixels.astype(np.float64).mean(-1)
    scale = min(_SIDE_PX / max(luma.shape), 1.0)
    return float(laplace(zoom(luma, scale, order=1) if scale < 1.0 else luma).var())


def _judged(rated: RatedPhotos, scores: Float64[np.ndarray, " n"]) -> Judged:
    return Judged(
        rated,
        np.full(len(rated), NO_LOOK),
        scores,
        np.zeros((len(rated), len(ATTRIBUTES)), np.float32),
    )
