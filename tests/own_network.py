"""A package with a network of somebody's own, which embeds mean colours."""

from __future__ import annotations

from pathlib import Path

from onnx_writer import mean_network

from sploot_media_clustering.adapters.model_package import ModelPackage, default_package
from sploot_media_clustering.adapters.package_export import export_network
from sploot_media_clustering.services.network_recipe import NetworkRecipe


def own_package(folder: Path) -> ModelPackage:
    """A network of somebody's own, with the built-in one for the species."""
    recipe = NetworkRecipe(
        name="means",
        network="means.onnx",
        input_px=32,
        mean=(0.5, 0.5, 0.5),
        deviation=(0.1, 0.1, 0.1),
        licence="CC0-1.0",
        origin="made by the test",
    )
    (folder / recipe.network).write_bytes(mean_network(recipe.input_px))
    return export_network(recipe, folder, default_package(), folder / "package")
