"""``sploot-clustering cluster``: photos in; a table, ``clusters.json`` and ``report.html`` out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from sploot_media_clustering.adapters.albums import (
    PhotoAlbum,
    find_album,
    find_albums_by_folder,
    named_as_before,
)
from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.bootstrap import Engine, open_engine
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.entrypoints.cli.console import err, out, tracked
from sploot_media_clustering.entrypoints.cli.kept_states import KeptStates
from sploot_media_clustering.entrypoints.cli.results import CLUSTERS, REPORT, Photos, Results
from sploot_media_clustering.entrypoints.cli.table import Level, print_answer, sentence
from sploot_media_clustering.errors import (
    ConfigurationError,
    InputError,
    NoPhotosError,
    SourceUnavailableError,
    TemporaryError,
)
from sploot_media_clustering.services.album_size import require_room
from sploot_media_clustering.services.answer import Answer, failed_image
from sploot_media_clustering.services.answering import Request as AnswerRequest
from sploot_media_clustering.services.asking import MOST_QUESTIONS
from sploot_media_clustering.services.changes import changes
from sploot_media_clustering.services.embedding import PhotoFailure
from sploot_media_clustering.settings import from_environment

_MS: Final = 1000


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
        find = find_albums_by_folder if by_folder else _as_one
        found = _named_as_before(out_folder, find(photos, engine.file_systems))
        for album in found:
            require_room(len(album.photos), settings.album_photos_most)
        _make_folder(out_folder)
        states = KeptStates(out_folder, engine.clustering)
        failures: list[PhotoFailure] = []
        answers = {album.name: _answered(engine, states, album, request, failures) for album in found}
        _refuse_if_nothing_was_read(answers, failures)
        _write(engine, found, answers, request)


def _as_one(places: Sequence[str], file_systems: FileSystems) -> tuple[PhotoAlbum, ...]:
    return (find_album(places, file_systems),)


def _named_as_before(out_folder: Path, found: Sequence[PhotoAlbum]) -> tuple[PhotoAlbum, ...]:
    """The albums, their photos called as in the last run into the folder."""
    try:
        before = Results(out_folder).photos().uris
    except InputError:
        return tuple(found)
    return tuple(named_as_before(album, before.get(album.name, {})) for album in found)


def _range(told: str | None) -> tuple[int, int] | None:
    """``2`` or ``1-3`` as fewest and most."""
    if told is None:
        return None
    low, dash, high = told.partition("-")
    try:
        fewest, most = int(low), int(high if dash else low)
    except ValueError:
        fewest, most = 0, 0
    if not 1 <= fewest <= most:
        raise typer.BadParameter(
            f"expected a number such as 2, or fewest and most such as 1-3, got {told!r}",
            param_hint="--animals",
        )
    return fewest, most


def _make_folder(folder: Path) -> None:
    """Before anything is computed, so that nothing is computed in vain."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"expected --out to be a folder that can be written to, got {folder}: {error.strerror}"
        ) from error


def _answered(
    engine: Engine,
    states: KeptStates,
    album: PhotoAlbum,
    request: Request,
    failures: list[PhotoFailure],
) -> Answer:
    """Bring the album's state to exactly these photos, keep it, and answer; add what can't be read."""
    own: list[PhotoFailure] = []
    seen = list(_embedded(engine, album, request, own))
    failures += own
    for_once = {failure.image_id for failure in own if isinstance(failure.error, TemporaryError)}
    state = engine.clustering.updated(states.load(album.name, request.animals), seen, keep=for_once)
    now = datetime.now(UTC)
    answer = engine.clustering.answer(
        state,
        AnswerRequest(
            pet_id=album.name,
            at=now,
            top=request.top,
            version=int(now.timestamp() * _MS),
            failed=tuple(failed_image(failure.image_id, failure.error) for failure in own),
            questions=MOST_QUESTIONS,
        ),
    )
    if seen:
        states.save(album.name, engine.clustering.shown(state, answer))
    return answer


def _embedded(
    engine: Engine, album: PhotoAlbum, request: Request, failures: list[PhotoFailure]
) -> Iterator[PhotoEmbedding]:
    for result in tracked(
        engine.embedding.embed(album.photos), len(album.photos), album.name, quiet=request.as_json
    ):
        if isinstance(result, PhotoFailure):
            failures.append(result)
            err.print(
                f"[yellow]Left out[/] {escape(result.image_id)}: {escape(str(result.error))}", soft_wrap=True
            )
        else:
            yield result


def _refuse_if_nothing_was_read(answers: dict[str, Answer], failures: Sequence[PhotoFailure]) -> None:
    if any(answer.images for answer in answers.values()):
        return
    temporary = all(isinstance(failure.error, TemporaryError) for failure in failures)
    kind = SourceUnavailableError if temporary else NoPhotosError
    raise kind(f"none of the {len(failures)} photos can be read, each for the reason named above")


def _answers_before(folder: Path) -> dict[str, Answer]:
    """Those of the last run into the folder; none where there was none, or it can't be read any more."""
    try:
        return Results(folder).answers()
    except InputError:
        return {}


def _say_what_is_replaced(folder: Path, before: dict[str, Answer], answers: dict[str, Answer]) -> None:
    """Albums of an earlier run that this one leaves out, whose decisions seem to have gone with them."""
    gone = [name for name in before if name not in answers]
    if gone:
        err.print(
            f"[yellow]{escape(str(folder))} held {escape(', '.join(gone))}[/], which this run replaces; what "
            "was said of it is kept, for when it is clustered into this folder again",
            soft_wrap=True,
        )


def _say_what_is_surprising(
    answer: Answer, before: Answer | None, expected: tuple[int, int] | None, decide: str
) -> None:
    """What is new since the last run, and that photos spoke against the number of animals that was told."""
    if before is not None and (different := sentence(changes(before, answer))):
        out.print(f"Since the last run: {different}", markup=False, soft_wrap=True)
    found = sum(part.level == "subject" for part in answer.clusters)
    if expected is not None and found and not expected[0] <= found <= expected[1]:
        told = str(expected[0]) if expected[0] == expected[1] else f"{expected[0]} to {expected[1]}"
        err.print(
            f"[yellow]--animals says {told}, the photos show {found}[/]: a hint is weighed against them. "
            f"`{escape(decide)} same ONE OTHER` joins two for good, `different ONE OTHER` parts them",
            soft_wrap=True,
        )


def _write(engine: Engine, found: Sequence[PhotoAlbum], answers: dict[str, Answer], request: Request) -> None:
    before = _answers_before(request.out)
    _say_what_is_replaced(request.out, before, answers)
    uris = {album.name: {photo.image_id: photo.uri for photo in album.photos} for album in found}
    data = Results(request.out).write(answers, Photos(uris=uris, top=request.top), engine.reviewing)
    if request.as_json:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    for name, answer in answers.items():
        decide = f"decide {shlex.quote(str(request.out))}"
        if len(answers) > 1:
            decide += f" --album {shlex.quote(name)}"
        print_answer(answer, request.level, f"the report and by `{decide} --ask`")
        _say_what_is_surprising(answer, before.get(name), request.animals, decide)
    out.print(
        f"\nclusters  {request.out / CLUSTERS}\nreport    {request.out / REPORT}",
        soft_wrap=True,
        markup=False,
    )
