"""``model export``: a network of one's own made a model package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.package_export import export_network
from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.entrypoints.cli.model_registry import app
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.network_recipe import read_recipe

__all__ = ["app"]


@app.command()
def export(
    recipe: Annotated[Path, typer.Argument(help="TOML file that tells of the network; see docs/models.md.")],
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model package.")] = Path(
        "model"
    ),
) -> None:
    """Make a model package of a network of your own, ONNX or TorchScript, and the built-in detector.

    The network turns pictures into vectors; the recipe says what has to be done to the pictures. Heads are
    fitted next, on labelled photos. TorchScript is code, and it runs: export what you trust only.

    Example:

        sploot-clustering model export dinov2.toml --out dinov2

        sploot-clustering train heads ~/labelled --model dinov2 --out dinov2-fitted
    """
    try:
        told = recipe.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"expected a recipe at {recipe}, got: {error.strerror}") from error
    package = export_network(read_recipe(told), recipe.parent, default_package(), out_folder)
    entry = package.manifest.embedder
    out.print(
        f"{package.folder}: {package.network_version}, {entry.dimension} dimensions; next: "
        f"sploot-clustering train heads PHOTOS --model {package.folder} --out {package.folder}-fitted",
        markup=False,
        soft_wrap=True,
    )
    if entry.runtime == "torchscript":
        out.print(
            "It is code, and runs only where it is trusted: "
            f"export SPLOOT_TRUSTED_MODELS={package.manifest.file(entry.file).sha256}",
            markup=False,
            soft_wrap=True,
        )
