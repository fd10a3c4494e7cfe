"""Looks and heroes of rated albums: what was found, beside what people agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sploot_media_clustering.evaluation.heroes import (
    evaluate_heroes,
    evaluate_raters_heroes,
    evaluate_sub_albums,
)
from sploot_media_clustering.evaluation.left_out import Figure, Judged, figure_measures
from sploot_media_clustering.evaluation.looks import evaluate_looks, evaluate_one_look, evaluate_raters_looks
from sploot_media_clustering.evaluation.outcome import Measure, Outcome
from sploot_media_clustering.training.ratings import RatedPhotos, Rating

OURS: Final = "ours"
RATERS: Final = "raters with each other"
ALBUMS_LEFT_OUT: Final = "heads fitted without the albums"


def pictures_outcomes(
    rated: RatedPhotos,
    ratings: Sequence[Rating],
    judged: Sequence[Judged],
    rivals: Mapping[str, Sequence[Judged]],
) -> tuple[Outcome, Outcome]:
    """Protocol ``albums-out-1`` on looks and on heroes.

    Args:
        rated: photos.
        ratings: of them.
        judged: by heads fitted without the albums, one a seed of the folds.
        rivals: other ways to choose heroes.
    """
    looks = (
        *figure_measures(OURS, evaluate_looks(judged)),
        *_told(RATERS, evaluate_raters_looks(ratings)),
        *_told("one look for all", evaluate_one_look(rated)),
    )
    heroes = (
        *figure_measures(OURS, _heroes(judged)),
        *(measure for name, one in rivals.items() for measure in _told(name, _heroes(one))),
        *_told(RATERS, evaluate_raters_heroes(ratings)),
    )
    return (
        Outcome("looks-1", "Looks, albums of 8 photos or more", ALBUMS_LEFT_OUT, looks),
        Outcome("heroes-1", "Heroes", ALBUMS_LEFT_OUT, heroes),
    )


def _heroes(judged: Sequence[Judged]) -> tuple[Figure, ...]:
    return (*evaluate_heroes(judged), *evaluate_sub_albums(judged))


def _told(group: str, figures: Sequence[Figure]) -> tuple[Measure, ...]:
    """Figures to compare with, which no change of ours should move."""
    return tuple(
        Measure(one.group, one.name, one.value, one.low, one.high, one.count, "neither")
        for one in figure_measures(group, figures)
    )
