"""Everything in one go: reports, the gate and its baselines, embedders side by side."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering.adapters.model_package import load_package
from sploot_media_clustering.adapters.package_heads import write_gate
from sploot_media_clustering.adapters.placement import Execution
from sploot_media_clustering.bootstrap import open_embedding
from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.entrypoints.cli.evaluation_material import Baseline, Draws, say
from sploot_media_clustering.entrypoints.cli.evaluation_workers import embedder_cost, measured
from sploot_media_clustering.entrypoints.cli.labelled import Data, data_sets_of, embedded
from sploot_media_clustering.entrypoints.cli.outcomes import pass_or_leave, print_outcome
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.embedders import DRAWS as EMBEDDER_DRAWS
from sploot_media_clustering.evaluation.embedders import MeasuredEmbedder, embedders_outcomes, results_of
from sploot_media_clustering.evaluation.gate import baseline_of, checks, read_baseline
from sploot_media_clustering.evaluation.page import markdown, rendered
from sploot_media_clustering.evaluation.protocols import PROTOCOLS
from sploot_media_clustering.evaluation.results import RESULTS, Results, encoded, read_results
from sploot_media_clustering.evaluation.summary import summary_of
from sploot_media_clustering.services.manifest import GateEntry
from sploot_media_clustering.settings import from_environment
from sploot_media_clustering.training.labelled import labelled_vectors

_BYTES_PER_MB = 1e6


def embedders(
    data: Data = None,
    package: Annotated[
        list[Path] | None, typer.Option(help="Folder of another model package; may be repeated.")
    ] = None,
    draws: Draws = None,
) -> None:
    """Model packages side by side: how well animals are told apart, for how much time and space.

    The built-in one comes first. All heads are fitted anew, so only networks are compared.

    Example:

        sploot-clustering eval embedders ~/labelled --package my-package
    """
    data_sets = data_sets_of(data or [])
    settings = from_environment()
    cpu = Execution(trusted=frozenset(settings.trusted_models))
    found = []
    for model in (None, *(package or [])):
        with open_embedding(replace(settings, model=model)) as parts:
            name = model.name if model else parts.package.manifest.name
            say(name)
            vectors = labelled_vectors(data_sets, embedded(parts, data_sets))
            entry = parts.package.manifest.embedder.file
            size = next(one.size_bytes for one in parts.package.manifest.files if one.path == entry)
            results = results_of(vectors, draws or EMBEDDER_DRAWS)
            cost = embedder_cost(parts.package.folder, cpu)
            side_px = parts.package.manifest.embedder.input_px
        found.append(MeasuredEmbedder(name, results, cost, side_px, size / _BYTES_PER_MB))
    for outcome in embedders_outcomes(found):
        print_outcome(outcome)


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
    workers: Annotated[int, typer.Option(min=1, help="Processes that protocols are shared out to.")] = 1,
    as_is: Annotated[
        bool,
        typer.Option("--as-is", help="Judge the package's heads as they are, for few animals of one's own."),
    ] = False,
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
    results = measured(
        tuple(data or ()), tuple(without or ()), only or list(PROTOCOLS), draws, workers=workers, as_is=as_is
    )
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


def gate(
    results: Annotated[Path, typer.Argument(help="A results.json of 'eval all', or its folder.")],
    baseline: Annotated[Path, typer.Argument(help="A file of 'eval baseline'.")],
    package: Annotated[
        Path | None,
        typer.Option("--package", help="Model package that was measured: that it passed is written into it."),
    ] = None,
) -> None:
    """Compare results with a baseline; ends with 1 where a figure was lost, or not measured.

    A model package that passed can be put in charge of a service without --accept-unmeasured.

    Examples:

        sploot-clustering eval gate evaluation baselines/labelled.json

        sploot-clustering eval gate evaluation baselines/labelled.json --package my-package
    """
    measured = _results_in(results)
    found = checks(measured.outcomes, read_baseline(baseline))
    pass_or_leave(found)
    if package is not None:
        if not found:
            raise DatasetError(
                f"expected a baseline with figures in {baseline}, got none; see 'eval baseline'"
            )
        digest = hashlib.sha256(baseline.read_bytes()).hexdigest()
        write_gate(load_package(package), GateEntry(measured.model, digest, len(found)))
        out.print(f"{package}: {measured.model} passed", soft_wrap=True, markup=False)


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
