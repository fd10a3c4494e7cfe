"""``sploot-clustering train``: fit heads on labelled photos, into a new model package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering.adapters.package_heads import write_with_heads
from sploot_media_clustering.bootstrap import open_embedding
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.labelled import data_sets_of, embedded
from sploot_media_clustering.services.manifest import Reference
from sploot_media_clustering.settings import from_environment
from sploot_media_clustering.training.heads import QUANTILES, fit_heads, reference_statistics, training_data

app = typer.Typer(help="Fit heads on labelled photos.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Fit heads on labelled photos."""


@app.command()
def heads(
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Data sets, or folders of data sets; default: the folder that SPLOOT_DATA names."
        ),
    ] = None,
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model package.")] = Path(
        "model"
    ),
    model: Annotated[
        Path | None, typer.Option(help="Package whose networks are used; default the built-in one.")
    ] = None,
) -> None:
    """Fit every head on labelled photos, and write a model package with them.

    Identity is learned from who is on the photos (index.csv, or a folder for each animal); looks, attributes
    and heroes from ratings.csv. No photo goes into the package.

    Example:

        sploot-clustering train heads ~/labelled --out my-package

        sploot-clustering cluster ~/Pictures --model my-package
    """
    settings = from_environment()
    data_sets = data_sets_of(data or [])
    with open_embedding(replace(settings, model=model or settings.model)) as parts:
        embeddings = embedded(parts, data_sets)
        err.print("Fitting heads ...", style="dim")
        fitting = training_data(data_sets, embeddings)
        fitted = fit_heads(fitting, version=parts.package.network_version)
        names = ", ".join(data_set.name for data_set in data_sets)
        photos = len(fitting.vectors.keys)
        package = write_with_heads(
            parts.package,
            fitted,
            origin=f"fitted on {photos} labelled photos of the sets {names} by 'train heads'",
            reference=Reference(
                photos=len(embeddings),
                quantiles=QUANTILES,
                statistics=reference_statistics(list(embeddings.values())),
            ),
            out=out_folder,
        )
    out.print(
        f"{package.folder}: heads fitted on {photos} photos of {len(fitting.vectors.animal_names)} animals"
    )
