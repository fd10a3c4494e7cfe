"""Ours beside rivals on the same vectors of the same households.

Protocol ``rivals-1``: households as in ``households-1``. Each rival's parameter is the one of its grid that
does best on households of the other sets, by the mean of V-measure and BCubed F, which are also what it is
judged by; ours was chosen by another measure. Vectors are either those of the crops (square-rooted, compared
by cosine) or those of our head, fitted without the set (compared by cosine or as they are, whichever does
better on the other sets). A rival's trials on another set use a head that knows the set under test, so if
anything rivals are flattered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.level import place
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES, WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.metrics import Scores, interval, score
from sploot_media_clustering.evaluation.outcome import Better, Measure, Outcome, Plot, Series, over
from sploot_media_clustering.evaluation.rivals import Rival, unit
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import items_of

DRAWS: Final = 40
_TRIALS: Final = 16
_TRIAL_SIZES: Final = (1, 2, 3, 4)
_TRIAL_SEED: Final = 0
_SEED: Final = 1
_ORDERS: Final = 3
_ORDERED: Final = 8
"""Households of each set that are also clustered in other orders."""

_ALONE: Final = 24
"""Animals of each set that are also clustered alone."""

OURS: Final = "ours"
CROP: Final = "crop vectors"
HEAD: Final = "our head's vectors"


Clusters: TypeAlias = Callable[[JudgedSet, Any], Any]
"""A set and some of its rows to labels of those rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """One way to cluster one kind of vectors.

    Attributes:
        name: of the way, with its vectors.
        scores: of the households of each set.
        alone: of albums of one animal of each set.
        rand: adjusted Rand index of pairs of orders, mean.
        refit_ms: median time to cluster a household, which is what an arrival costs one that starts anew.
    """

    name: str
    scores: Mapping[str, Sequence[Scores]]
    alone: Mapping[str, Sequence[Scores]]
    rand: float
    refit_ms: float


def evaluate_rivals(
    sets: Sequence[JudgedSet],
    rivals: Sequence[Rival],
    *,
    draws: int = DRAWS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Contest]:
    """Ours first, then every rival on both kinds of vectors.

    Args:
        sets: to be judged.
        rivals: ways to cluster.
        draws: households of each set.
        progress: told each rival before its turn.
    """
    albums = {one.name: list(households(one.animals, HOUSEHOLD_SIZES, draws, _SEED)) for one in sets}
    trials = {one.name: list(households(one.animals, _TRIAL_SIZES, _TRIALS, _TRIAL_SEED)) for one in sets}
    found = [_ours(sets, albums)]
    for rival in rivals:
        progress(rival.name)
        found += [_contest(rival, kind, sets, albums, trials) for kind in (CROP, HEAD)]
    return found


def rivals_outcomes(found: Sequence[Contest], judged_by: str = WITHOUT_THE_SET) -> tuple[Outcome, Outcome]:
    """What the protocol found: means of sets, and set by set.

    Args:
        found: ours first.
        judged_by: says which heads ours are.
    """
    ours = found[0]
    rows = [measure for one in found for measure in _row(one, ours)]
    by_set = [
        Measure(one.name, f"{name} {letter}", _of_set(scores, measure), count=len(scores), better="neither")
        for one in found
        for name, scores in one.scores.items()
        for letter, measure in (("V", "v_measure"), ("F", "bcubed_f"))
    ]
    means = Outcome(
        protocol="rivals-1",
        title="Rivals on the same vectors: means of sets; gains are ours over theirs, pairwise by household",
        judged_by=judged_by,
        measures=tuple(rows),
        plots=(
            Plot(
                title="Purity against photos left unassigned",
                x="unassigned",
                y="purity",
                series=tuple(_point(one, _mean(one, "unassigned"), _mean(one, "purity")) for one in found),
                kind="scatter",
                caption="Up and to the left is better: purity is easily bought by leaving photos aside.",
            ),
            Plot(
                title="Time against agreement",
                x="milliseconds to cluster a household anew",
                y="V-measure",
                series=tuple(_point(one, round(one.refit_ms, 3), _mean(one, "v_measure")) for one in found),
                kind="scatter",
                logarithmic=True,
                caption="Up and to the left is better.",
            ),
        ),
    )
    return means, Outcome(
        "rivals-sets-1", "Rivals set by set: V-measure and BCubed F", judged_by, tuple(by_set)
    )


def _point(one: Contest, x: float, y: float) -> Series:
    name, _, kind = one.name.partition(", ")
    return Series(name, ((x, y),), kind or OURS)


def _row(one: Contest, ours: Contest) -> list[Measure]:
    better: Better = "higher" if one is ours else "neither"
    measures = [
        Measure(one.name, name, _mean(one, name), count=len(one.scores), better=better)
        for name in ("v_measure", "bcubed_f", "purity")
    ]
    alone = float(np.mean([np.mean([s.bcubed_f for s in scores]) for scores in one.alone.values()]))
    measures += [
        Measure(one.name, "unassigned", _mean(one, "unassigned"), better="neither"),
        Measure(one.name, "alone_bcubed_f", alone, count=len(one.alone), better=better),
    ]
    if one is not ours:
        for name in ("v_measure", "bcubed_f"):
            gains = [
                getattr(mine, name) - getattr(theirs, name)
                for set_name, scores in one.scores.items()
                for mine, theirs in zip(ours.scores[set_name], scores, strict=True)
            ]
            gain = over(one.name, f"gain_{name}", interval(gains), len(gains), "neither")
            measures.append(gain)
            measures.append(
                Measure(one.name, f"sets_behind_{name}", _behind(one, ours, name), better="neither")
            )
    measures.append(Measure(one.name, "rand_of_orders", one.rand, better="neither"))
    measures.append(Measure(one.name, "refit_ms", one.refit_ms, better="neither"))
    return measures


def _behind(one: Contest, ours: Contest, name: str) -> float:
    """Sets on which the rival does better than ours."""
    return float(
        sum(_of_set(scores, name) > _of_set(ours.scores[key], name) for key, scores in one.scores.items())
    )


def _of_set(scores: Sequence[Scores], name: str) -> float:
    return round(float(np.mean([getattr(s, name) for s in scores])), 4)


def _mean(one: Contest, name: str) -> float:
    """Mean of sets, each counted alike."""
    return round(float(np.mean([_of_set(scores, name) for scores in one.scores.values()])), 4)


def _views(
    one: JudgedSet, kind: str, rows: Int64[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, "n d"], ...]:
    """The vectors of some photos, in each way that they may be compared."""
    x = one.vectors.x[rows]
    if kind == CROP:
        return (unit(x[:, x.shape[1] // 2 :].astype(np.float64)),)
    z = one.heads.identity.project(x).astype(np.float64)
    return unit(z), z / np.sqrt(2 * z.shape[1])


def _ours(sets: Sequence[JudgedSet], albums: Mapping[str, Sequence[Int64[np.ndarray, " _n"]]]) -> Contest:
    def cluster(one: JudgedSet, rows: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        order = np.argsort(rows)
        items = items_of(one.vectors, one.heads.identity, rows[order])
        labels = np.empty(len(rows), np.int64)
        labels[order] = place(items, one.heads.tree.subjects).labels
        return labels

    return _judged(OURS, sets, albums, {one.name: cluster for one in sets})


def _contest(
    rival: Rival,
    kind: str,
    sets: Sequence[JudgedSet],
    albums: Mapping[str, Sequence[Int64[np.ndarray, " _n"]]],
    trials: Mapping[str, Sequence[Int64[np.ndarray, " _n"]]],
) -> Contest:
    tried = {one.name: _tried(rival, kind, one, trials[one.name]) for one in sets}
    chosen: dict[str, Clusters] = {}
    for one in sets:
        others = [tried[name] for name in tried if name != one.name] or [tried[one.name]]
        view, place = divmod(int(np.mean(others, axis=0).argmax()), len(rival.grid))
        chosen[one.name] = _clustering(rival, kind, view, rival.grid[place])
    return _judged(f"{rival.name}, {kind}", sets, albums, chosen)


def _clustering(rival: Rival, kind: str, view: int, value: float) -> Clusters:
    return lambda one, rows: rival.cluster(_views(one, kind, rows)[view], (value,))[0]


def _tried(
    rival: Rival, kind: str, one: JudgedSet, trials: Sequence[Int64[np.ndarray, " _n"]]
) -> Float64[np.ndarray, " g"]:
    """Mean score of each way to compare and each parameter on the trials of one set."""
    table = []
    for rows in trials:
        found = [
            score(one.vectors.animals[rows], labels)
            for vectors in _views(one, kind, rows)
            for labels in rival.cluster(vectors, rival.grid)
        ]
        table.append([(scores.v_measure + scores.bcubed_f) / 2 for scores in found])
    return np.mean(table, axis=0)


def _judged(
    name: str,
    sets: Sequence[JudgedSet],
    albums: Mapping[str, Sequence[Int64[np.ndarray, " _n"]]],
    clusterings: Mapping[str, Clusters],
) -> Contest:
    scores: dict[str, list[Scores]] = {}
    alone: dict[str, list[Scores]] = {}
    rand, took_s = [], []
    rng = np.random.default_rng(0)
    for one in sets:
        cluster = clusterings[one.name]
        scores[one.name] = []
        alone[one.name] = [
            score(one.vectors.animals[rows], cluster(one, rows)) for rows in one.animals[:_ALONE]
        ]
        for number, rows in enumerate(albums[one.name]):
            start = time.perf_counter()
            labels = cluster(one, rows)
            took_s.append(time.perf_counter() - start)
            scores[one.name].append(score(one.vectors.animals[rows], labels))
            if number < _ORDERED:
                rand.append(_rand_of_orders(one, rows, cluster, rng))
    return Contest(name, scores, alone, float(np.mean(rand)), 1000 * float(np.median(took_s)))


def _rand_of_orders(
    one: JudgedSet,
    rows: Int64[np.ndarray, " n"],
    cluster: Clusters,
    rng: np.random.Generator,
) -> float:
    found = []
    for _ in range(_ORDERS):
        order = rng.permutation(len(rows))
        labels = np.empty(len(rows), np.int64)
        labels[order] = cluster(one, rows[order])
        aside = labels < 0
        labels[aside] = labels.max(initial=0) + 1 + np.flatnonzero(aside)
        found.append(labels)
    return float(np.mean([score(a, b).adjusted_rand for a, b in pairwise(found)]))
