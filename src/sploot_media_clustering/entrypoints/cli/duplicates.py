"""``sploot-clustering duplicates``: photos that are there more than once, across albums."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
import typer
from jaxtyping import Float32, Int64
from rich.markup import escape

from sploot_media_clustering.adapters.albums import PhotoAlbum, find_albums_by_folder
from sploot_media_clustering.adapters.vector_index.kept import KeptIndex, read_index, write_index
from sploot_media_clustering.adapters.vector_index.kinds import fitting_kind, open_index
from sploot_media_clustering.bootstrap import Engine, open_engine
from sploot_media_clustering.domain.moments import SAME_PICTURE
from sploot_media_clustering.entrypoints.cli.console import err, out, tracked
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.embedding import PhotoFailure
from sploot_media_clustering.services.lookalikes import lookalikes
from sploot_media_clustering.settings import from_environment

Kind = Literal["auto", "exact", "sklearn", "hnsw", "ivf-pq"]
_SCENES: Final = "scenes"
_PHOTOS: Final = "photos"


class _Photo(msgspec.Struct, frozen=True):
    album: str
    image_id: str
    uri: str
    width_px: int
    height_px: int


class _Alike(_Photo, frozen=True):
    """A photo of a group, and the cosine of its scene and that of the first one."""

    cosine: float


class _Report(msgspec.Struct, frozen=True):
    index: str
    least: float
    photos: int
    known: int
    groups: list[list[_Alike]]


class _Collection:
    """Photos and their scenes, those that were known before first."""

    def __init__(self, dimension: int, kept: KeptIndex | None) -> None:
        self.kept = kept
        self.photos = [] if kept is None else _unpacked(kept)
        self._scenes = [np.zeros((0, dimension), np.float32) if kept is None else kept.beside[_SCENES]]
        self.known = len(self.photos)
        self._uris = {photo.uri for photo in self.photos}

    @property
    def scenes(self) -> Float32[np.ndarray, "n c"]:
        if len(self._scenes) > 1:
            self._scenes = [np.concatenate(self._scenes)]
        return self._scenes[0]

    def without_known(self, album: PhotoAlbum) -> PhotoAlbum:
        return replace(album, photos=tuple(one for one in album.photos if one.uri not in self._uris))

    def take_in(self, photos: Sequence[_Photo], scenes: Float32[np.ndarray, "n c"]) -> None:
        self.photos += photos
        self._scenes.append(scenes)

    def index(self, kind: Kind) -> KeptIndex:
        """The index that is known, or an empty one for so many photos."""
        if self.kept is not None:
            return self.kept
        chosen = fitting_kind(len(self.photos)) if kind == "auto" else kind
        dimension = self.scenes.shape[1]
        return KeptIndex(chosen, open_index(chosen, dimension), "", dimension, {})

    def alike(self, rows: Int64[np.ndarray, " m"]) -> list[_Alike]:
        """A group, the photo of the most pixels first."""
        members = [self.photos[row] for row in rows]
        order = sorted(range(len(rows)), key=lambda i: (-_pixels(members[i]), members[i].uri))
        vectors = self.scenes[rows[order]].astype(np.float64)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = (vectors @ vectors[0]).round(3).clip(max=1.0).tolist()
        return [
            _Alike(**msgspec.structs.asdict(members[i]), cosine=cosine)
            for i, cosine in zip(order, cosines, strict=True)
        ]


def duplicates(
    photos: Annotated[
        list[str],
        typer.Argument(help="Folders with a folder for each album, files, quoted globs or URIs."),
    ],
    across: Annotated[bool, typer.Option("--across", help="Only what is in several albums.")] = False,
    least: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="How alike, as a cosine of scenes.")
    ] = SAME_PICTURE,
    beside: Annotated[
        Path | None, typer.Option(help="Look among the photos of a file that `--record` wrote as well.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Keep the index of all photos in a file.")] = None,
    index: Annotated[
        Kind, typer.Option(help="How photos are looked up: exactly, or faster where there are very many.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")] = False,
    model: Annotated[Path | None, typer.Option(help="Folder of a model package.")] = None,
    cache: Annotated[str | None, typer.Option(help="Where embeddings are kept between runs.")] = None,
) -> None:
    """Find photos that are there more than once: copies, other sizes, frames of a burst.

    For whoever may see all the albums that are named; the service never looks across owners. Of a group the
    photo of the most pixels comes first. Nothing is deleted.

    Examples:

        sploot-clustering duplicates shelter --across

        sploot-clustering duplicates archive --record archive.index

        sploot-clustering duplicates inbox --beside archive.index --json
    """
    if beside is not None and index != "auto":
        raise typer.BadParameter("the index of --beside is of a kind already", param_hint="--index")
    settings = from_environment()
    settings = replace(settings, model=model or settings.model, cache=cache or settings.cache)
    with open_engine(settings) as engine:
        version = engine.clustering.model.version
        kept = None if beside is None else read_index(beside, version)
        collection = _Collection(engine.clustering.model.scene_dimension, kept)
        for album in find_albums_by_folder(photos, engine.file_systems):
            collection.take_in(*_seen(engine, collection.without_known(album), quiet=as_json))
    chosen = collection.index(index)
    found = lookalikes(
        collection.scenes,
        chosen.index,
        known=collection.known,
        least=least,
        watch=lambda blocks: tracked(blocks, len(blocks), "comparing", quiet=as_json),
    )
    groups = [collection.alike(rows) for rows in found]
    if across:
        groups = [group for group in groups if len({photo.album for photo in group}) > 1]
    if record is not None:
        beside_it = {_SCENES: collection.scenes, _PHOTOS: _packed(collection.photos)}
        write_index(replace(chosen, version=version, beside=beside_it), record)
    known = collection.known
    _print(_Report(chosen.kind, least, len(collection.photos) - known, known, groups), as_json=as_json)


def _seen(
    engine: Engine, album: PhotoAlbum, *, quiet: bool
) -> tuple[list[_Photo], Float32[np.ndarray, "n c"]]:
    """The photos of an album that can be read, and their scenes."""
    photos, scenes = [], [np.zeros((0, engine.clustering.model.scene_dimension), np.float32)]
    embedded = tracked(engine.embedding.embed(album.photos), len(album.photos), album.name, quiet=quiet)
    for one, result in zip(album.photos, embedded, strict=True):
        if isinstance(result, PhotoFailure):
            err.print(f"[yellow]Left out[/] {escape(one.uri)}: {escape(str(result.error))}", soft_wrap=True)
            continue
        photos.append(_Photo(album.name, one.image_id, one.uri, result.width_px, result.height_px))
        scenes.append(engine.heads.scene.project(result.embedding[None]))
    return photos, np.concatenate(scenes)


def _pixels(photo: _Photo) -> int:
    return photo.width_px * photo.height_px


def _packed(photos: Sequence[_Photo]) -> np.ndarray:
    return np.frombuffer(msgspec.json.encode(photos), np.uint8)


def _unpacked(kept: KeptIndex) -> list[_Photo]:
    try:
        photos = msgspec.json.decode(kept.beside[_PHOTOS].tobytes(), type=list[_Photo])
        scenes = kept.beside[_SCENES]
    except (KeyError, msgspec.DecodeError) as error:
        raise InputError(
            f"expected an index of `duplicates --record`, got one without photos: {error}"
        ) from error
    if scenes.shape != (len(photos), kept.dimension):
        raise InputError(f"expected {len(photos)} scenes, got {len(scenes)}; record the photos anew")
    return photos


def _print(report: _Report, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        return
    for group in report.groups:
        for photo in group:
            size = f"{photo.width_px} x {photo.height_px}"
            out.print(f"{photo.cosine:.3f}  {size:>11}  {photo.uri}", markup=False, soft_wrap=True)
        out.print()
    many = sum(map(len, report.groups))
    beside = f", beside {report.known} known before" if report.known else ""
    out.print(
        f"{len(report.groups)} groups of {many} photos that show the same picture, among {report.photos}"
        f"{beside} (index: {report.index})",
        soft_wrap=True,
    )
