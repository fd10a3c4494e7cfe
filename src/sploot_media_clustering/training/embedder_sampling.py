"""What an embedder is tuned on: batches of one data set's animals, and what is kept aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float16, Int64
from scipy.stats import rankdata

from sploot_media_clustering.errors import DatasetError

WHOLE, CROP = 0, 1
"""Places of the unchanged views; varied crops and then varied wholes follow."""

_CHANCE: Final = 0.5
_LEAST_ANIMALS: Final = 3
"""With fewer to choose from, telling them apart teaches nothing."""
_LEAST_SETS: Final = 2
_LEAST_LEFT_OUT: Final = 2
_LEAST_LENGTH: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a tail is tuned.

    Attributes:
        steps: at most.
        animals: of one batch, all of one data set.
        photos: of each animal in a batch, at most.
        wholes: whole photos beside them, which are only to stay what they were.
        clean_share: of crops that are not varied.
        rate: highest learning rate.
        weight_decay: of AdamW.
        temperature: cosines are divided by it.
        keep: weight of the pull towards the original embeddings, in one minus cosine.
        averaging: share of the past in the moving average of weights.
        look_every: steps between two looks at the animals left out.
        patience: looks without a gain after which tuning stops.
        left_out: share of the animals that are only looked at.
    """

    steps: int = 100
    animals: int = 9
    photos: int = 4
    wholes: int = 8
    clean_share: float = 0.15
    rate: float = 3e-4
    weight_decay: float = 1e-2
    temperature: float = 0.07
    keep: float = 4.0
    averaging: float = 0.98
    look_every: int = 20
    patience: int = 3
    left_out: float = 0.15


@runtime_checkable
class Labelled(Protocol):
    """Photos of one animal each, in columns, whatever else is known of them."""

    @property
    def animals(self) -> Int64[np.ndarray, " n"]:
        """Index of each photo's animal."""

    @property
    def sets(self) -> Int64[np.ndarray, " n"]:
        """Index of each photo's data set."""


@dataclass(frozen=True, slots=True, eq=False)
class TrunkFeatures:
    """What the frozen layers make of every view.

    Attributes:
        values: half precision; may be a memory map. Views are :data:`WHOLE`, :data:`CROP`, then varied ones.
        animals: index of each photo's animal.
        sets: index of each photo's data set.
        varied_crops: how many; all other varied views are whole photos.
    """

    values: Float16[np.ndarray, "n v c h w"]
    animals: Int64[np.ndarray, " n"]
    sets: Int64[np.ndarray, " n"]
    varied_crops: int

    def drawn(
        self, batch: Batch, clean_share: float, rng: np.random.Generator
    ) -> Float16[np.ndarray, "m c h w"]:
        """Some view of each photo of a batch: crops, a share of them not varied, then whole photos."""
        varied = rng.integers(CROP + 1, CROP + 1 + self.varied_crops, len(batch.photos))
        crops = np.where(rng.random(len(batch.photos)) < clean_share, CROP, varied)
        whole = np.array([WHOLE, *range(CROP + 1 + self.varied_crops, self.values.shape[1])], np.int64)
        views = np.concatenate([crops, rng.choice(whole, len(batch.wholes))])
        return self.values[np.concatenate([batch.photos, batch.wholes]), views]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Photos of some animals of one data set.

    Attributes:
        photos: rows of those whose crops are told apart.
        animals: of these.
        wholes: rows of those that are seen whole.
    """

    photos: Int64[np.ndarray, " m"]
    animals: Int64[np.ndarray, " m"]
    wholes: Int64[np.ndarray, " w"]


class Sampler:
    """Draws batches; a data set is drawn in proportion to the root of its photos.

    Args:
        labels: of all photos.
        rows: photos that may be drawn; those of animals with a single one are passed over.
        recipe: sizes of a batch.

    Raises:
        DatasetError: no data set has three animals of two photos.
    """

    def __init__(self, labels: Labelled, rows: Int64[np.ndarray, " m"], recipe: Recipe) -> None:
        self._labels, self._recipe = labels, recipe
        pools = [_photos_of(labels, rows[labels.sets[rows] == s]) for s in np.unique(labels.sets[rows])]
        self._pools = [pool for pool in pools if len(pool) >= _LEAST_ANIMALS]
        if not self._pools:
            raise DatasetError(
                f"expected a data set with {_LEAST_ANIMALS} animals of two photos or more, got none; "
                "a network is tuned by telling the animals of one set apart"
            )
        sizes = np.sqrt([sum(len(photos) for photos in pool) for pool in self._pools])
        self._shares = sizes / sizes.sum()

    def draw(self, rng: np.random.Generator) -> Batch:
        """A batch."""
        recipe = self._recipe
        pool = self._pools[rng.choice(len(self._pools), p=self._shares)]
        chosen = rng.choice(len(pool), min(recipe.animals, len(pool)), replace=False)
        picked = [rng.choice(pool[a], min(recipe.photos, len(pool[a])), replace=False) for a in chosen]
        photos = np.concatenate(picked)
        wholes = rng.choice(photos, min(recipe.wholes, len(photos)), replace=False)
        return Batch(photos, self._labels.animals[photos], wholes)


def deal_sets(photos: Mapping[str, int], folds: int) -> dict[str, int]:
    """Deal data sets to folds: the largest first, each to the fold with the fewest photos.

    Args:
        photos: number of each data set's photos.
        folds: how many; no more than there are sets.

    Raises:
        DatasetError: there is only one data set.
    """
    if len(photos) < _LEAST_SETS:
        raise DatasetError(
            f"expected at least {_LEAST_SETS} data sets, since each is embedded by a network tuned without "
            f"it; got {', '.join(photos) or 'none'}; divide your animals over two folders"
        )
    load = [0] * min(folds, len(photos))
    dealt = {}
    for name in sorted(photos, key=lambda name: (-photos[name], name)):
        fold = load.index(min(load))
        dealt[name] = fold
        load[fold] += photos[name]
    return dealt


def left_out_rows(
    labels: Labelled, rows: Int64[np.ndarray, " m"], share: float, rng: np.random.Generator
) -> Int64[np.ndarray, " k"]:
    """Photos of a share of the animals of each data set; none where that is fewer than two to tell apart."""
    kept = []
    for data_set in np.unique(labels.sets[rows]):
        animals = np.unique(labels.animals[rows[labels.sets[rows] == data_set]])
        count = int(share * len(animals))
        kept.append(rng.permutation(animals)[: count if count >= _LEAST_LEFT_OUT else 0])
    chosen = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    return rows[np.isin(labels.animals[rows], chosen)]


def told_apart(vectors: Float[np.ndarray, "n d"], animals: Int64[np.ndarray, " n"]) -> float:
    """How often two photos of one animal are more alike than two of different ones, by cosine (AUC).

    0.5 where there are no two such pairs.
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _LEAST_LENGTH)
    upper = np.triu_indices(len(vectors), 1)
    alike, same = (unit @ unit.T)[upper], (animals[:, None] == animals)[upper]
    pairs, own = len(same), int(same.sum())
    if own in {0, pairs}:
        return _CHANCE
    wins = rankdata(alike)[same].sum() - own * (own + 1) / 2
    return float(wins / (own * (pairs - own)))


def _photos_of(labels: Labelled, rows: Int64[np.ndarray, " m"]) -> list[Int64[np.ndarray, " k"]]:
    groups = [rows[labels.animals[rows] == animal] for animal in np.unique(labels.animals[rows])]
    return [photos for photos in groups if len(photos) > 1]
