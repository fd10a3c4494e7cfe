"""``sploot-clustering drift``: has what comes changed?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.adapters.albums import PhotoAlbum, find_albums_by_folder
from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.drift_reference import read_reference, write_reference
from sploot_media_clustering.bootstrap import Engine, open_engine
from sploot_media_clustering.domain.drift import Terms
from sploot_media_clustering.entrypoints.cli.console import err, out, tracked
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.cli.kept_states import KeptStates
from sploot_media_clustering.entrypoints.cli.results import CLUSTERS, Results
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.evaluation.drift_report import markdown, verdict
from sploot_media_clustering.services.answer import failed_image
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.drift import AlbumView, DriftReport, Reference, checked, recorded, view
from sploot_media_clustering.services.embedding import PhotoFailure
from sploot_media_clustering.settings import from_environment, store_at_hand

EXIT_DRIFTED: Final = 1
_REPORT, _FIGURES, _PICTURE = "drift.md", "drift.json", "drift.png"
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class _Seen:
    """Albums of the model at hand, and how many there are of others."""

    views: list[AlbumView]
    others: Counter[str]


Places = Annotated[
    list[str] | None,
    typer.Argument(
        help="Folders that `cluster --out` wrote, or folders of photos with a folder for each album; "
        "default: the albums of the service."
    ),
]
Known = Annotated[Path | None, typer.Option(help="What `--record` wrote; default: the package's own.")]
Record = Annotated[
    Path | None,
    typer.Option(help="Record these albums as a reference: a file, or the folder of a model package."),
]
Since = Annotated[
    float | None,
    typer.Option("--since", min=0, help="Of the service: only photos handed in within so many days."),
]
Most = Annotated[int, typer.Option("--albums", min=1, help="Of the service: the last that changed.")]
ErrorRate = Annotated[
    float, typer.Option(min=0.001, max=0.5, help="How often to ring where nothing has changed.")
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Write drift.md, drift.json and drift.png there.")
]


def drift(
    places: Places = None,
    reference: Known = None,
    record: Record = None,
    since_days: Since = None,
    most: Most = 500,
    error_rate: ErrorRate = Terms().error_rate,
    out_folder: Out = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a model package.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")] = False,
) -> None:
    """Compare albums with a reference: embeddings, attributes, quality, animals missed, health of clusters.

    Ends with 1 where something has drifted. A look at the service is kept in its store, where the figures of
    API and workers tell it to Prometheus.

    Examples:

        sploot-clustering drift --record usual.drift

        sploot-clustering drift --reference usual.drift --since 7 --out drift

        sploot-clustering drift photos-of-a-new-shelter
    """
    settings = from_environment()
    now = datetime.now(UTC)
    since = None if since_days is None else now - timedelta(days=since_days)
    with open_engine(replace(settings, model=model or settings.model)) as engine, _store(places) as url:
        known = None if record else _reference(engine, reference)
        if url is None:
            seen = _of_places(engine, places or [], quiet=as_json)
        else:
            seen = _of_service(engine, url, most, since)
        for version, count in seen.others.items():
            err.print(f"{count} albums of model {version} are left out; name it with --model", markup=False)
        if record is not None:
            _record(recorded(seen.views, engine.clustering.model.version, now), record)
        if known is None:
            return
        others = seen.others.total()
        report = checked(known, seen.views, now, terms=Terms(error_rate=error_rate), other_models=others)
        if url is not None:
            _keep(engine, url, report)
    if out_folder is not None:
        _write(report, known, seen.views, out_folder)
    if as_json:
        out.print(msgspec.json.encode(report).decode(), soft_wrap=True, markup=False)
    else:
        _print(report)
    if report.alarms:
        raise typer.Exit(EXIT_DRIFTED)


def _reference(engine: Engine, file: Path | None) -> Reference:
    known = read_reference(engine.parts.package, file)
    if known.model_version != engine.clustering.model.version:
        raise InputError(
            f"the reference is of model {known.model_version}, expected one of "
            f"{engine.clustering.model.version}; record it anew, or name the model with --model"
        )
    return known


def _record(reference: Reference, place: Path) -> None:
    write_reference(reference, place)
    err.print(
        f"{len(reference.figures)} albums with {reference.photos} photos are the reference in "
        f"{escape(str(place))}",
        soft_wrap=True,
    )


def _of_places(engine: Engine, places: list[str], *, quiet: bool) -> _Seen:
    results = [place for place in places if (Path(place) / CLUSTERS).is_file()]
    photos = [place for place in places if place not in results]
    seen = _Seen([], Counter())
    for place in results:
        for found in _of_results(engine, Path(place)):
            if isinstance(found, AlbumView):
                seen.views.append(found)
            else:
                seen.others[found] += 1
    for album in find_albums_by_folder(photos, engine.file_systems) if photos else ():
        found_view = _of_photos(engine, album, quiet=quiet)
        if found_view is not None:
            seen.views.append(found_view)
    return seen


def _of_results(engine: Engine, folder: Path) -> Iterator[AlbumView | str]:
    """Albums of a folder that ``cluster`` wrote; of one of another model, that model's version."""
    states = KeptStates(folder, engine.clustering)
    for name, answer in Results(folder).answers().items():
        if not answer.images:
            continue
        state = states.known(name)
        if state.model_version == engine.clustering.model.version:
            yield view(state, answer)
        else:
            yield state.model_version


def _of_photos(engine: Engine, album: PhotoAlbum, *, quiet: bool) -> AlbumView | None:
    """An album of photos; None where none can be read."""
    seen, failed = [], []
    for result in tracked(engine.embedding.embed(album.photos), len(album.photos), album.name, quiet=quiet):
        if isinstance(result, PhotoFailure):
            failed.append(failed_image(result.image_id, result.error))
        else:
            seen.append(result)
    if not seen:
        return None
    clustering = engine.clustering
    state = clustering.updated(clustering.empty(), seen)
    request = Request(pet_id=album.name, at=datetime.now(UTC), top=1, version=0, failed=tuple(failed))
    return view(state, clustering.answer(state, request))


def _store(places: list[str] | None) -> AbstractContextManager[str | None]:
    """The URL of the service's store; None where other places are looked at."""
    return nullcontext() if places else service().open_store(store_at_hand())


def _of_service(engine: Engine, url: str, most: int, since: datetime | None) -> _Seen:
    async def read() -> _Seen:
        seen = _Seen([], Counter())
        async with service().open_watch(url, engine.clustering) as watch:
            async for found in watch.albums(most, since):
                if found.view is None:
                    seen.others[found.model_version] += 1
                else:
                    seen.views.append(found.view)
        return seen

    return asyncio.run(read())


def _keep(engine: Engine, url: str, report: DriftReport) -> None:
    async def keep() -> None:
        async with service().open_watch(url, engine.clustering) as watch:
            await watch.reports.keep(report)

    asyncio.run(keep())


def _write(report: DriftReport, reference: Reference, views: list[AlbumView], folder: Path) -> None:
    try:
        from sploot_media_clustering.evaluation.drift_plots import drawn  # noqa: PLC0415 - of an extra
    except ImportError as error:
        err.print(
            f"No plots without {error.name}; run: pip install 'sploot-media-clustering[evaluation]'",
            markup=False,
        )
        picture = None
    else:
        picture = _PICTURE
        write_atomically(folder / picture, drawn(report, reference, views))
    write_atomically(folder / _REPORT, markdown(report, picture).encode())
    write_atomically(folder / _FIGURES, msgspec.json.format(msgspec.json.encode(report), indent=1))


def _print(report: DriftReport) -> None:
    out.print(verdict(report), markup=False, soft_wrap=True)
    table = Table("what", "before", "now", "effect", "p", "", box=None, pad_edge=False)
    for one in report.findings[: max(_SHOWN, len(report.alarms))]:
        means = ("" if value is None else f"{value:.3f}" for value in (one.before, one.now))
        alarm = "[bold red]alarm[/]" if one.alarm else ""
        table.add_row(escape(one.name), *means, f"{one.effect:+.2f}", f"{one.p:.4f}", alarm)
    out.print(table)
