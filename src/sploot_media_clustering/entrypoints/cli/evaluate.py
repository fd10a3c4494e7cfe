"""``sploot-clustering eval``: the figures of docs/evaluation.md, each by a command."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering import __version__
from sploot_media_clustering.bootstrap import open_engine
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.labelled import Data, data_sets_of, embedded
from sploot_media_clustering.entrypoints.cli.outcomes import pass_or_leave, print_outcome
from sploot_media_clustering.evaluation.darkroom import Darkroom
from sploot_media_clustering.evaluation.gate import baseline_of, checks, read_baseline
from sploot_media_clustering.evaluation.material import Material
from sploot_media_clustering.evaluation.page import markdown, rendered
from sploot_media_clustering.evaluation.protocols import PROTOCOLS, run_all
from sploot_media_clustering.evaluation.results import RESULTS, Results, encoded, read_results
from sploot_media_clustering.evaluation.summary import summary_of
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


@app.command("all")
def everything(
    data: Data = None,
    destination: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "evaluation"
    ),
    only: Annotated[
        list[str] | None, typer.Option(help="Only this protocol; may be repeated. Commands are their names.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A data set to leave out; may be repeated.")
    ] = None,
    draws: Draws = None,
    baseline: Baseline = None,
) -> None:
    """Run every protocol that the photos allow, and write report.html, report.md and results.json.

    A folder of one's own with a subfolder for each animal is enough; with fewer than three data sets, which
    leave nothing to fit heads on, those of the package are judged as they are. What can't be measured is
    named with the reason.

    Examples:

        sploot-clustering eval all ~/labelled --out evaluation

        sploot-clustering eval all ~/Pictures/our-pets --out our-pets
    """
    expected = read_baseline(baseline) if baseline else ()
    unknown = set(only or ()) - set(PROTOCOLS)
    if unknown:
        raise typer.BadParameter(
            f"expected --only to name one of {', '.join(PROTOCOLS)}, got {sorted(unknown)}"
        )
    with opened(data, without or ()) as material:
        results = run_all(material, only or list(PROTOCOLS), draws, version=__version__)
    found = checks(results.outcomes, expected)
    destination.mkdir(parents=True, exist_ok=True)
    (destination / RESULTS).write_bytes(encoded(results))
    (destination / "report.md").write_text(markdown(results, found), encoding="utf-8")
    (destination / "report.html").write_text(rendered(results, found), encoding="utf-8")
    for sentence in summary_of(results):
        out.print(sentence, soft_wrap=True, markup=False)
    for name, reason in results.left_out:
        out.print(f"left out {name}: {reason}", soft_wrap=True, markup=False)
    out.print(f"{destination / 'report.html'}", soft_wrap=True, markup=False)
    if baseline:
        pass_or_leave(found)


@app.command()
def gate(
    results: Annotated[Path, typer.Argument(help="A results.json of 'eval all', or its folder.")],
    baseline: Annotated[Path, typer.Argument(help="A file of 'eval baseline'.")],
) -> None:
    """Compare results with a baseline; ends with 1 where a figure was lost, or not measured.

    Example:

        sploot-clustering eval gate evaluation baselines/labelled.json
    """
    pass_or_leave(checks(_results_in(results).outcomes, read_baseline(baseline)))


@app.command("baseline")
def write_baseline(
    results: Annotated[Path, typer.Argument(help="A results.json of 'eval all', or its folder.")],
    baseline: Annotated[Path, typer.Argument(help="The file to write; tolerances in it are kept.")],
) -> None:
    """Make results the baseline that later ones are compared with.

    Example:

        sploot-clustering eval baseline evaluation baselines/labelled.json
    """
    before = read_baseline(baseline) if baseline.exists() else ()
    baseline.parent.mkdir(parents=True, exist_ok=True)
    baseline.write_bytes(baseline_of(_results_in(results).outcomes, before))
    out.print(f"{baseline}", soft_wrap=True, markup=False)


def _results_in(path: Path) -> Results:
    return read_results(path / RESULTS if path.is_dir() else path)


@contextmanager
def opened(folders: list[Path] | None, without: Collection[str] = ()) -> Iterator[Material]:
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
