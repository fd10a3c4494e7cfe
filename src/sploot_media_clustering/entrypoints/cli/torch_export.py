"""The work of ``model export`` for a named recipe: build, load, write, compare, package."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Int64, UInt8

from sploot_media_clustering.adapters.model_package import ModelPackage, default_package
from sploot_media_clustering.adapters.package_export import Embed, export_network
from sploot_media_clustering.bootstrap import open_embedding
from sploot_media_clustering.domain.album import WHOLE
from sploot_media_clustering.entrypoints.cli.console import err, tracked
from sploot_media_clustering.entrypoints.cli.labelled import data_sets_of
from sploot_media_clustering.errors import DatasetError, UnreadablePhotoError
from sploot_media_clustering.services.manifest import Parity, Precision
from sploot_media_clustering.services.network_recipe import NetworkRecipe
from sploot_media_clustering.services.parity import compared, drawn_pictures
from sploot_media_clustering.settings import from_environment
from sploot_media_clustering.training.torch_export import (
    INPUT,
    OUTPUT,
    Format,
    check_fits,
    source_vectors,
    write_network,
)
from sploot_media_clustering.training.torch_recipes import TorchRecipe
from sploot_media_clustering.training.torch_source import Source, open_source

MOST_PHOTOS: Final = 200
"""Their pairs give an area under the curve to some thousandths."""
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What was asked for.

    Attributes:
        to: format of the network's file.
        precision: of its weights.
        weights: file of them; None: from the hub.
        random_weights: none at all.
        photos: data sets to compare on; none: on drawn pictures.
    """

    to: Format
    precision: Precision
    weights: Path | None
    random_weights: bool
    photos: tuple[Path, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    views: UInt8[np.ndarray, "n s s 3"]
    animals: Int64[np.ndarray, " n"] | None


def export_named(recipe: TorchRecipe, told: Told, out_folder: Path) -> ModelPackage:
    """A package of a network that open_clip or timm build; see ``model export``.

    Raises:
        MissingExtraError: the extra ``recipes`` is not installed.
        ConfigurationError: there are no weights, or not those; the export differs from its source.
    """
    _say(f"Building {recipe.name}")
    source = open_source(recipe, told.weights, random_weights=told.random_weights)
    return export_source(recipe, source, told, out_folder)


def export_source(recipe: TorchRecipe, source: Source, told: Told, out_folder: Path) -> ModelPackage:
    """A package of an open network, which can't be used any more after that; see ``model export``.

    Raises:
        ConfigurationError: the export differs from its source.
    """
    check_fits(source, recipe, to=told.to, precision=told.precision)
    pictures = _pictures(recipe.input_px, told.photos)
    _say(f"Its vectors of {len(pictures.views)} pictures")
    expected = source_vectors(source, recipe, pictures.views)

    def prove(embed: Embed) -> Parity:
        _say("Comparing")
        return compared(
            expected,
            embed(pictures.views),
            precision=told.precision,
            random_weights=source.random_weights,
            animals=pictures.animals,
        )

    out_folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_folder.absolute().parent, prefix=".export-") as folder:
        _say(f"Writing {told.to}, {told.precision}")
        file = write_network(source, recipe, to=told.to, precision=told.precision, folder=Path(folder))
        around = _around(recipe, told, source, file.name)
        return export_network(around, Path(folder), default_package(), out_folder, prove=prove)


def _around(recipe: TorchRecipe, told: Told, source: Source, file: str) -> NetworkRecipe:
    """What has to be done around the file that was written."""
    parts = [recipe.name, "random" if source.random_weights else "", told.precision.replace("fp32", "")]
    versions = ", ".join(f"{one} {import_module(one).__version__}" for one in ("torch", recipe.built_by))
    return NetworkRecipe(
        name="-".join(filter(None, parts)),
        network=file,
        input_px=recipe.input_px,
        mean=recipe.mean,
        deviation=recipe.deviation,
        input=INPUT if told.to == "onnx" else "",
        output=OUTPUT if told.to == "onnx" else "",
        licence=recipe.licence,
        origin=f"{recipe.built_by}'s {recipe.architecture}, {source.origin}; {told.to}, {told.precision}, "
        f"by {versions}",
    )


def _pictures(side_px: int, photos: tuple[Path, ...]) -> _Pictures:
    """Photos of one animal each, some of each data set; drawn ones where no photos were named."""
    if not photos:
        return _Pictures(drawn_pictures(side_px), None)
    known = [one for data_set in data_sets_of(photos) for one in data_set.photos if len(one.animals) == 1]
    chosen = np.random.default_rng(_SEED).permutation(len(known))[:MOST_PHOTOS]
    views, animals = [], []
    with open_embedding(from_environment()) as parts:
        for row in tracked(chosen, len(chosen), "Reading"):
            photo = known[row]
            try:
                picture = parts.decoder.decode(parts.source.read(str(photo.path)))
            except UnreadablePhotoError as error:
                err.print(f"Left out {photo.key}: {error}", markup=False)
                continue
            views.append(picture.view(WHOLE, side_px, side_px))
            animals.append(photo.animals[0])
    if not views:
        raise DatasetError(f"none of the {len(chosen)} photos of one animal could be read; name others")
    return _Pictures(np.stack(views), np.unique(animals, return_inverse=True)[1].astype(np.int64))


def _say(what: str) -> None:
    err.print(f"{what} ...", style="dim", markup=False)
