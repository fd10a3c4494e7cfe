"""Fitting the heads of looks and heroes on rated albums.

What one head reads of another is always said by a head that was not fitted on that album: else the training
albums' attributes and appeal are surer than those of any album to come, and what is built on them trusts
them too much (stacking: Wolpert 1992, "Stacked generalization").
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import minimize_scalar, nnls

from sploot_media_clustering.domain.coats import CoatHead
from sploot_media_clustering.domain.expectations import ScaleSearch
from sploot_media_clustering.domain.heads import TwoCovarianceHead
from sploot_media_clustering.domain.hero import HeroModel
from sploot_media_clustering.domain.level import Concentration, LevelModel
from sploot_media_clustering.domain.pictures import PictureHeads, look_features, seen_as
from sploot_media_clustering.domain.signals import (
    CLUSTER_SIGNALS,
    SCALED,
    UNKNOWN,
    Seen,
    SignalScale,
    scaled_measures,
    signals,
)
from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.appeal import centred, fit_appeal
from sploot_media_clustering.training.attributes import fit_attributes
from sploot_media_clustering.training.cue_basis import cue_basis
from sploot_media_clustering.training.look_words import fit_words
from sploot_media_clustering.training.ratings import RatedPhotos
from sploot_media_clustering.training.two_covariance import TwoCovarianceFit, fit_two_covariance

LOOK_FIT: Final = TwoCovarianceFit(dimension=48, components=128, shrinkage=0.4)
"""Middle of a broad optimum over albums left out."""

LOOK_TEMPERATURE: Final = 2.8
"""Most likely on albums left out: of members given 0.8, 0.8 share their look with most of their cluster."""

LOOK_SURE: Final = 0.25
"""Least probability of a sure member: a picture often suits two shelves, seldom four."""

INNER_FOLDS: Final = 5
INNER_SEED: Final = 0

SCALE_QUANTILES: Final = (0.02, 0.98)
APPEAL_SPREADS: Final = 2.5
"""Signals run between these quantiles of the training photos; appeal, which is to order an album's best
pictures too, over so many standard deviations to each side."""

HERO_RIDGE: Final = 1.0
"""Penalty on the squared weights of signals, the sum of squared errors of ratings over photos being the loss:
from 0.3 to 2 heroes are equally good."""

_SHARPNESS: Final = (0.1, 20.0)
"""Between these lies the factor from ratings to log odds of a pair."""

CLUSTER_ODDS: Final = 1.5
"""No rater was told to prefer new pictures, or those that are like the others of a cluster, which seldom are
of another animal. We do, gently: of two equals the newest beats one of long ago in three albums of five.
Typicality weighed by what raters chose costs .01 of the best of a look."""


def fit_pictures(photos: RatedPhotos, coat: CoatHead | None = None) -> PictureHeads:
    """Fit every head of looks and heroes on the photos in which an animal was found.

    Args:
        photos: rated.
        coat: head of coats, fitted elsewhere: coats are told of animals, and not by the raters of photos.
    """
    rated = photos.taken(np.flatnonzero(photos.seen))
    folds = album_folds(rated.albums, INNER_FOLDS, INNER_SEED)
    basis = cue_basis(rated.cues)
    attributes = fit_attributes(rated.cues, rated.truth, folds, basis)
    appeal = fit_appeal(rated.cues, rated.hero, rated.albums, folds, basis)
    words = fit_words(rated.cues, rated.look_names, rated.albums, folds, basis)
    kinds = look_features(rated.x, attributes.left_out, words.left_out if words else None)
    look = fit_two_covariance(kinds, rated.looks, rated.albums, LOOK_FIT)
    seen = [
        seen_as(sighting, said, picked)
        for sighting, said, picked in zip(
            rated.sightings, attributes.left_out, appeal.left_out.tolist(), strict=True
        )
    ]
    scale = fit_scale(seen)
    told = np.stack([signals(one, scale) for one in seen]).astype(np.float64)
    return PictureHeads(
        attributes=attributes.head,
        appeal=appeal.head,
        scale=scale,
        hero=fit_hero(told, rated.hero, rated.albums),
        look=look,
        coat=coat,
        words=words.head if words else None,
    )


def look_level(head: TwoCovarianceHead) -> LevelModel:
    """How looks cluster: by plain evidence, every partition being as likely as any other beforehand.

    On albums left out neither tempering, nor a concentration, nor an adapted scale made better looks.
    """
    return LevelModel(
        between=head.between,
        power=1.0,
        size_power=0.0,
        concentration=Concentration(base=0.0, per_item=0.0, least=0.0),
        search=ScaleSearch(grid=(1.0,), spread=1.0),
        temperature=LOOK_TEMPERATURE,
        sure=LOOK_SURE,
        min_size=2,
    )


def fit_scale(seen: list[Seen]) -> SignalScale:
    """Where the measures of signals begin and end to matter, from the spread of the training photos."""
    table = np.array([[scaled_measures(one)[name] for name in SCALED] for one in seen])
    low, high = np.quantile(table, SCALE_QUANTILES, axis=0)
    appeal = SCALED.index("appeal")
    middle, reach = table[:, appeal].mean(), APPEAL_SPREADS * table[:, appeal].std()
    low[appeal], high[appeal] = middle - reach, middle + reach
    return SignalScale(low, high)


def fit_hero(
    told: Float64[np.ndarray, "n s"], hero: Float64[np.ndarray, " n"], albums: Int64[np.ndarray, " n"]
) -> HeroModel:
    """Weights under which the scores follow what people said of an album's pictures.

    Weights are those of a non-negative ridge regression of ratings, both sides less their album's mean; a
    logistic model of pairs then says what a difference is worth.

    Args:
        told: signals of each photo, in the order of ``SIGNALS``.
        hero: rating of each photo.
        albums: album of each photo. In the model of pairs an album weighs as the root of their number: pairs
            of one album are far from independent.
    """
    weights = _signal_weights(centred(told, albums), centred(hero, albums))
    better, worse = ordered_pairs(hero, albums)
    of_album = np.bincount(albums[better])[albums[better]]
    worth = _log_odds((told[better] - told[worse]) @ weights, 1.0 / np.sqrt(of_album))
    log_odds = np.append(worth * weights, np.full(len(CLUSTER_SIGNALS), np.log(CLUSTER_ODDS)))
    total = float(log_odds.sum())
    usual = np.append(told.mean(0), np.full(len(CLUSTER_SIGNALS), UNKNOWN))
    return HeroModel(log_odds / total, usual, total)


def ordered_pairs(
    hero: Float64[np.ndarray, " n"], albums: Int64[np.ndarray, " n"]
) -> tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " p"]]:
    """Rows of the better and of the worse photo of every pair of one album with different ratings."""
    better, worse = np.nonzero((albums[:, None] == albums) & (hero[:, None] > hero))
    return better, worse


def _signal_weights(
    told: Float64[np.ndarray, "n s"], hero: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, " s"]:
    """Non-negative ridge regression without intercept."""
    width = told.shape[1]
    penalised = np.vstack([told, np.sqrt(HERO_RIDGE) * np.eye(width)])
    return np.asarray(nnls(penalised, np.append(hero, np.zeros(width)))[0])


def _log_odds(ahead: Float64[np.ndarray, " p"], importance: Float64[np.ndarray, " p"]) -> float:
    """What scores ahead are multiplied by to be the likeliest log odds that their pictures are preferred."""

    def loss(factor: float) -> float:
        return float(importance @ np.logaddexp(0.0, -factor * ahead))

    return float(minimize_scalar(loss, bounds=_SHARPNESS, method="bounded").x)
