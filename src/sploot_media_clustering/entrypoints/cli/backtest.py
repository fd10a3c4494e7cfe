"""``sploot-clustering backtest``: jobs of the past through two pipelines or models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from sploot_media_clustering.evaluation.page import markdown, rendered
from sploot_media_clustering.evaluation.results import FORMAT, RESULTS, MeasuredSet, Results, encoded
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.applying import AlbumApplier, ReadyPhoto
from sploot_media_clustering.services.embedding import PhotoFailure
from sploot_media_clustering.services.rollout import Shares
from sploot_media_clustering.settings import from_environment

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
    found, sure, models = [], [], []
    for which in (old, new):
        model = settings.model if which in {_STUB, _MIXTURE} else Path(which)
        with open_engine(replace(settings, model=model)) as engine:
            sure.append(engine.clustering.model.subjects.sure)
            models.append(engine.clustering.model.version)
            found.append(_replayed(engine, histories, which))
    pairs = list(zip(*found, strict=True))
    outcomes = compared((f"old: {Path(old).name}", f"new: {Path(new).name}"), pairs)
    for outcome in outcomes:
        print_outcome(outcome)
    notes = [] if _STUB in {old, new} else _proposal(sure, found)
    for note in notes:
        out.print(note, soft_wrap=True, markup=False)
    animals = len({(one.pet_id, animal) for one in histories for animal in one.truth.values()})
    photos = sum(one.photos for one in found[1])
    results = Results(
        FORMAT,
        __version__,
        " and ".join(dict.fromkeys(models)),
        (MeasuredSet(f"{len(histories)} albums", animals, photos),),
        outcomes,
    )
    write_atomically(destination / RESULTS, encoded(results))
    write_atomically(destination / "report.md", markdown(results, title=_TITLE, notes=notes).encode())
    write_atomically(destination / "report.html", rendered(results, title=_TITLE, notes=notes).encode())
    out.print(str(destination / "report.html"), soft_wrap=True, markup=False)


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
            found[seen.image_id] = FailedImage(
                image_id=seen.image_id, error=type(seen.error).__name__, message=str(seen.error)
            )
        else:
            image = images[seen.image_id]
            embedding = replace(seen, captured_at=image.captured_at or seen.captured_at)
            found[seen.image_id] = ReadyPhoto(embedding, Source(image.uri, b""))
    return found


def _proposal(sure: Sequence[float], found: Sequence[list[Replayed]]) -> list[str]:
    proposed = proposed_sure((sure[0], sure[1]), found[0], found[1])
    if proposed is None:
        return []
    what = (
        f"stays {sure[1]:.2f}" if proposed == sure[1] else f"becomes {proposed:.4f}, which is {sure[1]:.2f}"
    )
    return [f"As many photos are sure of their animal as with the old model where the new threshold {what}."]
