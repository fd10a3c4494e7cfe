"""``model export``, ``model recipes``: networks of others made model packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from sploot_media_clustering.adapters.model_package import ModelPackage, default_package
from sploot_media_clustering.adapters.package_export import export_network
from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.entrypoints.cli.model_registry import app
from sploot_media_clustering.entrypoints.cli.torch_export import Told, export_named
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.manifest import Precision
from sploot_media_clustering.services.network_recipe import read_recipe
from sploot_media_clustering.training.torch_export import Format
from sploot_media_clustering.training.torch_recipes import RECIPES, recipe_named

__all__ = ["app"]


@app.command()
def export(
    recipe: Annotated[
        str,
        typer.Argument(help="Name that 'model recipes' lists, or a TOML file about your network."),
    ],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model package.")] = Path(
        "model"
    ),
    to: Annotated[Format | None, typer.Option("--format", help="Of a named recipe; default onnx.")] = None,
    precision: Annotated[
        Precision | None, typer.Option("--precision", help="Of a named recipe's weights; default fp32.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help="Checkpoint of a named recipe; default: from the Hugging Face hub."),
    ] = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Leave it untrained, to try speed and memory alone.")
    ] = False,
    photos: Annotated[
        list[Path] | None,
        typer.Option("--photos", help="Labelled photos to compare on, and to measure what accuracy is lost."),
    ] = None,
) -> None:
    """Make a model package of a network and the built-in detector.

    A named recipe (extra 'recipes') is built by open_clip or timm, written as ONNX or TorchScript, and
    compared with what it was made from: the least cosine has to be .9999 for fp32, .999 for fp16, .99 for
    int8, and the figures go into the manifest. A checkpoint with a tensor too few or too many is refused.

    A network of your own is an ONNX or TorchScript file; its TOML file says what has to be done to the
    pictures. TorchScript is code, and it runs: export what you trust only. Heads are fitted next, on labelled
    photos.

    Examples:

        sploot-clustering model export dinov2-s --out dinov2

        sploot-clustering model export clip-vit-h-14 --precision fp16 --weights open_clip_model.safetensors

        sploot-clustering model export my-network.toml --out mine

        sploot-clustering train heads ~/labelled --model dinov2 --out dinov2-fitted
    """
    if not recipe.endswith(".toml"):
        told = Told(to or "onnx", precision or "fp32", weights, random_weights, tuple(photos or ()))
        _print(export_named(recipe_named(recipe), told, out_folder))
        return
    if to or precision or weights or random_weights or photos:
        raise ConfigurationError(
            "expected no option but --out beside a TOML file: the network that it names is taken as it is"
        )
    _print(_own(Path(recipe), out_folder))


@app.command()
def recipes(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one a line.")] = False) -> None:
    """Networks that 'model export' knows by name: size, dimension, licence.

    Example:

        sploot-clustering model recipes
    """
    if as_json:
        for recipe in RECIPES:
            typer.echo(msgspec.json.encode(asdict(recipe)).decode())
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("recipe", "million weights", "pixels", "dimensions", "licence", "commercial use"):
        table.add_column(heading)
    for one in RECIPES:
        sizes: Sequence[object] = (one.parameters_m, one.input_px, one.dimension)
        table.add_row(one.name, *map(str, sizes), one.licence, one.commercial)
    out.print(table)


def _own(recipe: Path, out_folder: Path) -> ModelPackage:
    try:
        told = recipe.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"expected a recipe at {recipe}, got: {error.strerror}") from error
    return export_network(read_recipe(told), recipe.parent, default_package(), out_folder)


def _print(package: ModelPackage) -> None:
    entry, parity = package.manifest.embedder, package.manifest.parity
    out.print(
        f"{package.folder}: {package.network_version}, {entry.dimension} dimensions; next: "
        f"sploot-clustering train heads PHOTOS --model {package.folder} --out {package.folder}-fitted",
        markup=False,
        soft_wrap=True,
    )
    if parity is not None:
        out.print(
            f"Least cosine to its source {parity.least_cosine:.5f}, mean {parity.mean_cosine:.5f}, of "
            f"{parity.pictures} {'drawn pictures' if parity.drawn else 'photos'}",
            markup=False,
        )
        if parity.source_auc is not None and parity.exported_auc is not None:
            out.print(
                f"Same animal or another, area under the curve: {parity.source_auc:.4f} of the source, "
                f"{parity.exported_auc:.4f} of the export",
                markup=False,
            )
        if parity.random_weights:
            out.print("Its weights are random: nothing but speed and memory can be learned from it.")
    if entry.runtime == "torchscript":
        out.print(
            "It is code, and runs only where it is trusted: "
            f"export SPLOOT_TRUSTED_MODELS={package.manifest.file(entry.file).sha256}",
            markup=False,
            soft_wrap=True,
        )
