"""``sploot-clustering decide``: what a person says of an album, done, listed and taken back."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sploot_media_clustering.bootstrap import Reviewing, open_reviewing
from sploot_media_clustering.domain.decisions import KINDS, Kind
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.folder_albums import answer_of
from sploot_media_clustering.entrypoints.cli.kept_states import KeptStates
from sploot_media_clustering.entrypoints.cli.results import Photos, Results
from sploot_media_clustering.entrypoints.cli.table import counted, of_one_name, print_answer, sentence
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.asking import MOST_QUESTIONS
from sploot_media_clustering.services.changes import changes
from sploot_media_clustering.services.decision_records import (
    MAX_FILE_BYTES,
    Decided,
    Question,
    Sighted,
    decode_lines,
    encode_lines,
)
from sploot_media_clustering.services.review import ReviewService, namesake, said
from sploot_media_clustering.services.targets import Targets, members
from sploot_media_clustering.settings import from_environment

_LAST: Final = "last"
_OF_ANIMALS: Final = frozenset({"name", "same", "different"})
"""Kinds that photos are not chosen for."""


Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KIND NAMES...]",
        help="What is said: name, same, different, not-this, confirm, split, not-animal, hero or not-hero, "
        "and of what: animals by name, label or id; photos by id, file name or quoted pattern.",
    ),
]


def decide(
    folder: Annotated[Path, typer.Argument(help="What `cluster --out` wrote.")],
    words: Words = None,
    album: Annotated[str | None, typer.Option(help="Which album, where the folder holds several.")] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Be asked what an answer would settle most.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List what was said, and whether it holds.")] = False,
    undo: Annotated[
        list[str] | None, typer.Option(help="Take back a decision by its id, or `last`; may be repeated.")
    ] = None,
    undo_to: Annotated[str | None, typer.Option(help="Take back all that was said after this one.")] = None,
    load: Annotated[Path | None, typer.Option("--import", help="Take a file of decisions.")] = None,
    save: Annotated[Path | None, typer.Option("--export", help="Write all decisions to a file.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the model package of the last run.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")] = False,
) -> None:
    """Name animals, correct mistakes, choose heroes, and take it all back.

    Decisions are kept in the folder and hold whatever photos and models come later.

    Examples:

        sploot-clustering decide out name "Cat 2" Milo

        sploot-clustering decide out same Milo "Cat 3"

        sploot-clustering decide out not-this Milo IMG_0012.jpg 'IMG_002*.jpg'

        sploot-clustering decide out split Milo IMG_7.jpg IMG_8.jpg

        sploot-clustering decide out --ask

        sploot-clustering decide out --undo last
    """
    asked_for = [
        bool(words),
        ask,
        listed,
        bool(undo),
        undo_to is not None,
        load is not None,
        save is not None,
    ]
    if sum(asked_for) != 1:
        raise typer.BadParameter(
            "expected one thing to do: something said (such as: name 'Cat 2' Milo), or one of --ask, "
            "--list, --undo, --undo-to, --import, --export"
        )
    if listed:
        _print_decisions(folder, album, as_json=as_json)
        return
    settings = from_environment()
    reviewing = open_reviewing(replace(settings, model=model or settings.model))
    review = _Review.of(folder, album, reviewing)
    if save is not None:
        save.write_bytes(encode_lines(review.state.decisions))
        err.print(f"{len(review.state.decisions)} decisions in {escape(str(save))}")
    else:
        _changed(review, words or [], undo or [], undo_to, load, as_json=as_json)


def _changed(
    review: _Review,
    words: Sequence[str],
    undo: Sequence[str],
    undo_to: str | None,
    load: Path | None,
    *,
    as_json: bool,
) -> None:
    before = review.state
    try:
        if words:
            review.say(_kind(words[0]), words[1:])
        elif undo or undo_to is not None:
            review.take_back(undo, undo_to)
        elif load is not None:
            review.take(load)
        else:
            for question in review.questions():
                if not _answered(review, question):
                    break
    finally:  # Ctrl-C between two questions keeps the answers
        if review.state is not before:
            data = review.keep()
            if as_json:
                sys.stdout.buffer.write(data)
            else:
                answer = review.answer()
                print_answer(answer, "subject", "--ask")
                if different := sentence(changes(review.albums[review.album], answer)):
                    out.print(f"Changed: {different}", markup=False, soft_wrap=True)


def _kind(word: str) -> Kind:
    for kind in KINDS:
        if kind == word.replace("-", "_"):
            return kind
    raise typer.BadParameter(f"expected one of {', '.join(map(_word, KINDS))}, got {word!r}")


def _word(kind: Kind) -> str:
    return kind.replace("_", "-")


def _require_known(name: str, albums: Collection[str], folder: Path) -> None:
    if name not in albums:
        raise InputError(f"expected an album of {folder} ({', '.join(albums)}), got {name!r}")


@dataclass(slots=True)
class _Review:
    """One album of an output folder, under review.

    Attributes:
        results: the folder.
        album: its name.
        albums: of the folder, as they were found.
        photos: where they are.
        state: as it stands now.
        reviewing: that settles and answers.
    """

    results: Results
    album: str
    albums: dict[str, Answer]
    photos: Photos
    state: AlbumState
    reviewing: Reviewing

    @classmethod
    def of(cls, folder: Path, album: str | None, reviewing: Reviewing) -> _Review:
        results = Results(folder)
        albums = results.answers()
        if album is None and len(albums) > 1:
            raise InputError(f"expected --album with one of {', '.join(albums)}, which are all in {folder}")
        name = next(iter(albums)) if album is None else album
        _require_known(name, albums, folder)
        state = KeptStates(folder, reviewing.clustering).known(name)
        return cls(results, name, albums, results.photos(), state, reviewing)

    @property
    def service(self) -> ReviewService:
        return ReviewService(self.reviewing.clustering)

    def answer(self, asked: int = 0) -> Answer:
        before = self.albums[self.album]
        return answer_of(self.state, before, self.reviewing, self.photos.top, asked)

    def say(self, kind: Kind, names: Sequence[str]) -> None:
        name = None
        if kind == "name":
            if not names:
                raise InputError("expected an animal and its name, such as: name 'Cat 2' Milo")
            *names, name = names
        answer = self.answer()
        what = said(kind, answer, names, name)
        self.state, decision = self.service.decide(self.state, what, datetime.now(UTC))
        if (same := namesake(answer, what)) is not None:
            apart = namesake(self.answer(), what) is not None
            err.print(Text(of_one_name(same, what, apart=apart), style="yellow"), soft_wrap=True)
        photos = {part.image_id for part in what.sightings}
        of_photos = "" if kind in _OF_ANIMALS else f" of {counted(len(photos), 'photo')}"
        err.print(f"Said{of_photos}, and to be taken back by --undo {decision.id}", style="dim")

    def take_back(self, ids: Sequence[str], back_to: str | None) -> None:
        if back_to is not None:
            self.state, gone = self.service.undo_back_to(self.state, back_to)
        else:
            newest = [decision.id for decision in self.state.decisions][-1:]
            if _LAST in ids and not newest:
                raise InputError(f"nothing was said of {self.album} yet")
            self.state, gone = self.service.undo(
                self.state, [part for told in ids for part in (newest if told == _LAST else [told])]
            )
        kinds = ", ".join(_word(decision.kind) for decision in gone)
        err.print(f"{len(gone)} taken back: {kinds or 'nothing'}", style="dim")

    def take(self, path: Path) -> None:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"expected a file of decisions below {MAX_FILE_BYTES} bytes, got {path}")
        before = len(self.state.decisions)
        self.state = self.service.apply(self.state, decode_lines(path.read_bytes()))
        err.print(f"{len(self.state.decisions) - before} new decisions from {escape(str(path))}", style="dim")

    def questions(self) -> Iterator[Question]:
        """The most worth first; what was skipped is not asked again in this sitting."""
        skipped: set[str] = set()
        while open_ones := [q for q in self.answer(MOST_QUESTIONS).questions if q.id not in skipped]:
            skipped.add(open_ones[0].id)
            yield open_ones[0]
        err.print("Nothing more to ask.")

    def keep(self) -> bytes:
        """The state first, since everything else follows from it."""
        answer = self.answer(MOST_QUESTIONS)
        clustering = self.reviewing.clustering
        KeptStates(self.results.folder, clustering).save(self.album, clustering.shown(self.state, answer))
        return self.results.rewrite(self.albums | {self.album: answer}, self.photos, self.reviewing)


def _answered(review: _Review, question: Question) -> bool:
    """Ask one question; False where the person has had enough."""
    uris, targets = review.photos.uris[review.album], Targets(review.answer())
    out.print(f"\n[bold]{escape(question.text)}[/]  {question.probability:.0%} likely")
    for heading, parts in (("this", question.sightings), ("with", question.others)):
        for part in parts:
            path = uris.get(part.image_id, part.image_id)
            out.print(Text(f"  {heading}  {path}{targets.which(part)}"), soft_wrap=True)
    while True:
        match _key("[y]es  [n]o  [s]kip  [u]ndo  [q]uit "):
            case "y":
                review.state, _ = review.service.decide(review.state, question.yes, datetime.now(UTC))
                return True
            case "n":
                review.state, _ = review.service.decide(review.state, question.no, datetime.now(UTC))
                return True
            case "u":
                review.take_back([_LAST], None)
                return True
            case "s":
                return True
            case "q" | "":
                return False


def _key(prompt: str) -> str:
    """One key from a terminal, the first letter of a line from anything else; nothing at the end."""
    if not sys.stdin.isatty():
        err.print(escape(prompt))
        return sys.stdin.readline().strip()[:1].lower()
    err.print(escape(prompt), end="")
    key = typer.getchar().lower()
    err.print(escape(key) if key.isprintable() else "")
    if key in ("\x03", "\x04"):
        raise KeyboardInterrupt
    return key


def _print_decisions(folder: Path, album: str | None, *, as_json: bool) -> None:
    """Of one album, or of all."""
    albums = Results(folder).answers()
    if album is not None:
        _require_known(album, albums, folder)
        albums = {album: albums[album]}
    if as_json:
        told = {name: answer.decisions for name, answer in albums.items()}
        one = next(iter(told.values())) if len(told) == 1 else None
        sys.stdout.buffer.write(msgspec.json.encode(told if one is None else one) + b"\n")
        return
    for name, answer in albums.items():
        if answer.decisions:
            out.print(_decision_table(name, answer))
    out.print(counted(sum(len(answer.decisions) for answer in albums.values()), "decision"))


def _decision_table(title: str, answer: Answer) -> Table:
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for heading in ("id", "said at", "what", "of", "standing"):
        table.add_column(heading, overflow="fold")
    animals = (part for part in answer.clusters if part.level == "subject")
    whose = {seen: part.name or part.label for part in animals for seen in members(part)}
    for part in answer.decisions:
        standing = f"superseded by {part.superseded_by}" if part.superseded_by else part.status
        what = _word(part.kind) + (f" {part.name}" if part.name else "")
        of = ", ".join(filter(None, (_first_of(part.sightings), _compared(part, whose))))
        table.add_row(part.id, f"{part.at.astimezone():%Y-%m-%d %H:%M}", Text(what), Text(of), standing)
    return table


def _compared(part: Decided, whose: Mapping[Sighted, str]) -> str:
    """What a decision's photos are compared with, by the animal that most of the others show now."""
    if not part.others:
        return ""
    if part.kind == "same":
        return f"and {_first_of(part.others)}"
    found = Counter(whose[seen] for seen in part.others if seen in whose).most_common(1)
    with_whom = found[0][0] if found else _first_of(part.others)
    return f"{'is' if part.kind == 'confirm' else 'not'} {with_whom}"


def _first_of(parts: Sequence[Sighted]) -> str:
    photos = {part.image_id for part in parts}
    return min(photos) + (f" and {len(photos) - 1} more" if len(photos) > 1 else "")
