"""What is said of pictures: attributes, the claims of labels, and coats, beside what people said.

Attributes and labels are those of albums that no head was fitted on (protocol ``albums-out-1``); coats are
those of animals, or of whole data sets, that the coat head was not fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Int64

from sploot_media_clustering.domain.attributes import COATS, COMPANIONS, FLAWS, VOCABULARY, columns_of
from sploot_media_clustering.domain.descriptors import HELD, Label, coat_of, look_labels
from sploot_media_clustering.domain.wording import Claim
from sploot_media_clustering.evaluation.calibration import (
    Claimed,
    calibration_error,
    calibration_interval,
    reliability,
)
from sploot_media_clustering.evaluation.heroes import Tally, tallied
from sploot_media_clustering.evaluation.left_out import NO_LOOK, Figure, Judged, figure_measures
from sploot_media_clustering.evaluation.outcome import Outcome, Plot, Series
from sploot_media_clustering.evaluation.pictures import ALBUMS_LEFT_OUT
from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.coats import FOLDS, CoatedPhotos, fit_coats
from sploot_media_clustering.training.ratings import RatedPhotos

TOLD: Final = tuple(group for group in VOCABULARY if group not in (*COMPANIONS, *FLAWS))
"""Groups of which people choose one value for each photo."""

_COAT_SEEDS: Final = (1, 2, 3)
_GROUPS: Final = tuple(VOCABULARY)
_MORE_THAN_HALF: Final = 0.5


def evaluate_attributes(judged: Sequence[Judged]) -> tuple[Figure, ...]:
    """Share of photos whose likeliest value is the first rater's, of each group that looks are named by.

    ``others`` is right where both people and other animals are.

    Args:
        judged: one a seed of the folds.
    """
    runs = [_right_values(one) for one in judged]
    return tuple(
        tallied(name, [_by_album(one.rated, run[name]) for one, run in zip(judged, runs, strict=True)])
        for name in runs[0]
    )


def evaluate_calibration(judged: Sequence[Judged]) -> tuple[Figure, ...]:
    """Expected calibration error of the likeliest value (Guo et al. 2017), intervals over whole albums.

    Args:
        judged: one a seed of the folds.
    """
    figures = []
    for group in (*TOLD, *COMPANIONS):
        runs = []
        for one in judged:
            p = one.attributes[:, columns_of(group)]
            right = p.argmax(1) == one.rated.truth[:, _GROUPS.index(group)]
            runs.append(Claimed(p.max(1).astype(np.float64), right, one.rated.albums))
        errors = [calibration_error(run.sure, run.right) for run in runs]
        spread = float(np.std(errors))
        figures.append(Figure(group, calibration_interval(runs), spread, len(judged[0].rated)))
    return tuple(figures)


def evaluate_labels(judged: Sequence[Judged]) -> tuple[Figure, ...]:
    """Labels of settled looks beside the first rater's word, each album being one animal's.

    ``claims``: pairs of a claim and a photo under it that agree; ``labels``: all claims of a label hold for
    :data:`HELD` of its photos; ``mostly``: what is said to be mostly so is so for more than half;
    ``looks with a claim``: of all looks.

    Args:
        judged: one a seed of the folds.
    """
    names = ("claims", "labels", "mostly", "looks with a claim")
    runs: list[list[dict[str, Tally]]] = [_label_tallies(one) for one in judged]
    return tuple(tallied(name, [[album[name] for album in run] for run in runs]) for name in names)


def evaluate_coats(photos: CoatedPhotos) -> tuple[Figure, ...]:
    """How many animals get a coat, and how many of those the right one, by heads that never saw them.

    Args:
        photos: of animals whose coat is known.
    """
    folds = [album_folds(photos.animals, FOLDS, seed) for seed in _COAT_SEEDS]
    parts = [("animals left out", folds)]
    if len(np.unique(photos.sets)) > 1:
        parts.append(("sets left out", [photos.sets]))
    figures = []
    for name, held in parts:
        named = [_named(photos, fit_coats(photos, fold).left_out) for fold in held]
        figures.append(tallied(f"named, {name}", [[Tally(float(t.of), 1) for t in run] for run in named]))
        figures.append(tallied(f"right, {name}", named))
    return tuple(figures)


def words_outcomes(judged: Sequence[Judged], coated: CoatedPhotos | None) -> tuple[Outcome, ...]:
    """Protocol ``albums-out-1`` on what is said; coats where they are known of enough animals.

    Args:
        judged: one a seed of the folds.
        coated: photos of animals whose coat is known.
    """
    attributes = (
        *figure_measures("accuracy", evaluate_attributes(judged)),
        *figure_measures("calibration error", evaluate_calibration(judged), "lower"),
    )
    found = [
        Outcome("attributes-1", "Attributes", ALBUMS_LEFT_OUT, attributes, (_attribute_plot(judged),)),
        Outcome(
            "labels-1", "Labels of looks", ALBUMS_LEFT_OUT, figure_measures("labels", evaluate_labels(judged))
        ),
    ]
    if coated:
        measures = figure_measures("coats", evaluate_coats(coated))
        found.append(Outcome("coats-1", "Coats", "heads fitted without the animals, or the sets", measures))
    return tuple(found)


def _attribute_plot(judged: Sequence[Judged]) -> Plot:
    one = judged[0]
    series = []
    for group in TOLD:
        p = one.attributes[:, columns_of(group)]
        right = p.argmax(1) == one.rated.truth[:, _GROUPS.index(group)]
        series.append(Series(group, reliability(p.max(1).astype(np.float64), right)))
    return Plot(
        title="Attributes: said and right",
        x="probability given",
        y="share that was right",
        series=tuple(series),
        kind="reliability",
        caption="On the diagonal, probabilities mean what they say. Each point is a tenth of the photos.",
    )


def _right_values(judged: Judged) -> dict[str, Bool[np.ndarray, " n"]]:
    right = {
        group: judged.attributes[:, columns_of(group)].argmax(1)
        == judged.rated.truth[:, _GROUPS.index(group)]
        for group in (*TOLD, *COMPANIONS)
    }
    told = {group: right[group] for group in TOLD}
    return told | {"others": np.logical_and.reduce([right[companion] for companion in COMPANIONS])}


def _by_album(rated: RatedPhotos, right: Bool[np.ndarray, " n"]) -> list[Tally]:
    albums = (right[rated.albums == album] for album in np.unique(rated.albums))
    return [Tally(float(inside.sum()), len(inside)) for inside in albums]


def _label_tallies(judged: Judged) -> list[dict[str, Tally]]:
    tallies = []
    for album in np.unique(judged.rated.albums):
        rows = np.flatnonzero((judged.rated.albums == album) & (judged.looks != NO_LOOK))
        looks = [rows[judged.looks[rows] == look] for look in np.unique(judged.looks[rows])]
        labels = look_labels([judged.attributes[inside] for inside in looks])
        truth = [judged.rated.truth[inside] for inside in looks]
        tallies.append(_tallies_of(labels, truth))
    return tallies


def _tallies_of(labels: Sequence[Label], truth: Sequence[Int64[np.ndarray, "_m g"]]) -> dict[str, Tally]:
    agreed = [[_agrees(c, said) for c in label.claims] for label, said in zip(labels, truth, strict=True)]
    claimed = [claims for claims in agreed if claims]
    mostly = [
        _agrees(claim, said).mean()
        for label, said in zip(labels, truth, strict=True)
        for claim in label.mostly
    ]
    whole = [all(float(c.mean()) >= HELD for c in claims) for claims in claimed]
    photos = sum(len(c) for claims in claimed for c in claims)
    return {
        "claims": Tally(float(sum(c.sum() for claims in claimed for c in claims)), photos),
        "labels": Tally(float(sum(whole)), len(whole)),
        "mostly": Tally(float(sum(share > _MORE_THAN_HALF for share in mostly)), len(mostly)),
        "looks with a claim": Tally(float(len(claimed)), len(labels)),
    }


def _agrees(claim: Claim, truth: Int64[np.ndarray, "m g"]) -> Bool[np.ndarray, " m"]:
    values = [VOCABULARY[claim.group].index(value) for value in claim.values]
    return np.isin(truth[:, _GROUPS.index(claim.group)], values)


def _named(photos: CoatedPhotos, left_out: Float32[np.ndarray, "n k"]) -> list[Tally]:
    """One tally an animal: empty where its coat is not named."""
    tallies = []
    for animal in np.unique(photos.animals):
        rows = photos.animals == animal
        coat = coat_of(left_out[rows])
        tallies.append(Tally(float(coat == COATS[photos.coats[rows][0]]), int(coat is not None)))
    return tallies
