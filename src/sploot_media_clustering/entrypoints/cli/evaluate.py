"""``sploot-clustering eval``: the figures of docs/evaluation.md, each by a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering.bootstrap import open_engine
from sploot_media_clustering.entrypoints.cli.console import err
from sploot_media_clustering.entrypoints.cli.labelled import Data, data_sets_of, embedded
from sploot_media_clustering.entrypoints.cli.outcomes import pass_or_leave, print_outcome
from sploot_media_clustering.evaluation.darkroom import Darkroom
from sploot_media_clustering.evaluation.gate import checks, read_baseline
from sploot_media_clustering.evaluation.material import Material
from sploot_media_clustering.evaluation.protocols import PROTOCOLS
from sploot_media_clustering.settings import from_environment

app = typer.Typer(help="Measure on labelled photos, with what was fitted without them.", no_args_is_help=True)

Draws = Annotated[
    int | None, typer.Option(min=1, help="Households, animals or pairs of each set; default: as documented.")
]
Baseline = Annotated[
    Path | None,
    typer.Option(help="End with 1 where a figure is worse than in this file by more than its tolerance."),
]


@app.command()
def identity(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Which animal: households of one set, by what was fitted without that set; one sighting a photo.

    Once without, and once with the number of animals being told.

    Example:

        sploot-clustering eval identity ~/labelled --draws 100
    """
    _run("identity", data, draws, baseline)


@app.command("end-to-end")
def end_to_end(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Which animal, from the photos on: all detected sightings, extra subjects counted as errors.

    Example:

        sploot-clustering eval end-to-end ~/labelled
    """
    _run("end-to-end", data, draws, baseline)


@app.command()
def foreign(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Intruders in one animal's album: how many are kept out, and how many own photos are lost.

    Example:

        sploot-clustering eval foreign ~/labelled
    """
    _run("foreign", data, draws, baseline)


@app.command()
def together(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Photos of two animals in the album of both: found, each with its own, never one subject.

    Example:

        sploot-clustering eval together ~/labelled
    """
    _run("together", data, draws, baseline)


@app.command()
def sightings(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """How well animals are found: in labelled photos, and in pairs of photos side by side.

    Example:

        sploot-clustering eval sightings ~/labelled
    """
    _run("sightings", data, draws, baseline)


@app.command()
def membership(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Do the probabilities that a photo is of its animal mean what they say?

    Example:

        sploot-clustering eval membership ~/labelled
    """
    _run("membership", data, draws, baseline)


@app.command()
def order(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """What the order of arrival could change, how many ids change when albums grow, and how they grow.

    Example:

        sploot-clustering eval order ~/labelled
    """
    _run("order", data, draws, baseline)


@app.command()
def corrections(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """How much a person has to say until an album is right, and what that breaks.

    Example:

        sploot-clustering eval corrections ~/labelled
    """
    _run("corrections", data, draws, baseline)


@app.command()
def pictures(data: Data = None, baseline: Baseline = None) -> None:
    """Looks and heroes, by heads fitted without the albums that are judged; the raters as the ceiling.

    Example:

        sploot-clustering eval pictures ~/labelled
    """
    _run("pictures", data, None, baseline)


@app.command()
def degraded(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Degraded copies mixed into albums: is the hero an untouched photo?

    Example:

        sploot-clustering eval degraded ~/labelled
    """
    _run("degraded", data, draws, baseline)


@app.command()
def words(data: Data = None, baseline: Baseline = None) -> None:
    """What is said: attributes, claims of labels and coats, by heads fitted without what is judged.

    Example:

        sploot-clustering eval words ~/labelled
    """
    _run("words", data, None, baseline)


@contextmanager
def opened(folders: list[Path] | None) -> Iterator[Material]:
    """The labelled photos of some folders, embedded, and all that protocols need."""
    data_sets = data_sets_of(folders or [])
    with open_engine(from_environment()) as engine:
        files = engine.parts.package.manifest.files
        yield Material(
            data_sets=data_sets,
            embeddings=embedded(engine.parts, data_sets),
            heads=engine.heads,
            fitted_on=frozenset(word for file in files for word in re.findall(r"[\w-]+", file.origin)),
            darkroom=Darkroom(engine.parts.decoder, engine.embedding.embed_one),
            progress=say,
        )


def say(what: str) -> None:
    """What is being done."""
    err.print(f"{what} ...", style="dim")


def _run(name: str, data: list[Path] | None, draws: int | None, baseline: Path | None) -> None:
    expected = read_baseline(baseline) if baseline else ()
    run, usual = PROTOCOLS[name]
    with opened(data) as material:
        outcomes = run(material, draws or usual)
    for outcome in outcomes:
        print_outcome(outcome)
    if baseline:
        pass_or_leave(checks(outcomes, expected, only={one.protocol for one in outcomes}))
