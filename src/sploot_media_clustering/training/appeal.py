"""Fitting the appeal head: which of an album's pictures people would pick.

Ridge regression of ratings on cues, both less their album's mean: only the order inside an album counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from sploot_media_clustering.domain.hero import AppealHead
from sploot_media_clustering.training.album_folds import each_left_out
from sploot_media_clustering.training.cue_basis import CueBasis

RIDGE: Final = 1.0
"""Penalty on squared weights, the sum of squared errors over photos being the loss: between 0.5 and 2 the
share of ordered pairs is the same."""


@dataclass(frozen=True, slots=True, eq=False)
class AppealFit:
    """A head, and what heads like it say of albums that they were not fitted on.

    Attributes:
        head: fitted on all albums.
        left_out: appeal of every photo by a head fitted without its fold.
    """

    head: AppealHead
    left_out: Float64[np.ndarray, " n"]


def fit_appeal(
    cues: Float32[np.ndarray, "n c"],
    hero: Float64[np.ndarray, " n"],
    albums: Int64[np.ndarray, " n"],
    folds: Int64[np.ndarray, " n"],
    basis: CueBasis,
) -> AppealFit:
    """Fit the appeal head.

    Args:
        cues: of each photo.
        hero: rating of each photo.
        albums: album of each photo.
        folds: of each photo; photos of one album share one.
        basis: in which the head is fitted.
    """
    z = basis.components(cues)
    left_out = np.empty(len(z))
    for held in each_left_out(folds):
        left_out[held] = z[held] @ _ridge(z[~held], hero[~held], albums[~held])
    weight, bias = basis.unfolded(_ridge(z, hero, albums)[None], np.zeros(1))
    return AppealFit(AppealHead(weight[0], float(bias[0])), left_out)


def centred(
    values: Float64[np.ndarray, "n ..."], albums: Int64[np.ndarray, " n"]
) -> Float64[np.ndarray, "n ..."]:
    """Values less the mean of their album."""
    inverse, sizes = np.unique(albums, return_inverse=True, return_counts=True)[1:]
    sums = np.zeros((len(sizes), *values.shape[1:]))
    np.add.at(sums, inverse, values)
    means = (sums.T / sizes).T
    return values - means[inverse]


def _ridge(
    z: Float64[np.ndarray, "n p"], hero: Float64[np.ndarray, " n"], albums: Int64[np.ndarray, " n"]
) -> Float64[np.ndarray, " p"]:
    inside, target = centred(z, albums), centred(hero, albums)
    return np.linalg.solve(inside.T @ inside + RIDGE * np.eye(z.shape[1]), inside.T @ target)
