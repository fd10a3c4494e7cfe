"""``sploot-clustering model``: look into a model package, and check it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sploot_media_clustering.adapters.model_package import verify
from sploot_media_clustering.bootstrap import load_model
from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.settings import Settings, from_environment

app = typer.Typer(help="Look into a model package, and check it.", no_args_is_help=True)

Model = Annotated[
    Path | None, typer.Option("--model", help="Folder of a model package; default the built-in one.")
]


def _settings(model: Path | None) -> Settings:
    settings = from_environment()
    return replace(settings, model=model or settings.model)


@app.command()
def show(model: Model = None) -> None:
    """Show what a model package is made of: files, licences, origins, sizes, thresholds.

    Example:

        sploot-clustering model show
    """
    package = load_model(_settings(model))
    manifest = package.manifest
    out.print(f"[bold]{manifest.name}[/] {manifest.version}\n{package.folder}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for heading in ("file", "kB", "licence", "origin"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "kB" else "left")
    for file in manifest.files:
        size_kb = (package.folder / file.path).stat().st_size / 1000
        table.add_row(file.path, f"{size_kb:.0f}", file.licence, file.origin)
    out.print(table)


@app.command("verify")
def verify_package(model: Model = None) -> None:
    """Check a model package: checksums, shapes, canary vectors. Ends with 1 where a check fails.

    Example:

        sploot-clustering model verify --model my-package
    """
    checks = verify(load_model(_settings(model)))
    for check in checks:
        out.print(f"{'[green]ok[/]' if check.passed else '[red]failed[/]'}  {check.name}: {check.detail}")
    if not all(check.passed for check in checks):
        raise typer.Exit(1)
