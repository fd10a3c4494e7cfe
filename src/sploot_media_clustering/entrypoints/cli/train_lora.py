"""The work of ``sploot-clustering train lora``: a package of a recipe's network, tuned by LoRA, resumably."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import numpy as np
from jaxtyping import Float32, UInt8

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.preparation import split_signs
from sploot_media_clustering.bootstrap import EmbeddingParts
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.heads import root
from sploot_media_clustering.entrypoints.cli.console import err, tracked
from sploot_media_clustering.entrypoints.cli.torch_export import Told, export_source
from sploot_media_clustering.entrypoints.cli.train_embedder import (
    CURVES_FILE,
    TunedPackage,
    curves_of,
    digest_of,
    embedded_again,
    photo_opener,
    say_look,
    tuning_photos,
    watched_steps,
)
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.parity import same_animal_auc
from sploot_media_clustering.training import torch_source
from sploot_media_clustering.training.cross_fitting import Run
from sploot_media_clustering.training.embedder_sampling import Recipe, deal_sets
from sploot_media_clustering.training.extras import require_extra
from sploot_media_clustering.training.labelled import DataSet
from sploot_media_clustering.training.pixel_views import PixelViews, pixel_views
from sploot_media_clustering.training.torch_export import check_fits
from sploot_media_clustering.training.torch_recipes import TorchRecipe
from sploot_media_clustering.training.torch_source import Source, open_source
from sploot_media_clustering.training.tuned_weights import Weights
from sploot_media_clustering.training.tuning_method import Method

if TYPE_CHECKING:
    from sploot_media_clustering.training.embedder_tuning import Tuned

DeviceName = Literal["auto", "cpu", "cuda"]

PICTURE_FILE: Final = "tuning.png"
NEEDED: Final = (*torch_source.NEEDED, "peft", "matplotlib")
"""Modules of the extra ``lora``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraTuning:
    """What is asked for.

    Attributes:
        recipe: of the network.
        export: how it is opened, and written when it is tuned.
        method: what of it is tuned.
        folds: of data sets.
        strength: from 0, the original weights, to 1, the tuned ones.
        steps: how each fold is tuned.
        device: where.
        out: folder of the new package.
        work: folder where views and folds are kept, so that an interrupted run is gone on with.
    """

    recipe: TorchRecipe
    export: Told
    method: Method
    folds: int
    strength: float
    steps: Recipe
    device: DeviceName
    out: Path
    work: Path


def check_extra() -> None:
    """Before anything that an extra brings is read.

    Raises:
        MissingExtraError: the extra ``lora`` is not installed.
    """
    require_extra("lora", NEEDED)


def opened_source(tuning: LoraTuning) -> Source:
    """The network, and a look at whether all of it will go well, before photos are embedded.

    Raises:
        ConfigurationError: there are no weights, or not those; it can't be written so; there is no GPU.
    """
    err.print(f"Building {tuning.recipe.name} ...", style="dim", markup=False)
    source = open_source(tuning.recipe, tuning.export.weights, random_weights=tuning.export.random_weights)
    check_fits(source, tuning.recipe, to=tuning.export.to, precision=tuning.export.precision)
    device_of(tuning.device)
    return source


def device_of(name: DeviceName) -> str:
    """Where to tune.

    Raises:
        ConfigurationError: it was asked for, and there is none.
    """
    import torch  # noqa: PLC0415 - an installation without the extra reads this module too

    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ConfigurationError("expected a GPU that PyTorch finds, got none; use --device cpu")
    return "cuda" if there and name != "cpu" else "cpu"


def lora_package(
    parts: EmbeddingParts,
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    source: Source,
    tuning: LoraTuning,
) -> TunedPackage:
    """Tune without each fold, write the package of their mean, embed every photo by its fold's network.

    Args:
        parts: of the package whose detector found the animals.
        data_sets: labelled photos.
        embeddings: by key, for the animals' places.
        source: from :func:`opened_source`; it can't be used any more after that.
        tuning: what is asked for.
    """
    from sploot_media_clustering.training.torch_methods import put  # noqa: PLC0415 - as above
    from sploot_media_clustering.training.tuned_weights import averaged  # noqa: PLC0415

    opens, photos = photo_opener(parts, data_sets), tuning_photos(data_sets, embeddings)
    folds = deal_sets({one.name: len(one.photos) for one in data_sets}, tuning.folds)
    work = tuning.work / digest_of([(p.key, p.animal, astuple(p.box)) for p in photos])
    watch = partial(tracked, total=len(photos), what="Views")
    views = pixel_views(photos, opens, tuning.recipe.input_px, work, watch=watch)
    sets = [photo.data_set for photo in photos]
    tuned, ways = _ways(source, tuning, views, [folds[one] for one in sets], work)
    runs = [_run(source, way, tuning) for way in ways]
    run_of_set = {name: runs[fold] for name, fold in folds.items()}
    gains = _gains(views, sets, _run(source, {}, tuning), run_of_set)
    put(source.module, averaged(ways))
    named = replace(source, origin=f"{source.origin}; {_told(tuning, len(photos), folds)}")
    package = export_source(
        replace(tuning.recipe, name=f"{tuning.recipe.name}-tuned"), named, tuning.export, tuning.out
    )
    _write_curves(tuning, {**curves_of(folds, tuned), "sets": gains})
    if (preparation := package.manifest.embedder.preparation) and preparation.split_signs:
        run_of_set = {name: partial(_by_sign, run) for name, run in run_of_set.items()}
    return TunedPackage(package, embedded_again(package, run_of_set, data_sets, embeddings, opens))


def _ways(
    source: Source, tuning: LoraTuning, views: PixelViews, fold_of_row: Sequence[int], work: Path
) -> tuple[list[Tuned], list[Weights]]:
    """Each fold as it was tuned, and all its weights at the strength that is asked for."""
    from sploot_media_clustering.training.fold_tuning import tune_folds  # noqa: PLC0415 - as above
    from sploot_media_clustering.training.torch_methods import weights_of  # noqa: PLC0415
    from sploot_media_clustering.training.torch_tuning import TorchTuning  # noqa: PLC0415
    from sploot_media_clustering.training.tuned_weights import interpolated  # noqa: PLC0415

    def untuned() -> TorchTuning:
        share, device = tuning.steps.clean_share, device_of(tuning.device)
        return TorchTuning(source.module, tuning.recipe, tuning.method, views, share, device=device)

    told = (astuple(tuning.recipe), source.origin, astuple(tuning.method), asdict(tuning.steps), fold_of_row)
    tuned = tune_folds(
        untuned,
        np.array(fold_of_row),
        tuning.steps,
        cache=work / digest_of(*told),
        progress=say_look,
        watch=watched_steps,
    )
    original, merging = weights_of(source.module), untuned()
    return tuned, [interpolated(original, merging.merged(one.weights), tuning.strength) for one in tuned]


def _run(source: Source, weights: Weights, tuning: LoraTuning) -> Run:
    """The network with some weights replaced, by itself."""
    from sploot_media_clustering.training.torch_methods import put  # noqa: PLC0415 - as above
    from sploot_media_clustering.training.torch_tuning import TorchNetwork  # noqa: PLC0415

    module = deepcopy(source.module)
    put(module, weights)
    return TorchNetwork(module, tuning.recipe, device_of(tuning.device)).embed


def _by_sign(run: Run, views: UInt8[np.ndarray, "n s s 3"]) -> Float32[np.ndarray, "n e"]:
    """As the package gives out what has negative numbers too."""
    return split_signs(run(views))


def _gains(
    views: PixelViews, sets: Sequence[str], before: Run, run_of_set: Mapping[str, Run]
) -> dict[str, dict[str, float | None]]:
    """How often animals are told apart in each set, before, and by the network that never saw it."""
    gains = {}
    for name in tracked(sorted(run_of_set), len(run_of_set), "Sets left out"):
        rows = np.flatnonzero(np.array(sets) == name)
        runs = {"before": before, "after": run_of_set[name]}
        gains[name] = {
            when: same_animal_auc(root(split_signs(run(views.crops[rows]))), views.animals[rows])
            for when, run in runs.items()
        }
    return gains


def _told(tuning: LoraTuning, photos: int, folds: Mapping[str, int]) -> str:
    method = tuning.method
    how = {"lora": f"LoRA of rank {method.rank}", "blocks": f"its last {method.blocks} blocks"}
    return (
        f"tuned ({how.get(method.name, 'all weights')}, strength {tuning.strength:g}) on {photos} photos of "
        f"the sets {', '.join(sorted(folds))} by 'train lora'"
    )


def _write_curves(tuning: LoraTuning, curves: Mapping[str, Any]) -> None:
    from sploot_media_clustering.training.tuning_plot import drawn  # noqa: PLC0415 - as above

    write_atomically(tuning.out / CURVES_FILE, msgspec.json.format(msgspec.json.encode(curves)))
    write_atomically(tuning.out / PICTURE_FILE, drawn(curves))
    for name, gain in curves["sets"].items():
        err.print(
            f"{name}: two photos of one animal are closer than two of different ones {gain['before']} of the "
            f"time before, {gain['after']} by a network tuned without it",
            markup=False,
            style="dim",
        )
