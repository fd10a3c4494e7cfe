"""``sploot-clustering doctor``: what is installed, what it can do, and whether it is whole."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from typing import Final

import onnxruntime
import typer
from rich.table import Table

from sploot_media_clustering import __version__
from sploot_media_clustering.adapters.model_package import verify
from sploot_media_clustering.bootstrap import load_model
from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.settings import from_environment

_PARTS: Final = ("numpy", "scipy", "onnxruntime", "pillow", "pillow-heif", "fsspec", "msgspec", "zstandard")
_EXTRAS: Final = {
    "s3fs": "s3",
    "gcsfs": "gcs",
    "aiohttp": "http",
    "torch": "training",
    "sklearn": "evaluation",
}


def doctor() -> None:
    """Check the installation: versions, extras, execution providers, the model package.

    Ends with 1 where something needs mending, and says what to do.
    """
    settings = from_environment()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("sploot-media-clustering", __version__)
    table.add_row("Python", f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores")
    for part in _PARTS:
        table.add_row(part, importlib.metadata.version(part))
    for module, extra in _EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        table.add_row(
            module, "installed" if there else f"not installed; pip install 'sploot-media-clustering[{extra}]'"
        )
    table.add_row("execution providers", ", ".join(onnxruntime.get_available_providers()))
    table.add_row("embedding cache", settings.cache)
    package = load_model(settings)
    table.add_row("model package", f"{package.manifest.name} {package.manifest.version}")
    out.print(table)
    checks = verify(package)
    for check in checks:
        out.print(f"{'[green]ok[/]' if check.passed else '[red]failed[/]'}  {check.name}: {check.detail}")
    if not all(check.passed for check in checks):
        raise typer.Exit(1)
