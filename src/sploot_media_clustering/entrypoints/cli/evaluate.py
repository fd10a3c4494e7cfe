"""``sploot-clustering eval``: the figures of docs/evaluation.md, each by a command."""

from __future__ import annotations

from pathlib import Path

import typer

from sploot_media_clustering.entrypoints.cli import evaluation_report
from sploot_media_clustering.entrypoints.cli.evaluation_material import Baseline, Draws, opened
from sploot_media_clustering.entrypoints.cli.labelled import Data
from sploot_media_clustering.entrypoints.cli.outcomes import pass_or_leave, print_outcome
from sploot_media_clustering.evaluation.gate import checks, read_baseline
from sploot_media_clustering.evaluation.protocols import PROTOCOLS

app = typer.Typer(help="Measure on labelled photos, with what was fitted without them.", no_args_is_help=True)
app.command("all")(evaluation_report.everything)
app.command("gate")(evaluation_report.gate)
app.command("baseline")(evaluation_report.write_baseline)
app.command("embedders")(evaluation_report.embedders)


@app.command()
def identity(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Which animal: households of one set, by what was fitted without that set; one sighting a photo.

    Once without, and once with the number of animals being told.

    Example:

        sploot-clustering eval identity ~/labelled --draws 100
    """
    _run("identity", data, draws, baseline)


@app.command()
def animals(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Which animal: households of animals left out, others of their set being known; one sighting a photo.

    Example:

        sploot-clustering eval animals ~/labelled
    """
    _run("animals", data, draws, baseline)


@app.command("end-to-end")
def end_to_end(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Which animal, from the photos on: all detected sightings, extra subjects counted as errors.

    Example:

        sploot-clustering eval end-to-end ~/labelled
    """
    _run("end-to-end", data, draws, baseline)


@app.command()
def mixed(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Which animal: households of different sets, cats and dogs among them.

    Example:

        sploot-clustering eval mixed ~/labelled
    """
    _run("mixed", data, draws, baseline)


@app.command()
def rivals(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
    """Ours beside other ways to cluster the same vectors; needs the extra 'evaluation'.

    Example:

        sploot-clustering eval rivals ~/labelled
    """
    _run("rivals", data, draws, baseline)


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
def moments(data: Data = None, baseline: Baseline = None) -> None:
    """Moments beside the occasions that a person saw, with capture times and without.

    Example:

        sploot-clustering eval moments ~/labelled
    """
    _run("moments", data, None, baseline)


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


def _run(name: str, data: list[Path] | None, draws: int | None, baseline: Path | None) -> None:
    expected = read_baseline(baseline) if baseline else ()
    run, usual = PROTOCOLS[name]
    with opened(data) as material:
        outcomes = run(material, draws or usual)
    for outcome in outcomes:
        print_outcome(outcome)
    if baseline:
        pass_or_leave(checks(outcomes, expected, only={one.protocol for one in outcomes}))
