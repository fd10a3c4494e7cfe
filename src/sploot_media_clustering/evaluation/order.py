"""Order and growth: what the order of arrival could have changed, and what more photos do change.

Protocol ``order-2``: households as in ``households-1``; each is also built up photo by photo in random
orders, every photo going where its gain in log evidence is highest, under the scale that settling found.
Reported is in how many albums some order reaches a partition of higher posterior than settling did.

Protocol ``arrivals-1``: the same households through the whole tree, in some random orders each: how alike the
albums are before their last settling (adjusted Rand index of every two orders), and whether they are equal
after it.

Protocol ``churn-1``: a household settles without a tenth of its photos, the tenth arrives, it settles
again; reported is the share of the earlier placed sightings whose subject's id changed.

Protocol ``growth-2``: a household grows photo by photo; at every tenth of its size the album as it stands is
compared with the same photos settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain import arrivals, mixture, tree
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.level import ASIDE, LevelModel
from sploot_media_clustering.domain.mixture import Prior
from sploot_media_clustering.domain.partition import Items, log_posterior
from sploot_media_clustering.domain.settling import settle
from sploot_media_clustering.domain.tree import AlbumState, TreeModel
from sploot_media_clustering.evaluation.albums import arrived_album, best_labels, settled_album, state_scores
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES, WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.metrics import score
from sploot_media_clustering.evaluation.outcome import Measure, Outcome, Plot, Series, means_of_sets, told
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import items_of

ORDERS: Final = 20
TREE_ORDERS: Final = 6
"""Orders through the whole tree, which take longer."""

ALBUMS: Final = 20
SHARE_NEW: Final = 0.1
STEPS: Final = 10
"""Points of a growth curve."""

_CLEARLY: Final = 1e-6
"""Difference of log posteriors that is more than rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class OrderResult:
    """One data set; one value an album, and a row an album of the growth curves.

    Attributes:
        name: of the data set.
        beaten: whether some order of arrival beats settling.
        alike: mean adjusted Rand index of every two orders before the last settling.
        equal: whether all orders are equal after it.
        churn: share of placed sightings whose subject's id changed when a tenth more photos came.
        standing: V-measure of the album as it stands, at each tenth of its size.
        settled: of the same photos settled.
    """

    name: str
    beaten: tuple[float, ...]
    alike: tuple[float, ...]
    equal: tuple[float, ...]
    churn: tuple[float, ...]
    standing: Float64[np.ndarray, "albums steps"]
    settled: Float64[np.ndarray, "albums steps"]


def evaluate_order(
    sets: Iterable[JudgedSet], *, albums: int = ALBUMS, orders: int = ORDERS
) -> list[OrderResult]:
    """Run all four protocols.

    Args:
        sets: to be judged.
        albums: households of each set.
        orders: of arrival, of each.
    """
    return [_of_set(one, albums, orders) for one in sets]


def order_outcomes(
    results: Sequence[OrderResult], judged_by: str = WITHOUT_THE_SET
) -> tuple[Outcome, Outcome, Outcome, Outcome]:
    """What the protocols found.

    Args:
        results: one a set.
        judged_by: says which heads judged them.
    """
    beaten = [told(one.name, "an_order_beats_settling", one.beaten, "lower") for one in results]
    alike = [
        measure
        for one in results
        for measure in (
            told(one.name, "equal_after_settling", one.equal),
            told(one.name, "unsettled_rand", one.alike),
        )
    ]
    churn = [told(one.name, "ids_changed", one.churn, "lower") for one in results]
    growth = [measure for one in results for measure in _growth(one)]
    curves = (_growth_plot(one) for one in results)
    return (
        Outcome("order-2", "Could another order have done better?", judged_by, _whole(beaten)),
        Outcome("arrivals-1", "Orders of arrival through the whole tree", judged_by, _whole(alike)),
        Outcome("churn-1", "Ids that a tenth more photos change", judged_by, _whole(churn)),
        Outcome(
            "growth-2", "Photo by photo: as it stands, and settled", judged_by, _whole(growth), tuple(curves)
        ),
    )


def _whole(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    return (*measures, *means_of_sets(measures))


def _growth(one: OrderResult) -> tuple[Measure, ...]:
    behind = (one.settled - one.standing).mean(1)
    return (
        told(one.name, "standing_v_measure", one.standing.mean(1).tolist()),
        told(one.name, "settled_v_measure", one.settled.mean(1).tolist()),
        told(one.name, "behind", behind.tolist(), "lower"),
    )


def _growth_plot(one: OrderResult) -> Plot:
    share = (np.arange(STEPS) + 1) / STEPS
    curves = (("as it stands", one.standing), ("settled", one.settled))
    return Plot(
        title=f"{one.name}: growing photo by photo",
        x="share of the album that has arrived",
        y="V-measure",
        series=tuple(
            Series(name, tuple(zip(share.tolist(), table.mean(0).round(4).tolist(), strict=True)))
            for name, table in curves
        ),
        caption="Mean of households. An album is small at first, and animals are seen once.",
    )


def _of_set(one: JudgedSet, albums: int, orders: int) -> OrderResult:
    rng = np.random.default_rng(0)
    model = one.heads.tree
    beaten, alike, equal, churn, curves = [], [], [], [], []
    for rows in households(one.animals, HOUSEHOLD_SIZES, albums, seed=1):
        items = items_of(one.vectors, one.heads.identity, np.sort(rows))
        beaten.append(float(_some_order_wins(items, model.subjects, rng, orders)))
        photos, animals = one.album(rows)
        rand, same = _orders(photos, model, rng, min(orders, TREE_ORDERS))
        alike.append(rand)
        equal.append(float(same))
        churn.append(_churn(photos, model))
        curves.append(_curves(photos, animals, model))
    table = np.array(curves).reshape(len(curves), 2, STEPS)
    return OrderResult(
        one.name, tuple(beaten), tuple(alike), tuple(equal), tuple(churn), table[:, 0], table[:, 1]
    )


def _some_order_wins(items: Items, level: LevelModel, rng: np.random.Generator, orders: int) -> bool:
    size = len(items.weights)
    settled = settle(items, level.prior(size), level.search)
    best = log_posterior(items, settled.labels, settled.prior)
    return any(
        log_posterior(items, _arrived(items, settled.prior, rng.permutation(size)), settled.prior)
        > best + _CLEARLY
        for _ in range(orders)
    )


def _arrived(items: Items, prior: Prior, order: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    components = mixture.empty(items.vectors.shape[1])
    labels = np.empty(len(order), np.int64)
    for item in order:
        labels[item] = mixture.gains(components, items.vectors[item], items.weights[item], prior).argmax()
        components = mixture.absorb(components, int(labels[item]), items.vectors[item], items.weights[item])
    return labels


def _orders(
    photos: Sequence[Photo], model: TreeModel, rng: np.random.Generator, orders: int
) -> tuple[float, bool]:
    """How alike an album is however its photos came, and whether it is equal once settled."""
    standing, settled = [], []
    names = sorted(photo.image_id for photo in photos)
    for _ in range(orders):
        state = arrived_album([photos[i] for i in rng.permutation(len(photos))], model)
        labels, final = best_labels(state), best_labels(tree.settle(state, model))
        standing.append(np.array([labels[name] for name in names], np.int64))
        settled.append([final[name] for name in names])
    rand = [score(_apart(a), b).adjusted_rand for a, b in combinations(standing, 2)]
    return float(np.mean(rand)) if rand else 1.0, all(one == settled[0] for one in settled)


def _apart(labels: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Photos that stand aside as groups of their own."""
    return np.where(labels == ASIDE, len(labels) + np.arange(len(labels)), labels)


def _churn(photos: Sequence[Photo], model: TreeModel) -> float:
    new = max(1, round(SHARE_NEW * len(photos)))
    before = settled_album(photos[new:], model)
    state = before
    for photo in photos[:new]:
        state, _ = arrivals.add(state, photo, model)
    was, now = _ids(before), _ids(tree.settle(state, model))
    return float(np.mean([now.get(key) != cluster_id for key, cluster_id in was.items()])) if was else 0.0


def _curves(
    photos: Sequence[Photo], animals: dict[str, int], model: TreeModel
) -> tuple[list[float], list[float]]:
    """V-measure at each tenth of an album's growth, as it stands and settled."""
    marks = [max(round(len(photos) * (step + 1) / STEPS), 1) for step in range(STEPS)]
    standing, settled = [], []
    state, arrived = tree.empty(model), 0
    for mark in marks:
        for photo in photos[arrived:mark]:
            state, _ = arrivals.add(state, photo, model)
        arrived = max(arrived, mark)
        standing.append(state_scores(state, animals).v_measure)
        settled.append(state_scores(tree.settle(state, model), animals).v_measure)
    return standing, settled


def _ids(state: AlbumState) -> dict[tuple[str, int], str]:
    """Subject id of each placed sighting."""
    ids: dict[tuple[str, int], str] = {}
    labels = state.subject_labels()
    row = 0
    for photo in state.photos:
        for place in range(len(photo.sightings)):
            label = int(labels[row])
            if label != ASIDE:
                ids[photo.image_id, place] = state.subject_ids[label]
            row += 1
    return ids
