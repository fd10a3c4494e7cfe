"""Fitting heads of attributes, appeal, looks and heroes, on albums in which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from rated_albums import LOOKS, rated

from sploot_media_clustering.domain.attributes import columns_of
from sploot_media_clustering.domain.signals import SIGNALS
from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.appeal import centred, fit_appeal
from sploot_media_clustering.training.attributes import fit_attributes
from sploot_media_clustering.training.cue_basis import cue_basis
from sploot_media_clustering.training.pictures import fit_hero, fit_pictures, ordered_pairs

PHOTOS = rated()


def test_an_album_lies_in_one_fold() -> None:
    """And folds are as even as albums allow."""
    folds = album_folds(PHOTOS.albums, 5, seed=3)
    for album in np.unique(PHOTOS.albums):
        assert len(np.unique(folds[PHOTOS.albums == album])) == 1
    assert np.bincount(folds).tolist() == [18] * 5
    assert (folds == album_folds(PHOTOS.albums, 5, seed=3)).all()
    assert (folds != album_folds(PHOTOS.albums, 5, seed=4)).any()


def test_a_map_fitted_in_the_basis_reads_cues_directly() -> None:
    """Unfolding changes nothing but the coordinates."""
    basis = cue_basis(PHOTOS.cues, components=20)
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(3, 20)), rng.normal(size=3)
    direct, offset = basis.unfolded(weight, bias)
    inside = basis.components(PHOTOS.cues) @ weight.T + bias
    assert PHOTOS.cues @ direct.T + offset == pytest.approx(inside, abs=1e-4)


def test_a_cue_that_never_varies_gets_no_weight() -> None:
    """It could only mislead on photos where it does."""
    basis = cue_basis(PHOTOS.cues)
    still = np.flatnonzero(PHOTOS.cues.std(0) == 0)
    assert len(still) > 0
    assert (basis.axes[:, still] == 0).all()


def test_attributes_of_albums_left_out_are_found() -> None:
    """Three kinds of picture, told without having seen the album."""
    folds = album_folds(PHOTOS.albums, 5, seed=0)
    fit = fit_attributes(PHOTOS.cues, PHOTOS.truth, folds, cue_basis(PHOTOS.cues))
    part = columns_of("activity")
    assert (fit.left_out[:, part].argmax(1) == PHOTOS.truth[:, 2]).mean() > 0.95
    assert fit.head.probabilities(PHOTOS.cues)[:, part].argmax(1).tolist() == PHOTOS.truth[:, 2].tolist()


def test_what_nobody_ticked_is_improbable() -> None:
    """A value without a single example keeps a finite, small probability."""
    folds = album_folds(PHOTOS.albums, 5, seed=0)
    head = fit_attributes(PHOTOS.cues, PHOTOS.truth, folds, cue_basis(PHOTOS.cues)).head
    assert np.isfinite(head.bias).all()
    assert head.probabilities(PHOTOS.cues)[:, columns_of("text")][:, 1].max() < 0.1


def test_appeal_orders_albums_left_out() -> None:
    """What is liked can be seen in the cues."""
    folds = album_folds(PHOTOS.albums, 5, seed=0)
    fit = fit_appeal(PHOTOS.cues, PHOTOS.hero, PHOTOS.albums, folds, cue_basis(PHOTOS.cues))
    better, worse = ordered_pairs(PHOTOS.hero, PHOTOS.albums)
    assert (fit.left_out[better] > fit.left_out[worse]).mean() > 0.8


def test_appeal_does_not_learn_from_differences_between_albums() -> None:
    """A rater who is kinder to one album changes nothing."""
    folds = album_folds(PHOTOS.albums, 5, seed=0)
    basis = cue_basis(PHOTOS.cues)
    kinder = PHOTOS.hero + 2.0 * (PHOTOS.albums % 2)
    one = fit_appeal(PHOTOS.cues, PHOTOS.hero, PHOTOS.albums, folds, basis).head
    other = fit_appeal(PHOTOS.cues, kinder, PHOTOS.albums, folds, basis).head
    assert other.weight == pytest.approx(one.weight, abs=1e-5)


def test_centring_is_inside_albums() -> None:
    """Of numbers and of vectors."""
    albums = np.array([3, 3, 7])
    assert centred(np.array([1.0, 3.0, 5.0]), albums).tolist() == [-1.0, 1.0, 0.0]
    assert centred(np.array([[1.0, 0], [3, 0], [5, 0]]), albums)[:, 0].tolist() == [-1.0, 1.0, 0.0]


def test_pairs_are_of_one_album_and_differ() -> None:
    """Better first."""
    better, worse = ordered_pairs(np.array([4.0, 2.0, 5.0, 5.0]), np.array([0, 0, 1, 1]))
    assert (better.tolist(), worse.tolist()) == ([0], [1])


def test_hero_weights_follow_what_people_chose() -> None:
    """The signal that decides weighs most, one that people dislike weighs nothing, all sum to 1."""
    rng = np.random.default_rng(0)
    told = rng.uniform(size=(200, len(SIGNALS)))
    liked, disliked = SIGNALS.index("eyes"), SIGNALS.index("size")
    hero = told[:, liked] - 0.5 * told[:, disliked]
    model = fit_hero(told, hero, np.repeat(np.arange(20), 10))
    assert model.weights.argmax() == liked
    assert model.weights[disliked] == 0.0
    assert model.weights.sum() == pytest.approx(1.0)
    assert (model.weights >= 0).all()


def test_all_heads_together_describe_a_photo() -> None:
    """Sharper photos score higher; photos of one look lie together."""
    heads = fit_pictures(PHOTOS)
    described = [heads.describe(x, s) for x, s in zip(PHOTOS.x, PHOTOS.sightings, strict=True)]
    looks = np.stack([one.look for one in described])
    distance = ((looks[:, None] - looks) ** 2).sum(2)
    np.fill_diagonal(distance, np.inf)
    kind = np.arange(len(PHOTOS)) % 9 % len(LOOKS)
    assert (kind[distance.argmin(1)] == kind).all()
    sharpness = np.array([one.signals[SIGNALS.index("sharpness")] for one in described])
    assert np.corrcoef(sharpness, PHOTOS.hero)[0, 1] > 0.9


def test_photos_without_an_animal_are_not_learned_from() -> None:
    """Whatever they look like."""
    seen = PHOTOS.seen.copy()
    seen[::7] = False
    fields = {name: getattr(PHOTOS, name) for name in PHOTOS.__slots__}
    x, cues = PHOTOS.x.copy(), PHOTOS.cues.copy()
    x[::7], cues[::7] = 9.0, 9.0
    spoilt = type(PHOTOS)(**fields | {"seen": seen, "x": x, "cues": cues})
    clean = type(PHOTOS)(**fields | {"seen": seen})
    assert (fit_pictures(spoilt).look.weight == fit_pictures(clean).look.weight).all()
