"""What a moment is, fitted on what people said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from rated_albums import rated

from sploot_media_clustering.training.heads import fit_scene
from sploot_media_clustering.training.moments import MOMENTS, fit_moments

PHOTOS = rated(albums=6)
SCENE = fit_scene(PHOTOS.x[:, : PHOTOS.x.shape[1] // 2])


def test_the_more_likeness_tells_of_occasions_the_less_of_it_is_asked_for() -> None:
    """Where photos of one look are of one occasion; not where occasions are dealt out by chance."""
    told = fit_moments(replace(PHOTOS, moments=PHOTOS.looks), SCENE)
    dealt = np.random.default_rng(0).permutation(PHOTOS.looks)
    by_chance = fit_moments(replace(PHOTOS, moments=dealt), SCENE)
    assert told.untimed_cosine < by_chance.untimed_cosine
    assert 0.0 < told.untimed_rise < by_chance.untimed_rise


def test_without_companions_nothing_can_be_fitted() -> None:
    """Nor without strangers: what other albums said stays."""
    size = len(PHOTOS)
    for moments in (np.arange(size), PHOTOS.albums):
        assert fit_moments(replace(PHOTOS, moments=moments), SCENE) == MOMENTS
