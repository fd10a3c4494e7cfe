"""The work of ``sploot-clustering train embedder``: a model package with a tuned embedder, resumably."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from jaxtyping import UInt8

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.model_package import ModelPackage, load_package
from sploot_media_clustering.bootstrap import EmbeddingParts
from sploot_media_clustering.domain.album import WHOLE, PhotoEmbedding
from sploot_media_clustering.entrypoints.cli.console import err, tracked
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.training.cross_fitting import Run, cross_fitted, product_views
from sploot_media_clustering.training.embedder_sampling import Recipe, deal_sets
from sploot_media_clustering.training.extras import require_extra
from sploot_media_clustering.training.labelled import DataSet
from sploot_media_clustering.training.package import NEEDED
from sploot_media_clustering.training.tuning_photos import Opens, TuningPhoto

if TYPE_CHECKING:
    from sploot_media_clustering.training.embedder_tuning import Look, Tuned

CURVES_FILE: Final = "tuning.json"
CALIBRATION_PHOTOS: Final = 100
_SEED: Final = 0
_DIGITS: Final = 12
_PX_STEP: Final = 32
"""The network halves its input five times: at multiples of this it pads as it did in training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What is asked for.

    Attributes:
        folds: of data sets.
        strength: from 0, the original weights, to 1, the tuned ones.
        input_px: side of a view; None: as in the package that is started from.
        recipe: how each fold is tuned.
        out: folder of the new package.
        work: folder where features and folds are kept, so that an interrupted run is gone on with.
    """

    folds: int
    strength: float
    input_px: int | None
    recipe: Recipe
    out: Path
    work: Path


@dataclass(frozen=True, slots=True, eq=False)
class TunedPackage:
    """A package without heads, and what they are to be fitted on.

    Attributes:
        package: as written.
        embeddings: by key, each photo's by a network that was tuned without its data set.
    """

    package: ModelPackage
    embeddings: Mapping[str, PhotoEmbedding]


def check_can_tune(tuning: Tuning) -> None:
    """Before photos are embedded, which takes long.

    Raises:
        MissingExtraError: the extra ``training`` is not installed.
        ConfigurationError: the network can't be used at that size.
    """
    require_extra("training", NEEDED)
    if (tuning.input_px or 0) % _PX_STEP:
        raise ConfigurationError(
            f"expected --input-px to be a multiple of {_PX_STEP}, got {tuning.input_px}; try 224 or 256"
        )


def tuned_package(
    parts: EmbeddingParts,
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    tuning: Tuning,
) -> TunedPackage:
    """Tune without each fold, write the package of their mean, embed every photo by its fold's network."""
    # Not above: an installation without the extra reads this module too.
    from sploot_media_clustering.training.embedder_folds import tuned_networks  # noqa: PLC0415
    from sploot_media_clustering.training.embedder_package import write_with_embedder  # noqa: PLC0415
    from sploot_media_clustering.training.embedder_tail import Tail, TailTuning  # noqa: PLC0415
    from sploot_media_clustering.training.embedder_trunk import Runner, trunk_features  # noqa: PLC0415
    from sploot_media_clustering.training.export_embedder import embedder_network  # noqa: PLC0415
    from sploot_media_clustering.training.export_package import pretrained  # noqa: PLC0415
    from sploot_media_clustering.training.fold_tuning import tune_folds  # noqa: PLC0415

    opens = photo_opener(parts, data_sets)
    side_px = tuning.input_px or parts.package.manifest.embedder.input_px
    network = embedder_network(pretrained(), input_px=side_px)
    photos = tuning_photos(data_sets, embeddings)
    sizes = {data_set.name: len(data_set.photos) for data_set in data_sets}
    fold_of_set = deal_sets(sizes, tuning.folds)
    work = tuning.work / digest_of([(p.key, p.animal, astuple(p.box)) for p in photos], side_px)
    watch = partial(tracked, total=len(photos), what="Frozen layers")
    features = trunk_features(network, photos, opens, work, watch=watch)
    tuned = tune_folds(
        lambda: TailTuning(Tail(network), features, tuning.recipe.clean_share),
        np.array([fold_of_set[photo.data_set] for photo in photos]),
        tuning.recipe,
        cache=work / digest_of(asdict(tuning.recipe), sorted(fold_of_set.items())),
        progress=say_look,
        watch=watched_steps,
    )
    networks = tuned_networks(network, fold_of_set, tuned, strength=tuning.strength)
    err.print("8-bit arithmetic ...", style="dim")
    write_with_embedder(
        parts.package.manifest,
        parts.package.folder,
        networks.final,
        _calibration_views(embeddings, opens, side_px),
        origin=f"Tuned on {len(photos)} photos of the sets {', '.join(sizes)} by 'train embedder'.",
        out=tuning.out,
    )
    curves = msgspec.json.encode(curves_of(fold_of_set, tuned))
    write_atomically(tuning.out / CURVES_FILE, msgspec.json.format(curves))
    package = load_package(tuning.out)
    runners = [Runner(one) for one in networks.networks]
    run_of_set = {name: runners[fold] for name, fold in fold_of_set.items()}
    return TunedPackage(package, embedded_again(package, run_of_set, data_sets, embeddings, opens))


def embedded_again(
    package: ModelPackage,
    run_of_set: Mapping[str, Run],
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    opens: Opens,
) -> dict[str, PhotoEmbedding]:
    """Cross-fitted embeddings of all photos, by key."""
    again = cross_fitted(
        run_of_set,
        package.manifest.embedder.input_px,
        embeddings,
        {photo.key: data_set.name for data_set in data_sets for photo in data_set.photos},
        opens,
        network_version=package.network_version,
    )
    return {photo.image_id: photo for photo in tracked(again, len(embeddings), "Embedding again")}


def photo_opener(parts: EmbeddingParts, data_sets: Sequence[DataSet]) -> Opens:
    """Decodes the photo of a key."""
    paths = {photo.key: photo.path for data_set in data_sets for photo in data_set.photos}
    return lambda key: parts.decoder.decode(parts.source.read(str(paths[key])))


def tuning_photos(
    data_sets: Sequence[DataSet], embeddings: Mapping[str, PhotoEmbedding]
) -> list[TuningPhoto]:
    """Photos of one animal that could be read."""
    return [
        TuningPhoto(
            key=photo.key,
            animal=photo.animals[0],
            data_set=data_set.name,
            box=found[0].box if (found := embeddings[photo.key].sightings) else WHOLE,
            aspect=embeddings[photo.key].width_px / embeddings[photo.key].height_px,
        )
        for data_set in data_sets
        for photo in data_set.photos
        if len(photo.animals) == 1 and photo.key in embeddings
    ]


def _calibration_views(
    embeddings: Mapping[str, PhotoEmbedding], opens: Opens, side_px: int
) -> Iterator[UInt8[np.ndarray, "s s 3"]]:
    keys = sorted(embeddings)
    for place in np.random.default_rng(_SEED).permutation(len(keys))[:CALIBRATION_PHOTOS]:
        key = keys[place]
        yield from product_views(opens(key), embeddings[key], side_px)


def curves_of(fold_of_set: Mapping[str, int], tuned: Sequence[Tuned]) -> dict[str, Any]:
    """What a tuning's file tells: of each fold the sets left out, and every look."""
    return {
        "folds": [
            {
                "left_out": sorted(name for name, number in fold_of_set.items() if number == fold),
                "looks": [asdict(look) for look in one.looks],
            }
            for fold, one in enumerate(tuned)
        ]
    }


def watched_steps(fold: int, steps: range) -> Iterator[int]:
    """The steps of a fold, with a bar."""
    return tracked(steps, len(steps), f"Fold {fold + 1}")


def say_look(fold: int, look: Look) -> None:
    """How far a fold is."""
    err.print(
        f"fold {fold + 1}, step {look.step}: loss {look.loss:.3f}, distance {look.distance:.3f}, "
        f"animals left out told apart {look.told_apart:.3f} of the time",
        style="dim",
    )


def digest_of(*parts: object) -> str:
    """A short name for whatever these are, so that what is half done is of the same."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:_DIGITS]
