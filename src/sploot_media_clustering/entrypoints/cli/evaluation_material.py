"""What all evaluations take: labelled photos, embedded, and the options of protocols."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering.bootstrap import open_engine
from sploot_media_clustering.entrypoints.cli.console import err
from sploot_media_clustering.entrypoints.cli.labelled import data_sets_of, embedded
from sploot_media_clustering.evaluation.darkroom import Darkroom
from sploot_media_clustering.evaluation.material import Material
from sploot_media_clustering.settings import from_environment

Draws = Annotated[
    int | None, typer.Option(min=1, help="Households, animals or pairs of each set; default: as documented.")
]
Baseline = Annotated[
    Path | None,
    typer.Option(help="End with 1 where a figure is worse than in this file by more than its tolerance."),
]


@contextmanager
def opened(
    folders: list[Path] | None, without: Collection[str] = (), *, as_is: bool = False
) -> Iterator[Material]:
    """The labelled photos of some folders, embedded, and all that protocols need."""
    data_sets = tuple(one for one in data_sets_of(folders or []) if one.name not in without)
    with open_engine(from_environment()) as engine:
        files = engine.parts.package.manifest.files
        yield Material(
            data_sets=data_sets,
            embeddings=embedded(engine.parts, data_sets),
            heads=engine.heads,
            fitted_on=frozenset(word for file in files for word in re.findall(r"[\w-]+", file.origin)),
            darkroom=Darkroom(engine.parts.decoder, engine.embedding.embed_one),
            progress=say,
            as_is=as_is,
        )


def say(what: str) -> None:
    """What is being done."""
    err.print(f"{what} ...", style="dim")
