"""What is said of pictures: attributes, the claims of labels, and coats, beside what people said.

Attributes and labels are those of albums that no head was fitted on (protocol ``albums-out-1``); coats are
those of animals, or of whole data sets, that the coat head was not fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from sploot_media_clustering.domain.attributes import COATS, COMPANIONS, FLAWS, VOCABULARY, columns_of
from sploot_media_clustering.domain.descriptors import HELD, Label, coat_of, look_labels
from sploot_media_clustering.domain.wording import Claim
from sploot_media_clustering.evaluation.heroes import Tally, tallied
from sploot_media_clustering.evaluation.left_out import NO_LOOK, Figure, Judged
from sploot_media_clustering.evaluation.metrics import Interval
from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.coats import FOLDS, CoatedPhotos, fit_coats
from sploot_media_clustering.training.ratings import RatedPhotos

TOLD: Final = tuple(group for group in VOCABULARY if group not in (*COMPANIONS, *FLAWS))
"""Groups of which people choose one value for each photo."""

BINS: Final = 10
"""Of the calibration error: bins of equally many photos."""

_RESAMPLES: Final = 300
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
            runs.append((p.max(1).astype(np.float64), right))
        figures.append(_calibration_figure(group, judged[0].rated.albums, runs))
    return tuple(figures)


def calibration_error(sure: Float64[np.ndarray, " n"], right: Bool[np.ndarray, " n"]) -> float:
    """Mean distance of probability and share of right answers, over bins of equally many photos.

    Args:
        sure: probability given to the answer.
        right: whether it was right.
    """
    order = np.argsort(sure, kind="stable")
    bins = np.array_split(order, min(BINS, len(order)))
    return float(sum(abs(float(sure[b].sum()) - float(right[b].sum())) for b in bins)) / len(order)


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


def _calibration_figure(
    name: str,
    albums: Int64[np.ndarray, " n"],
    runs: Sequence[tuple[Float64[np.ndarray, " n"], Bool[np.ndarray, " n"]]],
) -> Figure:
    errors = [calibration_error(*run) for run in runs]
    rows_of = [np.flatnonzero(albums == album) for album in np.unique(albums)]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([rows_of[i] for i in rng.integers(len(rows_of), size=len(rows_of))])
        drawn.append(np.mean([calibration_error(sure[rows], right[rows]) for sure, right in runs]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    mean = Interval(float(np.mean(errors)), float(low), float(high))
    return Figure(name, mean, float(np.std(errors)), len(albums))


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
