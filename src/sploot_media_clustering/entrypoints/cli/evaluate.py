"""``sploot-clustering eval``: the figures of docs/evaluation.md, each by a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

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


PROTOCOL_HELP: Final = {
    "animals": "Which animal: households of animals left out, others of their set being known; one "
    "sighting a photo.",
    "end-to-end": "Which animal, from the photos on: all detected sightings, extra subjects counted "
    "as errors.",
    "mixed": "Which animal: households of different sets, cats and dogs among them.",
    "rivals": "Ours beside other ways to cluster the same vectors; needs the extra 'evaluation'.",
    "foreign": "Intruders in one animal's album: how many are kept out, and how many own photos are lost.",
    "together": "Photos of two animals in the album of both: found, each with its own, never one subject.",
    "sightings": "How well animals are found: in labelled photos, and in pairs of photos side by side.",
    "membership": "Do the probabilities that a photo is of its animal mean what they say?",
    "order": "What the order of arrival could change, how many ids change when albums grow, and how "
    "they grow.",
    "corrections": "How much a person has to say until an album is right, and what that breaks.",
    "moments": "Moments beside the occasions that a person saw, with capture times and without.",
    "pictures": "Looks and heroes, by heads fitted without the albums that are judged; "
    "the raters as the ceiling.",
    "degraded": "Degraded copies mixed into albums: is the hero an untouched photo?",
    "words": "What is said: attributes, claims of labels and coats, by heads fitted without what is judged.",
}
"""What each further protocol answers."""

WITHOUT_DRAWS: Final = frozenset({"moments", "pictures", "words"})
"""Those that look at every rated album once."""


def _protocol(name: str) -> Callable[..., None]:
    """The command of a protocol."""

    def drawn(data: Data = None, draws: Draws = None, baseline: Baseline = None) -> None:
        _run(name, data, draws, baseline)

    def whole(data: Data = None, baseline: Baseline = None) -> None:
        _run(name, data, None, baseline)

    return whole if name in WITHOUT_DRAWS else drawn


for _name, _answers in PROTOCOL_HELP.items():
    _help = f"{_answers}\n\nExample:\n\n    sploot-clustering eval {_name} ~/labelled"
    app.command(_name, help=_help)(_protocol(_name))


def _run(name: str, data: list[Path] | None, draws: int | None, baseline: Path | None) -> None:
    expected = read_baseline(baseline) if baseline else ()
    run, usual = PROTOCOLS[name]
    with opened(data) as material:
        outcomes = run(material, draws or usual)
    for outcome in outcomes:
        print_outcome(outcome)
    if baseline:
        pass_or_leave(checks(outcomes, expected, only={one.protocol for one in outcomes}))
