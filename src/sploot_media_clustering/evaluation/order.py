"""Order and growth: what the order of arrival could have changed, and what more photos do change.

Protocol ``order-1``: households as in ``households-1``; each is also built up photo by photo in random
orders, every photo going where its gain in log evidence is highest, under the scale that settling found.
Reported is in how many albums some order reaches a partition of higher posterior than settling did.
Protocol ``growth-1``: a household settles without a tenth of its photos, the tenth arrives, it settles
again; reported is the share of the earlier placed sightings whose subject's id changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain import arrivals, mixture, tree
from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.mixture import Prior
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.domain.settling import Items, log_posterior, settle
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.evaluation.end_to_end import settled_album
from sploot_media_clustering.evaluation.identity import HOUSEHOLD_SIZES
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import LEAST_PHOTOS, items_of
from sploot_media_clustering.training.labelled import DataSet, labelled_vectors

ORDERS: Final = 20
ALBUMS: Final = 40
SHARE_NEW: Final = 0.1
_CLEARLY: Final = 1e-6
"""Difference of log posteriors that is more than rounding."""


@dataclass(frozen=True, slots=True)
class OrderResult:
    """One data set.

    Attributes:
        name: of the data set.
        albums: households tried.
        beaten: share of them in which some order of arrival beats settling.
        churn: mean share of placed sightings whose subject's id changed when a tenth more photos came.
    """

    name: str
    albums: int
    beaten: float
    churn: float


def evaluate_order(
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    heads: Heads,
    *,
    albums: int = ALBUMS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[OrderResult]:
    """Run both protocols.

    Args:
        data_sets: labelled photos.
        embeddings: by key.
        heads: of a package, also where they were fitted on these very sets: whether settling finds the best
            partition is asked of any heads alike.
        albums: households of each set.
        progress: told the name of each set before its turn.
    """
    vectors = labelled_vectors(data_sets, embeddings)
    results = []
    for index, name in enumerate(vectors.set_names):
        animals = vectors.rows_of(index, least=LEAST_PHOTOS)
        if len(animals) < min(HOUSEHOLD_SIZES):
            continue
        progress(name)
        rng = np.random.default_rng(0)
        drawn = list(households(animals, HOUSEHOLD_SIZES, albums, seed=1))
        beaten, churn = [], []
        for rows in drawn:
            items = items_of(heads.identity.project(vectors.x[np.sort(rows)]).astype(np.float64))
            beaten.append(_some_order_wins(items, heads, rng))
            churn.append(_churn([heads.project(embeddings[vectors.keys[row]]) for row in rows], heads))
        results.append(OrderResult(name, len(drawn), float(np.mean(beaten)), float(np.mean(churn))))
    return results


def _some_order_wins(items: Items, heads: Heads, rng: np.random.Generator) -> bool:
    level = heads.tree.subjects
    size = len(items.weights)
    settled = settle(items, level.prior(size), level.search)
    best = log_posterior(items, settled.labels, settled.prior)
    return any(
        log_posterior(items, _arrived(items, settled.prior, rng.permutation(size)), settled.prior)
        > best + _CLEARLY
        for _ in range(ORDERS)
    )


def _arrived(items: Items, prior: Prior, order: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    components = mixture.empty(items.vectors.shape[1])
    labels = np.empty(len(order), np.int64)
    for item in order:
        labels[item] = mixture.gains(components, items.vectors[item], items.weights[item], prior).argmax()
        components = mixture.absorb(components, int(labels[item]), items.vectors[item], items.weights[item])
    return labels


def _churn(photos: Sequence[Photo], heads: Heads) -> float:
    new = max(1, round(SHARE_NEW * len(photos)))
    before = settled_album(photos[new:], heads.tree)
    state = before
    for photo in photos[:new]:
        state, _ = arrivals.add(state, photo, heads.tree)
    was, now = _ids(before), _ids(tree.settle(state, heads.tree))
    return float(np.mean([now.get(key) != cluster_id for key, cluster_id in was.items()])) if was else 0.0


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
