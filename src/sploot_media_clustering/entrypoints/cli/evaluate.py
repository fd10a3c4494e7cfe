"""``sploot-clustering eval``: the figures of docs/evaluation.md, each by a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Table

from sploot_media_clustering.bootstrap import open_embedding, open_engine
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.labelled import Data, data_sets_of, embedded
from sploot_media_clustering.evaluation.corrections import evaluate_corrections
from sploot_media_clustering.evaluation.end_to_end import EndToEndResult, evaluate_end_to_end
from sploot_media_clustering.evaluation.gate import Check, identity_checks
from sploot_media_clustering.evaluation.heroes import evaluate_heroes, evaluate_raters_heroes
from sploot_media_clustering.evaluation.identity import IdentityResult, evaluate_identity
from sploot_media_clustering.evaluation.left_out import Figure, leave_albums_out
from sploot_media_clustering.evaluation.looks import evaluate_looks, evaluate_one_look, evaluate_raters_looks
from sploot_media_clustering.evaluation.order import evaluate_order
from sploot_media_clustering.evaluation.sightings import (
    PAIRS,
    PAIRS_SET,
    SetSightings,
    evaluate_pairs,
    evaluate_sets,
)
from sploot_media_clustering.evaluation.words import (
    evaluate_attributes,
    evaluate_calibration,
    evaluate_coats,
    evaluate_labels,
)
from sploot_media_clustering.settings import from_environment
from sploot_media_clustering.training.coats import coated_photos, read_coats
from sploot_media_clustering.training.labelled import labelled_vectors
from sploot_media_clustering.training.ratings import rated_photos, read_ratings

app = typer.Typer(help="Measure on labelled photos, with what was fitted without them.", no_args_is_help=True)

Draws = Annotated[int, typer.Option(min=1, help="Households of each set and seed.")]
Gate = Annotated[bool, typer.Option(help="End with 1 where a figure is below its floor.")]


@app.command()
def identity(data: Data = None, draws: Draws = 100, gate: Gate = False) -> None:
    """Which animal: households of one set, by what was fitted without that set; one sighting a photo.

    Example:

        sploot-clustering eval identity ~/labelled --draws 100
    """
    data_sets = data_sets_of(data or [])
    settings = from_environment()
    with open_embedding(settings) as parts:
        vectors = labelled_vectors(data_sets, embedded(parts, data_sets))
    results = evaluate_identity(vectors, draws=draws, workers=settings.cores, progress=_say)
    _print_identity("households-1", results)
    if gate:
        _pass_or_leave(identity_checks(results))


@app.command("end-to-end")
def end_to_end(data: Data = None, draws: Draws = 100) -> None:
    """Which animal, from the photos on: all detected sightings, extra subjects counted as errors.

    Example:

        sploot-clustering eval end-to-end ~/labelled
    """
    data_sets = data_sets_of(data or [])
    with open_engine(from_environment()) as engine:
        embeddings = embedded(engine.parts, data_sets)
        results = evaluate_end_to_end(data_sets, embeddings, engine.heads, draws=draws, progress=_say)
    _print_identity("households-e2e-1", results)


@app.command()
def sightings(
    data: Data = None,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of photos to put side by side.")] = PAIRS,
) -> None:
    """How well animals are found: in labelled photos, and in pairs of photos side by side.

    Example:

        sploot-clustering eval sightings ~/labelled
    """
    data_sets = data_sets_of(data or [])
    ratings = read_ratings([data_set.folder for data_set in data_sets])
    with open_embedding(from_environment()) as parts:
        embeddings = embedded(parts, data_sets)
        _print_sightings(evaluate_sets(data_sets, embeddings, ratings))
        chosen = next((one for one in data_sets if one.name == PAIRS_SET), data_sets[0])
        read = replace(chosen, photos=tuple(photo for photo in chosen.photos if photo.key in embeddings))
        result = evaluate_pairs(read, parts.decoder, parts.embedding.embed_one, pairs=pairs)
    out.print(
        f"{result.pairs} pairs of {chosen.name} side by side: both found {result.both:.1%}, "
        f"more than two sightings {result.more:.1%}"
    )


@app.command()
def pictures(data: Data = None) -> None:
    """Looks and heroes, by heads fitted without the albums that are judged; the raters as the ceiling.

    Example:

        sploot-clustering eval pictures ~/labelled
    """
    data_sets = data_sets_of(data or [])
    ratings = read_ratings([data_set.folder for data_set in data_sets])
    with open_embedding(from_environment()) as parts:
        rated = rated_photos(ratings, embedded(parts, data_sets))
    judged = leave_albums_out(rated, progress=_say)
    _print_figures("looks, albums of 8 photos or more", evaluate_looks(judged))
    _print_figures("looks, the raters with each other", evaluate_raters_looks(ratings))
    _print_figures("looks, every album one look", evaluate_one_look(rated))
    _print_figures("heroes", evaluate_heroes(judged))
    _print_figures("heroes, the raters with each other", evaluate_raters_heroes(ratings))


@app.command()
def words(data: Data = None) -> None:
    """What is said: attributes, claims of labels and coats, by heads fitted without what is judged.

    Example:

        sploot-clustering eval words ~/labelled
    """
    data_sets = data_sets_of(data or [])
    folders = [data_set.folder for data_set in data_sets]
    with open_embedding(from_environment()) as parts:
        embeddings = embedded(parts, data_sets)
    judged = leave_albums_out(rated_photos(read_ratings(folders), embeddings), progress=_say)
    _print_figures("attributes, accuracy", evaluate_attributes(judged))
    _print_figures("attributes, calibration error", evaluate_calibration(judged))
    _print_figures("labels of looks, agreement with the rater", evaluate_labels(judged))
    coated = coated_photos(labelled_vectors(data_sets, embeddings), read_coats(folders))
    if coated:
        _say("coats")
        _print_figures("coats", evaluate_coats(coated))


@app.command()
def order(
    data: Data = None, albums: Annotated[int, typer.Option(min=1, help="Households of each set.")] = 40
) -> None:
    """Could another order of arrival have done better, and how many ids change when albums grow?

    Example:

        sploot-clustering eval order ~/labelled
    """
    data_sets = data_sets_of(data or [])
    with open_engine(from_environment()) as engine:
        embeddings = embedded(engine.parts, data_sets)
        results = evaluate_order(data_sets, embeddings, engine.heads, albums=albums, progress=_say)
    table = _table(
        "order-1, growth-1", "set", "albums", "an order beats settling", "ids changed by 10 % more photos"
    )
    for result in results:
        table.add_row(result.name, str(result.albums), f"{result.beaten:.1%}", f"{result.churn:.1%}")
    out.print(table)


@app.command()
def corrections(
    data: Data = None, draws: Annotated[int, typer.Option(min=1, help="Households of each set.")] = 40
) -> None:
    """How much a person has to say until an album is right, and what that breaks.

    Example:

        sploot-clustering eval corrections ~/labelled
    """
    data_sets = data_sets_of(data or [])
    with open_engine(from_environment()) as engine:
        embeddings = embedded(engine.parts, data_sets)
        results = evaluate_corrections(data_sets, embeddings, engine.heads, draws=draws, progress=_say)
    table = _table(
        "corrections-1", "set", "decisions per 20 photos", "[95 %]", "right photos made wrong", "unfinished"
    )
    for result in results:
        told = result.per_20_photos
        table.add_row(
            result.name,
            f"{told.mean:.2f}",
            f"{told.low:.2f}-{told.high:.2f}",
            f"{result.made_wrong:.2%}",
            str(result.unfinished),
        )
    out.print(table)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _print_sightings(results: Sequence[SetSightings]) -> None:
    table = _table("sightings", "set", "photos", "found", "second sighting", "spurious", "both of two")
    for result in results:
        table.add_row(
            result.name,
            str(result.photos),
            f"{result.found:.1%}",
            f"{result.second:.1%}",
            f"{result.spurious:.1%}",
            f"{result.both} of {result.of_two}" if result.of_two else "-",
        )
    out.print(table)


def _print_figures(title: str, figures: Sequence[Figure]) -> None:
    table = _table(title, "measure", "mean", "[95 %]", "over fold seeds", "of")
    for figure in figures:
        mean = figure.interval
        table.add_row(
            figure.name,
            f"{mean.mean:.3f}",
            f"{mean.low:.3f}-{mean.high:.3f}",
            f"±{figure.spread:.3f}",
            str(figure.count),
        )
    out.print(table)


def _say(name: str) -> None:
    err.print(f"{name} ...", style="dim")


def _print_identity(title: str, results: Sequence[IdentityResult] | Sequence[EndToEndResult]) -> None:
    table = _table(
        title, "set", "purity", "unassigned", "V-measure", "[95 %]", "BCubed F", "clusters/animal", "alone F"
    )
    for result in results:
        scores, v = result.households, result.v_measure
        table.add_row(
            result.name,
            f"{scores.purity:.3f}",
            f"{scores.unassigned:.1%}",
            f"{scores.v_measure:.3f}",
            f"{v.low:.3f}-{v.high:.3f}",
            f"{scores.bcubed_f:.3f}",
            f"{scores.clusters_per_group:.2f}",
            f"{result.alone.bcubed_f:.3f}",
        )
    alone = sum(result.alone.bcubed_f for result in results) / max(len(results), 1)
    out.print(table)
    out.print(f"one animal alone, mean of the sets: BCubed F {alone:.3f}")


def _pass_or_leave(checks: Sequence[Check]) -> None:
    for check in checks:
        out.print(f"{'[green]holds[/]' if check.holds else '[red]fails[/]'}  {check.text}")
    if not all(check.holds for check in checks):
        raise typer.Exit(1)
