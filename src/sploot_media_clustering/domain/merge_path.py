"""The whole path of bottom-up merging: every partition that settling may stop at, whatever the concentration.

Log alpha is paid once for each component, so it shifts the gain of every merge alike and never changes which
merge comes next. One pass at log alpha 0 therefore serves all concentrations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from sploot_media_clustering.domain.expectations import ScaleSearch
from sploot_media_clustering.domain.groups import canonical
from sploot_media_clustering.domain.merging import Merging, merged_atoms
from sploot_media_clustering.domain.mixture import Prior, with_scale
from sploot_media_clustering.domain.partition import Items, log_posterior


@dataclass(frozen=True, slots=True, eq=False)
class MergePath:
    """One pass from the atoms to as few components as conflicts allow, at log alpha 0.

    Attributes:
        atoms: of each item.
        pairs: the two components of each merge, each named by the first atom in it; shape [m, 2].
        gains: of each merge in log posterior; shape [m].
        start: log posterior of the atoms, that of the scale included.
    """

    atoms: Int64[np.ndarray, " n"]
    pairs: Int64[np.ndarray, "m 2"]
    gains: Float64[np.ndarray, " m"]
    start: float

    def cut(self, log_concentration: float) -> tuple[int, float]:
        """How many merges are made under a concentration, and the log posterior after them."""
        gains = self.gains - log_concentration
        stops = np.flatnonzero(gains <= 0.0)
        merges = int(stops[0]) if len(stops) else len(gains)
        components = int(self.atoms.max(initial=-1)) + 1
        return merges, self.start + log_concentration * components + float(gains[:merges].sum())

    def labels(self, merges: int) -> Int64[np.ndarray, " n"]:
        """Component of each item after so many merges, numbered by first appearance."""
        atoms = int(self.atoms.max(initial=-1)) + 1
        return canonical(merged_atoms(atoms, self.pairs[:merges])[self.atoms])


def merge_paths(items: Items, prior: Prior, search: ScaleSearch) -> list[MergePath]:
    """One path for each scale of the grid; the prior's own concentration is left out."""
    free = replace(prior, log_concentration=0.0)
    photos = float(items.weights.sum())
    return [
        _merge_path(items, with_scale(free, within), search.log_prior(within, photos))
        for within in search.grid
    ]


def best_cut(paths: Sequence[MergePath], log_concentration: float) -> tuple[int, int]:
    """Which path, and how many of its merges, are most probable under a concentration."""
    cuts = [path.cut(log_concentration) for path in paths]
    best = max(range(len(cuts)), key=lambda i: cuts[i][1])
    return best, cuts[best][0]


def _merge_path(items: Items, prior: Prior, log_scale: float) -> MergePath:
    merging = Merging(items, prior)
    pairs, gains = [], []
    while (pair := merging.best_pair()) is not None:
        gains.append(float(merging.gain[pair]))
        pairs.append(merging.merge(*pair))
    return MergePath(
        atoms=items.atoms,
        pairs=np.array(pairs, np.int64).reshape(-1, 2),
        gains=np.array(gains, np.float64),
        start=log_posterior(items, items.atoms, prior) + log_scale,
    )
