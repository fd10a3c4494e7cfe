"""``sploot-clustering export``: photos into folders by animal and look, with keywords, and as a table."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.export_folder import SIDECAR, ExportFolder, How
from sploot_media_clustering.adapters.filesystems import LOCAL, FileSystems, protocol_of
from sploot_media_clustering.adapters.images import ImageLimits
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.adapters.xmp import has_xmp, is_jpeg, packet, with_xmp
from sploot_media_clustering.entrypoints.cli.console import err, out, tracked
from sploot_media_clustering.entrypoints.cli.results import Results
from sploot_media_clustering.errors import InputError, TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.exporting import (
    CSV_COLUMNS,
    About,
    By,
    Placement,
    about_photos,
    csv_rows,
    harmless,
    placements,
    safe_name,
)
from sploot_media_clustering.services.labels import (
    LABELS_FILE,
    PREFERENCES_FILE,
    LabelledPhoto,
    Preference,
    labels,
    lines,
)
from sploot_media_clustering.services.ports import PhotoSource
from sploot_media_clustering.settings import from_environment


def export(
    folder: Annotated[Path, typer.Argument(help="What `cluster --out` wrote.")],
    destination: Annotated[
        Path | None, typer.Argument(help="Folder for the photos; nothing of yours in it is changed.")
    ] = None,
    album: Annotated[str | None, typer.Option(help="One album; by default all, each in its folder.")] = None,
    how: Annotated[How, typer.Option("--as", help="copies, hardlinks or symlinks.")] = "copies",
    by: Annotated[By, typer.Option(help="A folder for each animal, or for each look inside it.")] = "animal",
    heroes: Annotated[bool, typer.Option("--heroes", help="Only the pictures that deserve it.")] = False,
    xmp: Annotated[bool, typer.Option("--xmp", help="Put an XMP sidecar beside each photo.")] = False,
    embed: Annotated[
        bool, typer.Option("--embed-keywords", help="Put names and labels into copied JPEGs.")
    ] = False,
    table: Annotated[Path | None, typer.Option("--csv", help="Write a row a photo and animal.")] = None,
    labels_folder: Annotated[
        Path | None, typer.Option("--labels", help="Write what people said as labels, for `train heads`.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Sort photos into folders by animal and look. Originals are never touched.

    Run it again after new photos or decisions: copies that have no place any more go, unless somebody
    changed them.

    Names, labels and animals' places go into XMP sidecars, or into the copies of JPEGs without touching a
    pixel, where other photo software finds them.

    Examples:

        sploot-clustering export out ~/Sorted

        sploot-clustering export out ~/Best --heroes --embed-keywords

        sploot-clustering export out ~/Sorted --by look --as symlinks --xmp

        sploot-clustering export out --csv animals.csv

        sploot-clustering export out --labels labelled/home
    """
    if destination is None and table is None and labels_folder is None:
        raise typer.BadParameter("expected a DESTINATION, --csv FILE or --labels FOLDER")
    if embed and how != "copies":
        raise typer.BadParameter("expected --as copies with --embed-keywords: links are the originals")
    results = Results(folder)
    answers = results.answers()
    chosen = _chosen(answers, album)
    if table is not None and not dry_run:
        write_atomically(table, _csv(chosen))
    if labels_folder is not None and not dry_run:
        _write_labels(labels_folder, chosen, results.photos().uris)
    if destination is not None:
        uris = results.photos().uris
        _require_apart(destination, uris)
        job = _Job(ExportFolder.open(destination), uris, _source(), how, xmp=xmp, embed=embed)
        several = len(answers) > 1
        plan = {name: _plan(answer, by, name if several else None, heroes) for name, answer in chosen.items()}
        _put(job, chosen, plan, destination, dry_run=dry_run, as_json=as_json)


def _put(
    job: _Job,
    answers: dict[str, Answer],
    plan: dict[str, list[Placement]],
    destination: Path,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    done = job.due(plan) if dry_run else job.done(answers, plan, quiet=as_json)
    _report(plan, done, destination, dry_run=dry_run, as_json=as_json)
    if done["failed"]:
        raise typer.Exit(1)


def _require_apart(destination: Path, uris: Mapping[str, Mapping[str, str]]) -> None:
    """Originals among the copies would be taken for copies."""
    local = (uri for own in uris.values() for uri in own.values() if protocol_of(uri) == LOCAL)
    folders = sorted({_path(uri).parent for uri in local})
    inside = next((it for it in folders if it.resolve().is_relative_to(destination.resolve())), None)
    if inside is not None:
        raise InputError(
            f"expected a DESTINATION apart from the photos, got {destination}: photos of the album are in "
            f"{inside}; name another folder, or run cluster again if these are copies of an export"
        )


def _chosen(answers: dict[str, Answer], album: str | None) -> dict[str, Answer]:
    if album is not None and album not in answers:
        raise InputError(f"expected an album of the folder ({', '.join(answers)}), got {album!r}")
    return {name: answer for name, answer in answers.items() if album in (None, name)}


def _plan(answer: Answer, by: By, folder: str | None, heroes: bool) -> list[Placement]:
    """What goes where, in a folder for the album where there are several."""
    inside = PurePosixPath() if folder is None else PurePosixPath(safe_name(folder))
    return [
        Placement(inside / part.target, part.image_id) for part in placements(answer, by, heroes_only=heroes)
    ]


def _source() -> FsspecSource:
    settings = from_environment()
    return FsspecSource(
        file_systems=FileSystems(timeout_s=settings.timeout_s), max_bytes=ImageLimits().max_bytes
    )


def _csv(answers: Mapping[str, Answer]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("album", *CSV_COLUMNS))
    for name, answer in answers.items():
        writer.writerows((harmless(name), *row) for row in csv_rows(answer))
    return text.getvalue().encode("utf-8-sig")  # spreadsheets take plain UTF-8 for something else


def _write_labels(folder: Path, answers: Mapping[str, Answer], uris: Mapping[str, Mapping[str, str]]) -> None:
    """A data set whose photos lie where they are; of several albums, animals are called after theirs too."""
    photos: list[LabelledPhoto] = []
    chosen: list[Preference] = []
    for name, answer in answers.items():
        known = {image_id: str(_local(uri).absolute()) for image_id, uri in uris[name].items()}
        prefix = "" if len(answers) == 1 else f"{name}/"
        own = labels(answer, known.__getitem__)
        for photo in own.photos:
            animals = tuple(f"{prefix}{animal}" for animal in photo.animal)
            photos.append(msgspec.structs.replace(photo, animal=animals))
        chosen += own.preferences
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / LABELS_FILE, lines(photos))
    write_atomically(folder / PREFERENCES_FILE, lines(chosen))
    told = Counter(photo.told_by for photo in photos)
    count = len({animal for photo in photos for animal in photo.animal})
    out.print(
        f"{told['person'] + told['model']} photos of {count} animals, {told['person']} of them looked at one "
        f"by one, and {len(chosen)} choices of heroes: {folder}",
        markup=False,
        soft_wrap=True,
    )


@dataclass(frozen=True, slots=True)
class _Job:
    """How photos are put where they belong.

    Attributes:
        folder: destination.
        uris: of the photos, by album and image_id.
        source: that reads them.
        how: copies or links.
        xmp: write sidecars.
        embed: write keywords into JPEGs; other files get a sidecar.
    """

    folder: ExportFolder
    uris: Mapping[str, Mapping[str, str]]
    source: PhotoSource
    how: How
    xmp: bool
    embed: bool

    def done(
        self, answers: Mapping[str, Answer], plan: Mapping[str, list[Placement]], *, quiet: bool
    ) -> Counter[str]:
        """Write all photos and what is said about them; count what happened."""
        done: Counter[str] = Counter()
        self.folder.keep_ledger()  # before the first photo: searches for photos know the folder by it
        try:
            for album, placed in plan.items():
                about = about_photos(answers[album])
                for part in tracked(placed, len(placed), album, quiet=quiet):
                    done += self._placed(album, part, about[part.image_id])
            for target, uri in self._left_over(plan).items():
                if self._is_readable(uri):  # a copy may be the last there is
                    self.folder.remove(target)
                    done["removed"] += not target.endswith(SIDECAR)
        finally:
            self.folder.keep_ledger()
        return done

    def due(self, plan: Mapping[str, list[Placement]]) -> Counter[str]:
        """What would be removed."""
        return Counter(removed=sum(not target.endswith(SIDECAR) for target in self._left_over(plan)))

    def _left_over(self, plan: Mapping[str, list[Placement]]) -> dict[str, str]:
        """Of these albums' photos: what others have there stays."""
        known = {uri for album in plan for uri in self.uris[album].values()}
        found = self.folder.left_over(part.target for placed in plan.values() for part in placed)
        return {target: uri for target, uri in found.items() if uri in known}

    def _is_readable(self, uri: str) -> bool:
        try:
            return bool(self.source.read(uri))
        except (UnreadablePhotoError, TemporaryError):
            return False

    def _placed(self, album: str, part: Placement, about: About) -> Counter[str]:
        try:
            return self._put(self._uri(album, part.image_id), part.target, about)
        except (UnreadablePhotoError, TemporaryError) as error:
            err.print(f"[yellow]Left out[/] {escape(part.image_id)}: {escape(str(error))}", soft_wrap=True)
            return Counter(["failed"])

    def _uri(self, album: str, image_id: str) -> str:
        try:
            return self.uris[album][image_id]
        except KeyError as error:
            raise UnreadablePhotoError(f"{image_id} is nowhere known to be; run cluster again") from error

    def _put(self, uri: str, target: PurePosixPath, about: About) -> Counter[str]:
        if self.how != "copies":
            outcome = self.folder.link(target, _local(uri), self.how)
            return Counter([outcome]) + self._sidecar(target, about, uri, wanted=self.xmp)
        data = self.source.read(uri)
        inside = self.embed and is_jpeg(data) and not has_xmp(data)
        outcome = self.folder.put(target, with_xmp(data, packet(about)) if inside else data, uri)
        return Counter([outcome]) + self._sidecar(
            target, about, uri, wanted=self.xmp or (self.embed and not inside)
        )

    def _sidecar(self, target: PurePosixPath, about: About, uri: str, *, wanted: bool) -> Counter[str]:
        if not wanted:
            return Counter()
        self.folder.put(target.with_name(target.name + SIDECAR), packet(about), uri)
        return Counter(["sidecars"])


def _local(uri: str) -> Path:
    path = _path(uri)
    if not path.is_file():
        raise InputError(f"expected a photo on this machine to link to, got {uri}; use --as copies")
    return path


def _path(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def _report(
    plan: Mapping[str, list[Placement]],
    done: Counter[str],
    destination: Path,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    if as_json:
        files = {name: [str(part.target) for part in placed] for name, placed in plan.items()}
        told = {"destination": str(destination), "files": files, "done": done}
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        return
    folders = Counter(str(part.target.parent) for placed in plan.values() for part in placed)
    for name, count in sorted(folders.items()):
        out.print(f"{count:6d}  {escape(name)}")
    if dry_run:
        removed = f", {done['removed']} be removed that have no place any more" if done["removed"] else ""
        out.print(f"{sum(folders.values())} files would go to {escape(str(destination))}{removed}")
        return
    out.print(
        f"{done['written']} written, {done['there']} were there"
        + (f", {done['sidecars']} with a file of keywords" if done["sidecars"] else "")
        + (f", {done['removed']} removed that had no place any more" if done["removed"] else "")
        + (f", {done['failed']} failed" if done["failed"] else "")
        + f": {escape(str(destination))}"
    )
    if done["kept"]:
        err.print(f"[yellow]{done['kept']} files are there already with other content and were left alone[/]")
