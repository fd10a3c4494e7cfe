"""``sploot-clustering cluster``: photos in; a table, ``clusters.json`` and ``report.html`` out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote

import typer
from rich.table import Table

from sploot_media_clustering.adapters.albums import PhotoAlbum, find_album, find_albums_by_folder
from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.bootstrap import Engine, open_engine
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.entrypoints.cli.console import err, out, tracked
from sploot_media_clustering.errors import NoPhotosError, StateError
from sploot_media_clustering.report.page import render
from sploot_media_clustering.report.pictures import Thumbnailer
from sploot_media_clustering.services.answer import Albums, Answer, Cluster, FailedImage, encode
from sploot_media_clustering.services.answering import Request as AnswerRequest
from sploot_media_clustering.services.embedding import PhotoFailure
from sploot_media_clustering.services.state_codec import pack, unpack
from sploot_media_clustering.settings import from_environment

Level = Literal["subject", "look", "all"]

_STATES: Final = ".states"
"""Folder inside the output folder that keeps the states of albums: a second run goes on from the first."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for.

    Attributes:
        out: folder that the results go to.
        top: heroes of each cluster.
        level: which clusters are printed.
        animals: fewest and most animals, as the owner said.
        as_json: print the answer as JSON and nothing else.
    """

    out: Path
    top: int
    level: Level
    animals: tuple[int, int] | None
    as_json: bool


def cluster(
    photos: Annotated[
        list[str],
        typer.Argument(
            help="Folders, files, quoted globs ('2025/**/*.jpg') or URIs (s3://, gs://, https://)."
        ),
    ],
    out_folder: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for clusters.json and report.html.")
    ] = Path("sploot-clusters"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print clusters.json to standard output, and nothing else there.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, max=100, help="Heroes of each cluster.")] = 3,
    level: Annotated[Level, typer.Option(help="Which clusters are printed: subject, look or all.")] = "all",
    animals: Annotated[
        str | None, typer.Option(help="How many animals there are: 2, or 1-3. A hint, not an order.")
    ] = None,
    by_folder: Annotated[bool, typer.Option(help="Take each subfolder as an album of its own.")] = False,
    model: Annotated[Path | None, typer.Option(help="Folder of a model package.")] = None,
    cache: Annotated[str | None, typer.Option(help="Where embeddings are kept between runs.")] = None,
) -> None:
    """Find the animals in photos, the kinds of picture of each, and the heroes.

    Examples:

        sploot-clustering cluster ~/Pictures/Milo --out milo

        sploot-clustering cluster 'photos/2025-*/**/*.heic' --animals 2

        sploot-clustering cluster shelter --by-folder --out shelter-clusters

        sploot-clustering cluster photos --json | jq '.clusters[0].hero_image_id'
    """
    settings = from_environment()
    settings = replace(settings, model=model or settings.model, cache=cache or settings.cache)
    request = Request(out_folder, top, level, _range(animals), as_json)
    with open_engine(settings) as engine:
        found = (
            find_albums_by_folder(photos, engine.file_systems)
            if by_folder
            else (find_album(photos, engine.file_systems),)
        )
        answers = {album.name: _answered(engine, album, request) for album in found}
        _write(engine, found, answers, request)


def _range(told: str | None) -> tuple[int, int] | None:
    """``2`` or ``1-3`` as fewest and most."""
    if told is None:
        return None
    low, _, high = told.partition("-")
    try:
        fewest, most = int(low), int(high or low)
    except ValueError as error:
        raise typer.BadParameter(f"{told!r} is no number of animals; expected 2 or 1-3") from error
    if not 1 <= fewest <= most:
        raise typer.BadParameter(f"{told!r} is no number of animals; expected at least 1, the smaller first")
    return fewest, most


def _answered(engine: Engine, album: PhotoAlbum, request: Request) -> Answer:
    """Bring the album's state to exactly these photos, keep it, and answer."""
    before = _former_state(engine, album, request)
    failures: list[PhotoFailure] = []
    seen = list(_embedded(engine, album, request, failures))
    if not seen and failures:
        first = failures[0]
        raise NoPhotosError(
            f"none of the {len(failures)} photos can be read; {first.image_id}: {first.error}"
        )
    state = engine.clustering.updated(before, seen)
    answer = engine.clustering.answer(
        state,
        AnswerRequest(
            pet_id=album.name,
            at=datetime.now(UTC),
            top=request.top,
            failed=tuple(
                FailedImage(image_id=f.image_id, error=type(f.error).__name__, message=str(f.error))
                for f in failures
            ),
        ),
    )
    path = _state_path(request.out, album)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, pack(engine.clustering.shown(state, answer)))
    return answer


def _embedded(
    engine: Engine, album: PhotoAlbum, request: Request, failures: list[PhotoFailure]
) -> Iterator[PhotoEmbedding]:
    for result in tracked(
        engine.embedding.embed(album.photos), len(album.photos), album.name, quiet=request.as_json
    ):
        if isinstance(result, PhotoFailure):
            failures.append(result)
            err.print(f"[yellow]Left out[/] {result.image_id}: {result.error}", markup=True)
        else:
            yield result


def _state_path(out_folder: Path, album: PhotoAlbum) -> Path:
    return out_folder / _STATES / f"{quote(album.name, safe='')}.state"


def _former_state(engine: Engine, album: PhotoAlbum, request: Request) -> AlbumState:
    """The state of the last run into this folder; a new one where there is none that fits."""
    path = _state_path(request.out, album)
    start = engine.clustering.empty(request.animals)
    if not path.is_file():
        return start
    try:
        state = unpack(path.read_bytes(), engine.clustering.model)
    except StateError as error:
        err.print(f"[yellow]Ids start anew:[/] {error}")
        return start
    return replace(state, expected_animals=request.animals)


def _write(engine: Engine, found: Sequence[PhotoAlbum], answers: dict[str, Answer], request: Request) -> None:
    data = encode(next(iter(answers.values())) if len(answers) == 1 else Albums(albums=answers))
    uris = {(album.name, photo.image_id): photo.uri for album in found for photo in album.photos}
    write_atomically(request.out / "clusters.json", data)
    report = render(
        answers,
        thumbnail=Thumbnailer(engine.parts.source, engine.parts.decoder, uris),
        out_path=request.out / "report.html",
    )
    if request.as_json:
        sys.stdout.buffer.write(data)
        return
    for answer in answers.values():
        _print(answer, request)
    out.print(f"\nclusters  {request.out / 'clusters.json'}\nreport    {report.path}", soft_wrap=True)


def _print(answer: Answer, request: Request) -> None:
    table = Table(title=answer.pet_id, title_justify="left", box=None, pad_edge=False)
    for heading in ("", "photos", "hero", "why"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "photos" else "left")
    for part in answer.clusters:
        if request.level in ("all", part.level):
            table.add_row(*_row(part))
    out.print(table)
    aside = {photo.image_id for photo in answer.unclustered if photo.level == "subject"}
    out.print(
        f"{len(answer.images)} photos, {len(aside)} with something left aside, "
        f"{len(answer.failed_images)} not readable"
    )


def _row(part: Cluster) -> tuple[str, str, str, str]:
    hero = part.heroes[0] if part.heroes else None
    name = part.name or part.label
    label = f"[bold]{name}[/]" if part.level == "subject" else f"  {name}"
    return (
        label,
        str(part.size),
        hero.image_id if hero else "-",
        hero.reasons[0] if hero and hero.reasons else "",
    )
