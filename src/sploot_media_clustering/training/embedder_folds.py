"""Cross-fitted tuning: every photo is embedded by a network that never saw its data set.

A head fitted on animals that the network was tuned on finds them tighter than animals to come will be, and
then splits those. Leaving out only the animal does not help: the network has learned the rooms and cameras of
its set. So whole data sets are dealt to folds, a network is tuned without each fold, and the photos of a fold
are embedded by that network; the network that is shipped has the mean of the folds' weights, close enough to
each of them for one head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from sploot_media_clustering.domain.album import WHOLE, PhotoEmbedding
from sploot_media_clustering.domain.detection import square_crop
from sploot_media_clustering.services.ports import Picture
from sploot_media_clustering.training.embedder_sampling import Recipe, TrunkFeatures
from sploot_media_clustering.training.embedder_tail import (
    Tail,
    averaged,
    interpolated,
    with_weights,
)
from sploot_media_clustering.training.embedder_trunk import Opens, Runner
from sploot_media_clustering.training.embedder_tuning import Look, Tuned, tune
from sploot_media_clustering.training.export_graph import Network

STRENGTH: Final = 0.5
"""How far to go from the original weights to the tuned ones: all the way tells cats apart better still, but
costs littermates of one breed."""
_LOOKS: Final = "looks"


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


def tune_folds(
    network: Network,
    features: TrunkFeatures,
    fold_of_row: Int64[np.ndarray, " n"],
    recipe: Recipe,
    *,
    cache: Path,
    device: str = "cpu",
    progress: Callable[[int, Look], None] = lambda _fold, _look: None,
) -> list[Tuned]:
    """Tune a network without each fold.

    Args:
        network: the original one.
        features: of the frozen layers.
        fold_of_row: of each photo.
        recipe: how.
        cache: folder of these photos, this network and this recipe; folds that are there are not done again.
        device: as PyTorch names it.
        progress: told fold and look.
    """
    tuned = []
    for fold in np.unique(fold_of_row).tolist():
        file = cache / f"fold-{fold}.npz"
        if (kept := _kept(file)) is None:
            rows = np.flatnonzero(fold_of_row != fold).astype(np.int64)
            tail = Tail(network, device=device)
            kept = tune(tail, features, rows, recipe, seed=fold, progress=partial(progress, fold))
            _keep(file, kept)
        tuned.append(kept)
    return tuned


def tuned_networks(
    network: Network, fold_of_set: Mapping[str, int], tuned: Sequence[Tuned], *, strength: float = STRENGTH
) -> FoldTuning:
    """The networks of the folds, and the one to ship.

    Args:
        network: the original one.
        fold_of_set: the fold in which each data set was left out.
        tuned: from :func:`tune_folds`.
        strength: from 0, the original weights, to 1, the tuned ones.
    """
    original = Tail(network).weights
    ways = [interpolated(original, one.weights, strength) for one in tuned]
    return FoldTuning(
        fold_of_set=fold_of_set,
        networks=tuple(with_weights(network, way) for way in ways),
        final=with_weights(network, averaged(ways)),
    )


def cross_fitted(
    tuning: FoldTuning,
    embeddings: Mapping[str, PhotoEmbedding],
    data_set_of: Mapping[str, str],
    opens: Opens,
    *,
    network_version: str,
    threads: int = 0,
) -> Iterator[PhotoEmbedding]:
    """Embed photos, each by the network that was tuned without its data set; the sightings stay.

    Args:
        tuning: of these data sets; photos of others are embedded by the final network.
        embeddings: by key, of the original network.
        data_set_of: name of each photo's set, by key.
        opens: a photo by its key.
        network_version: of the package that heads fitted on these go into.
        threads: that the networks may use; 0: all there are.
    """
    runners = [Runner(network, threads=threads) for network in tuning.networks]
    final = Runner(tuning.final, threads=threads)
    side_px = tuning.final.input_px
    for key, photo in embeddings.items():
        fold = tuning.fold_of_set.get(data_set_of[key])
        run = final if fold is None else runners[fold]
        yield re_embedded(photo, run(product_views(opens(key), photo, side_px)), network_version)


def product_views(picture: Picture, photo: PhotoEmbedding, side_px: int) -> UInt8[np.ndarray, "v s s 3"]:
    """The views that the product embeds: the whole photo and a crop of each sighting."""
    aspect = picture.size_px[0] / picture.size_px[1]
    places = [WHOLE, *(square_crop(sighting.box, aspect) for sighting in photo.sightings)]
    return np.stack([picture.view(place, side_px, side_px) for place in places])


def re_embedded(
    photo: PhotoEmbedding, vectors: Float32[np.ndarray, "v e"], network_version: str
) -> PhotoEmbedding:
    """The photo with other embeddings of its :func:`product_views`."""
    whole, *crops = vectors.astype(np.float16)
    sightings = tuple(
        replace(sighting, embedding=crop) for sighting, crop in zip(photo.sightings, crops, strict=True)
    )
    return replace(photo, embedding=whole, sightings=sightings, network_version=network_version)


def _keep(file: Path, tuned: Tuned) -> None:
    """Written beside its place and renamed, so that a half-written fold does not count as done."""
    file.parent.mkdir(parents=True, exist_ok=True)
    looks = np.array([(look.step, look.loss, look.distance, look.told_apart) for look in tuned.looks])
    beside = file.with_suffix(".part.npz")
    arrays: dict[str, Any] = {_LOOKS: looks, **tuned.weights}
    np.savez(beside, **arrays)
    beside.replace(file)


def _kept(file: Path) -> Tuned | None:
    if not file.is_file():
        return None
    with np.load(file) as arrays:
        looks = tuple(Look(int(step), *map(float, rest)) for step, *rest in arrays[_LOOKS])
        return Tuned({name: arrays[name] for name in arrays.files if name != _LOOKS}, looks)
