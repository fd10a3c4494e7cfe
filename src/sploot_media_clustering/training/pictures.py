"""Fitting the heads of looks and heroes on rated albums.

What one head reads of another is always said by a head that was not fitted on that album: else the training
albums' attributes and appeal are surer than those of any album to come, and what is built on them trusts
them too much (stacking: Wolpert 1992, "Stacked generalization").
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import minimize

from sploot_media_clustering.domain.coats import CoatHead
from sploot_media_clustering.domain.expectations import ScaleSearch
from sploot_media_clustering.domain.heads import TwoCovarianceHead
from sploot_media_clustering.domain.hero import SCORED, HeroModel, scored_signals
from sploot_media_clustering.domain.level import Concentration, LevelModel
from sploot_media_clustering.domain.pictures import PictureHeads, look_features, seen_as
from sploot_media_clustering.domain.signals import (
    SCALED,
    UNKNOWN,
    Seen,
    SignalScale,
    scaled_measures,
    signals,
    typicality,
)
from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.appeal import fit_appeal
from sploot_media_clustering.training.attributes import fit_attributes
from sploot_media_clustering.training.cue_basis import cue_basis
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

PAIR_WEIGHT_DECAY: Final = 1e-3
"""L2 penalty on the weights of the hero model, the mean loss of a pair being 1."""

RECENCY_ODDS: Final = 1.5
"""No rater was told to prefer new pictures. We do, gently: of two equals the newest beats one of long ago in
three albums of five."""


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
    features = look_features(rated.x, attributes.left_out)
    look = fit_two_covariance(features, rated.looks, rated.albums, LOOK_FIT)
    seen = [
        seen_as(sighting, said, picked)
        for sighting, said, picked in zip(
            rated.sightings, attributes.left_out, appeal.left_out.tolist(), strict=True
        )
    ]
    scale = fit_scale(seen)
    scored = scored_signals(
        np.stack([signals(one, scale) for one in seen]),
        _typical(look.project(features).astype(np.float64), rated.albums),
        np.full(len(rated), UNKNOWN),
    )
    return PictureHeads(
        attributes=attributes.head,
        appeal=appeal.head,
        scale=scale,
        hero=fit_hero(scored, rated.hero, rated.albums),
        look=look,
        coat=coat,
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
    scored: Float64[np.ndarray, "n s"], hero: Float64[np.ndarray, " n"], albums: Int64[np.ndarray, " n"]
) -> HeroModel:
    """Weights under which the scores order pairs of an album's pictures as people did.

    Args:
        scored: signals of each photo, in the order of ``SCORED``.
        hero: rating of each photo.
        albums: album of each photo. An album weighs as the root of its number of pairs: pairs of one album
            are far from independent.
    """
    better, worse = ordered_pairs(hero, albums)
    pairs = scored[better] - scored[worse]
    of_album = np.bincount(albums[better])[albums[better]]
    log_odds = _pair_weights(pairs, 1.0 / np.sqrt(of_album))
    log_odds[SCORED.index("recency")] = np.log(RECENCY_ODDS)
    total = float(log_odds.sum())
    return HeroModel(log_odds / total, scored.mean(0), total)


def ordered_pairs(
    hero: Float64[np.ndarray, " n"], albums: Int64[np.ndarray, " n"]
) -> tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " p"]]:
    """Rows of the better and of the worse photo of every pair of one album with different ratings."""
    better, worse = np.nonzero((albums[:, None] == albums) & (hero[:, None] > hero))
    return better, worse


def _pair_weights(
    pairs: Float64[np.ndarray, "p s"], importance: Float64[np.ndarray, " p"]
) -> Float64[np.ndarray, " s"]:
    """Non-negative logistic regression without intercept: log odds for each unit of a signal."""
    share = importance / importance.sum()

    def loss(weights: Float64[np.ndarray, " s"]) -> tuple[float, Float64[np.ndarray, " s"]]:
        ahead = pairs @ weights
        wrong = share / (1.0 + np.exp(ahead))
        penalty = 0.5 * PAIR_WEIGHT_DECAY * float(weights @ weights)
        value = float(share @ np.logaddexp(0.0, -ahead)) + penalty
        return value, PAIR_WEIGHT_DECAY * weights - wrong @ pairs

    start = np.ones(pairs.shape[1])
    bounds = [(0.0, None)] * pairs.shape[1]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _typical(
    vectors: Float64[np.ndarray, "n l"], albums: Int64[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    found = np.empty(len(vectors))
    for album in np.unique(albums):
        found[albums == album] = typicality(vectors[albums == album])
    return found
