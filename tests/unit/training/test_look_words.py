"""Words by which people name looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from rated_albums import LOOKS, rated

from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.cue_basis import cue_basis
from sploot_media_clustering.training.look_words import common_words, fit_words
from sploot_media_clustering.training.pictures import fit_pictures

PHOTOS = rated()
FOLDS = album_folds(PHOTOS.albums, 5, 0)


def test_a_word_counts_where_many_albums_and_photos_have_it() -> None:
    """In one album it is one animal's, in few photos it can't be learned."""
    said = [frozenset({"sofa"}), frozenset({"sofa", "lukas"})] * 15
    albums = np.repeat(np.arange(6), 5)
    assert common_words(said, albums) == ("lukas", "sofa")
    assert common_words(said[:14], albums[:14]) == ()
    assert common_words(said, np.zeros(30, np.int64)) == ()


def test_words_are_told_of_albums_that_no_head_was_fitted_on() -> None:
    """A photo of no look has none, whatever it shows."""
    names = tuple(f"{name} on the rug" if name else None for name in PHOTOS.look_names)
    fit = fit_words(PHOTOS.cues, names, PHOTOS.albums, FOLDS, cue_basis(PHOTOS.cues))
    assert fit is not None
    assert set(LOOKS) < set(fit.head.words)
    for word in LOOKS:
        told = fit.left_out[:, fit.head.words.index(word)] > 0.5
        assert (told == np.array([name == word for name in PHOTOS.look_names])).all()
    said = fit.head.probabilities(PHOTOS.cues)
    assert np.abs(said - fit.left_out).max() < 0.5


def test_without_common_words_looks_are_told_as_before() -> None:
    """By features and attributes alone."""
    nameless = replace(PHOTOS, look_names=(None,) * len(PHOTOS))
    assert fit_words(PHOTOS.cues, nameless.look_names, PHOTOS.albums, FOLDS, cue_basis(PHOTOS.cues)) is None
    heads = fit_pictures(nameless)
    assert heads.words is None
    width = heads.look.weight.shape[1]
    assert fit_pictures(PHOTOS).look.weight.shape[1] == width + len(LOOKS)
