"""``sploot-clustering model``: look into a model package, and check it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.bootstrap import load_model
from sploot_media_clustering.entrypoints.cli.checks import print_checks
from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.settings import Settings, from_environment

app = typer.Typer(help="Look into a model package, and check it.", no_args_is_help=True)

_WHICH = "Folder of a model package; default the one that SPLOOT_MODEL names, else the built-in one."
Folder = Annotated[Path | None, typer.Argument(help=_WHICH)]
Model = Annotated[Path | None, typer.Option("--model", help="The same, as other commands take it.")]


def _settings(model: Path | None) -> Settings:
    settings = from_environment()
    return replace(settings, model=model or settings.model)


@app.command()
def show(folder: Folder = None, model: Model = None) -> None:
    """Show what a model package is made of: files, licences, origins, sizes, thresholds.

    Example:

        sploot-clustering model show
    """
    package = load_model(_settings(folder or model))
    manifest = package.manifest
    out.print(
        f"[bold]{escape(manifest.name)}[/] {escape(manifest.version)}\n{escape(str(package.folder))}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("file", "kB", "licence", "origin"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "kB" else "left")
    for file in manifest.files:
        size_kb = (package.folder / file.path).stat().st_size / 1000
        table.add_row(escape(file.path), f"{size_kb:.0f}", escape(file.licence), escape(file.origin))
    out.print(table)


@app.command("verify")
def verify_package(
    folder: Folder = None,
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one check a line.")] = False,
) -> None:
    """Check a model package: checksums, shapes, canary vectors, heads, and where its networks run.

    Networks run on the best of TensorRT, CUDA, OpenVINO and the CPU that is there and computes the canary as
    it should; SPLOOT_PROVIDERS=cpu, or another list, names places. Ends with 1 where a check fails, with 4
    where a file is not what the manifest says.

    Example:

        sploot-clustering model verify my-package
    """
    settings = _settings(folder or model)
    if not print_checks(load_model(settings), settings.execution, as_json=as_json):
        raise typer.Exit(1)
