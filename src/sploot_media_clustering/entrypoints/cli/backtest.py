"""``sploot-clustering backtest``: jobs of the past through two pipelines or models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from sploot_media_clustering import __version__
from sploot_media_clustering.adapters.albums import PhotoLocation
from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.bootstrap import Engine, open_engine
from sploot_media_clustering.entrypoints.cli.console import out, tracked
from sploot_media_clustering.entrypoints.cli.histories import of_places, of_service
from sploot_media_clustering.entrypoints.cli.outcomes import print_outcome
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.evaluation.backtest import History, Replayed, compared, proposed_sure, replay
from sploot_media_clustering.evaluation.outcome import Outcome
from sploot_media_clustering.evaluation.page import markdown, rendered
from sploot_media_clustering.evaluation.results import FORMAT, RESULTS, MeasuredSet, Results, encoded
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.answer import FailedImage, failed_image
from sploot_media_clustering.services.applying import AlbumApplier, ReadyPhoto
from sploot_media_clustering.services.embedding import PhotoFailure
from sploot_media_clustering.services.rollout import Shares
from sploot_media_clustering.settings import Settings, from_environment

_STUB: Final = "stub"
_MIXTURE: Final = "mixture"
_TITLE: Final = "Backtest"
_WHICH: Final = "stub, mixture (of the model that is set), or the folder of a model package."

Places = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files of jobs (.jsonl, a job a line), or folders of photos with a folder for each album, in "
        "which folders are animals; default: the albums of the service."
    ),
]


def backtest(
    places: Places = None,
    old: Annotated[str, typer.Option(help=_WHICH)] = _MIXTURE,
    new: Annotated[str, typer.Option(help=_WHICH)] = _STUB,
    destination: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "backtest"
    ),
    photos_of_a_job: Annotated[
        int, typer.Option("--photos", min=1, help="Of folders: how many photos come at a time.")
    ] = 5,
    most: Annotated[
        int, typer.Option("--albums", min=1, help="Of the service: the last that changed.")
    ] = 200,
) -> None:
    """Replay jobs of the past through two pipelines or models, and compare what comes of them.

    Writes report.html, report.md and results.json: agreement with what is known of photos, photos that change
    their animal and heroes that change while an album grows, time, each with the difference of both; the
    albums that differ most; and at which threshold as many photos are sure as before. Jobs tell animals in
    `metadata`, as {"animals": {"IMG_1.jpg": "Milo"}}.

    Examples:

        sploot-clustering backtest --old stub --new mixture

        sploot-clustering backtest households --new my-package

        sploot-clustering backtest jobs.jsonl --old packages/1 --new packages/2
    """
    settings = from_environment()
    with open_engine(settings) as engine:
        histories = (
            of_places(places, engine.file_systems, photos_of_a_job)
            if places
            else of_service(engine.clustering, most)
        )
    if not histories:
        raise InputError("expected albums with photos, found none")
    ways = [_way(which, histories, settings) for which in (old, new)]
    pairs = list(zip(*(way.albums for way in ways), strict=True))
    outcomes = compared((f"old: {Path(old).name}", f"new: {Path(new).name}"), pairs)
    for outcome in outcomes:
        print_outcome(outcome)
    notes = [] if _STUB in {old, new} else _proposal(*ways)
    for note in notes:
        out.print(note, soft_wrap=True, markup=False)
    _write(destination, _results(histories, ways, outcomes), notes)


@dataclass(frozen=True, slots=True)
class _Way:
    """What came of the jobs in one of two ways.

    Attributes:
        model: version of the model package.
        sure: its threshold.
        albums: replayed.
    """

    model: str
    sure: float
    albums: list[Replayed]


def _way(which: str, histories: Sequence[History], settings: Settings) -> _Way:
    model = settings.model if which in {_STUB, _MIXTURE} else Path(which)
    with open_engine(replace(settings, model=model)) as engine:
        heads = engine.clustering.model
        return _Way(heads.version, heads.subjects.sure, _replayed(engine, histories, which))


def _results(histories: Sequence[History], ways: Sequence[_Way], outcomes: Sequence[Outcome]) -> Results:
    animals = len({(one.pet_id, animal) for one in histories for animal in one.truth.values()})
    photos = sum(one.photos for one in ways[-1].albums)
    measured = MeasuredSet(f"{len(histories)} albums", animals, photos)
    models = " and ".join(dict.fromkeys(way.model for way in ways))
    return Results(FORMAT, __version__, models, (measured,), tuple(outcomes))


def _write(folder: Path, results: Results, notes: Sequence[str]) -> None:
    write_atomically(folder / RESULTS, encoded(results))
    write_atomically(folder / "report.md", markdown(results, title=_TITLE, notes=notes).encode())
    write_atomically(folder / "report.html", rendered(results, title=_TITLE, notes=notes).encode())
    out.print(str(folder / "report.html"), soft_wrap=True, markup=False)


def _replayed(engine: Engine, histories: Sequence[History], which: str) -> list[Replayed]:
    pipelines = Shares((("stub" if which == _STUB else "mixture", 1.0),))
    applier = AlbumApplier(engine.clustering, pipelines=pipelines)
    return [
        replay(history, applier, _photos(engine, history))
        for history in tracked(histories, len(histories), which)
    ]


def _photos(engine: Engine, history: History) -> dict[str, ReadyPhoto | FailedImage]:
    """All photos of a history, as the networks see them; the last that a job tells of each holds."""
    images = {image.image_id: image for job in history.jobs for image in job.images}
    places = [PhotoLocation(name, image.uri) for name, image in images.items()]
    found: dict[str, ReadyPhoto | FailedImage] = {}
    for seen in engine.embedding.embed(places):
        if isinstance(seen, PhotoFailure):
            found[seen.image_id] = failed_image(seen.image_id, seen.error)
        else:
            image = images[seen.image_id]
            embedding = replace(seen, captured_at=image.captured_at or seen.captured_at)
            found[seen.image_id] = ReadyPhoto(embedding, Source(image.uri, b""))
    return found


def _proposal(old: _Way, new: _Way) -> list[str]:
    proposed = proposed_sure((old.sure, new.sure), old.albums, new.albums)
    if proposed is None:
        return []
    what = f"stays {new.sure:.2f}" if proposed == new.sure else f"is {proposed:.4f} instead of {new.sure:.2f}"
    return [f"As many photos are sure of their animal as with the old model if the new threshold {what}."]
