"""``sploot-clustering doctor``: what is installed, what it can do, and whether it is whole."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Iterator
from typing import Final

import onnxruntime
import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering import __version__
from sploot_media_clustering.adapters.filesystems import shown
from sploot_media_clustering.adapters.model_package import Check
from sploot_media_clustering.bootstrap import load_model
from sploot_media_clustering.entrypoints.cli.checks import print_check, print_checks
from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.settings import Settings, from_environment

_PARTS: Final = ("numpy", "scipy", "onnxruntime", "pillow", "pillow-heif", "fsspec", "msgspec", "zstandard")
_EXTRAS: Final = {
    "s3fs": "s3",
    "gcsfs": "gcs",
    "aiohttp": "http",
    "cryptography": "signing",
    **dict.fromkeys(("fastapi", "httpcore", "prometheus_client", "redis", "uvicorn"), "service"),
    "mlflow": "mlflow",
    "ray": "ray",
    "opentelemetry.sdk": "tracing",
    "torch": "training",
    "sklearn": "evaluation",
}


def doctor() -> None:
    """Check the installation: versions, extras, execution providers, the model package.

    Ends with 1 where something needs mending, and says what to do.

    Example:

        sploot-clustering doctor
    """
    settings = from_environment()
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, found in (*_versions(), *_extras()):
        table.add_row(name, escape(found))
    table.add_row("execution providers", ", ".join(onnxruntime.get_available_providers()))
    table.add_row("embedding cache", escape(shown(settings.cache)))
    table.add_row("embedder", escape(settings.embedder_url or "in this process"))
    out.print(table)
    if not _model_is_well(settings):
        raise typer.Exit(1)


def _versions() -> Iterator[tuple[str, str]]:
    yield "sploot-media-clustering", __version__
    yield "Python", f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"
    for part in _PARTS:
        yield part, importlib.metadata.version(part)


def _extras() -> Iterator[tuple[str, str]]:
    for module, extra in _EXTRAS.items():
        there = _is_there(module)
        yield (
            module,
            "installed" if there else f"not installed; pip install 'sploot-media-clustering[{extra}]'",
        )


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False


def _model_is_well(settings: Settings) -> bool:
    try:
        package = load_model(settings)
    except ModelPackageError as error:
        print_check(Check("model package", passed=False, detail=str(error)))
        return False
    out.print(f"model package {escape(package.manifest.name)} {escape(package.manifest.version)}")
    return print_checks(package, settings.execution)
