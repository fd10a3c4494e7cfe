"""Networks of cross-fitted tunings of the built-in embedder: one of each fold, and the one to ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sploot_media_clustering.training.embedder_tail import Tail, with_weights
from sploot_media_clustering.training.embedder_tuning import Tuned
from sploot_media_clustering.training.export_graph import Network
from sploot_media_clustering.training.tuned_weights import averaged, interpolated

STRENGTH: Final = 0.5
"""How far to go from the original weights to the tuned ones: all the way tells cats apart better still, but
costs littermates of one breed."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldTuning:
    """What cross-fitted tuning gives.

    Attributes:
        fold_of_set: the fold in which each data set was left out.
        networks: tuned without each fold.
        final: of the mean of the folds' weights.
    """

    fold_of_set: Mapping[str, int]
    networks: tuple[Network, ...]
    final: Network


def tuned_networks(
    network: Network, fold_of_set: Mapping[str, int], tuned: Sequence[Tuned], *, strength: float = STRENGTH
) -> FoldTuning:
    """The networks of the folds, and the one to ship.

    Args:
        network: the original one.
        fold_of_set: the fold in which each data set was left out.
        tuned: from :func:`~.fold_tuning.tune_folds`.
        strength: from 0, the original weights, to 1, the tuned ones.
    """
    original = Tail(network).weights
    ways = [interpolated(original, one.weights, strength) for one in tuned]
    return FoldTuning(
        fold_of_set=fold_of_set,
        networks=tuple(with_weights(network, way) for way in ways),
        final=with_weights(network, averaged(ways)),
    )
