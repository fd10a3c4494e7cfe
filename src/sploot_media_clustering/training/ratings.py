"""Ratings: what people said of every photo of an album, and the rated photos' vectors in columns.

``ratings.csv`` stands beside a data set's ``index.csv`` with the columns ``file, rater, album, look, moment,
hero, view, eyes, activity, framing, setting, flaws, others``. ``look`` names the shelf where the rater would
put the photo (``-``: none), ``moment`` numbers the occasions, ``hero`` says from 1 to 5 how good a photo is
as the picture of this animal, inside the album; ``flaws`` and ``others`` are joined by ``+``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from sploot_media_clustering.domain.album import SPECIES, WHOLE, PhotoEmbedding, SightingEmbedding
from sploot_media_clustering.domain.attributes import ABSENT, COMPANIONS, FLAWS, PRESENT, VOCABULARY
from sploot_media_clustering.domain.cues import cues
from sploot_media_clustering.domain.heads import features
from sploot_media_clustering.domain.quality import PIXEL_MEASURES
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.csv_table import read_rows

RATINGS_FILE: Final = "ratings.csv"
ACCEPTED: Final = 4.0
"""Least rating of a picture that people are glad to see as the hero."""

_LEAST_HERO: Final = 1
_MOST_HERO: Final = 5
_NO_LOOK: Final = "-"
_CHOSEN: Final = tuple(group for group in VOCABULARY if group not in (*COMPANIONS, *FLAWS))
_COLUMNS: Final = frozenset({"file", "rater", "album", "look", "moment", "hero", "flaws", "others", *_CHOSEN})


@dataclass(frozen=True, slots=True)
class Rating:
    """What one person said of one photo.

    Attributes:
        key: ``set/file``.
        rater: who.
        album: ``set/album``.
        look: name of the shelf, unique inside the album; None for a photo of no shelf.
        moment: number of the occasion inside the album.
        hero: from 1 to 5.
        attributes: value of each group of ``VOCABULARY``.
    """

    key: str
    rater: str
    album: str
    look: str | None
    moment: str
    hero: float
    attributes: Mapping[str, str]


def read_ratings(folders: Sequence[Path]) -> tuple[Rating, ...]:
    """All ratings of some data sets (each a folder that may hold a ``ratings.csv``).

    Raises:
        DatasetError: a file lacks a column or holds a value that the scheme does not know.
    """
    return tuple(
        rating for folder in folders if (folder / RATINGS_FILE).is_file() for rating in _ratings_of(folder)
    )


def _ratings_of(folder: Path) -> Iterable[Rating]:
    for row in read_rows(folder / RATINGS_FILE, _COLUMNS):
        try:
            yield _rating(folder.name, row.values)
        except ValueError as error:
            raise DatasetError(f"{row.place}, {row.values['file']}: {error}") from error


def _rating(data_set: str, row: Mapping[str, str]) -> Rating:
    ticked = {flaw for flaw in row["flaws"].split("+") if flaw}
    ticked |= {companion for companion in row["others"].split("+") if companion}
    unknown = ticked - {*FLAWS, *COMPANIONS}
    if unknown:
        raise ValueError(f"expected flaws of {FLAWS} and others of {COMPANIONS}, got {sorted(unknown)}")
    attributes = {group: row[group] for group in _CHOSEN}
    for group, value in attributes.items():
        if value not in VOCABULARY[group]:
            raise ValueError(f"expected {group} to be one of {VOCABULARY[group]}, got {value!r}")
    attributes |= {name: PRESENT if name in ticked else ABSENT for name in (*COMPANIONS, *FLAWS)}
    return Rating(
        key=f"{data_set}/{row['file']}",
        rater=row["rater"],
        album=f"{data_set}/{row['album']}",
        look=None if row["look"] == _NO_LOOK else row["look"],
        moment=row["moment"],
        hero=_hero(row["hero"]),
        attributes=attributes,
    )


def _hero(told: str) -> float:
    try:
        hero = float(told)
    except ValueError:
        hero = math.nan
    if not _LEAST_HERO <= hero <= _MOST_HERO:
        raise ValueError(f"expected hero to be a number from {_LEAST_HERO} to {_MOST_HERO}, got {told!r}")
    return hero


@dataclass(frozen=True, slots=True, eq=False)
class RatedPhotos:
    """Rated photos, in columns.

    Attributes:
        keys: of the photos.
        sightings: the best of each photo; of one in which no animal was found, the whole photo.
        seen: whether an animal was found; heads are fitted on these only.
        x: feature vectors.
        cues: what attribute and appeal heads read.
        albums: index of each photo's album.
        looks: index of each photo's look, unique over albums; a photo of no look has one of its own.
        look_names: what the rater calls each photo's look; None for a photo of no look.
        moments: index of each photo's moment, unique over albums.
        hero: mean rating over raters.
        first_hero: rating of the first rater.
        truth: index of each photo's value, a column a group of ``VOCABULARY``.
        album_names: by index.
    """

    keys: tuple[str, ...]
    sightings: tuple[SightingEmbedding, ...]
    seen: Bool[np.ndarray, " n"]
    x: Float32[np.ndarray, "n f"]
    cues: Float32[np.ndarray, "n c"]
    albums: Int64[np.ndarray, " n"]
    looks: Int64[np.ndarray, " n"]
    look_names: tuple[str | None, ...]
    moments: Int64[np.ndarray, " n"]
    hero: Float64[np.ndarray, " n"]
    first_hero: Float64[np.ndarray, " n"]
    truth: Int64[np.ndarray, "n g"]
    album_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def taken(self, rows: Int64[np.ndarray, " m"]) -> RatedPhotos:
        """Some of the photos, albums and looks numbered as before."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "album_names"}
        part: dict[str, Any] = {
            name: tuple(column[i] for i in rows) if isinstance(column, tuple) else column[rows]
            for name, column in columns.items()
        }
        return RatedPhotos(**part, album_names=self.album_names)


def rated_photos(ratings: Sequence[Rating], embeddings: Mapping[str, PhotoEmbedding]) -> RatedPhotos:
    """The rated photos that have an embedding.

    Looks, moments and attributes are those of the first rater by name.

    Raises:
        DatasetError: none of the rated photos has an embedding.
    """
    by_photo: dict[str, list[Rating]] = defaultdict(list)
    for rating in ratings:
        if rating.key in embeddings:
            by_photo[rating.key].append(rating)
    if not by_photo:
        raise DatasetError("expected an embedding of at least one rated photo, got none")
    first = [min(said, key=lambda rating: rating.rater) for said in by_photo.values()]
    photos = [embeddings[rating.key] for rating in first]
    best = tuple(photo.sightings[0] if photo.sightings else _whole(photo) for photo in photos)
    x = features(np.stack([photo.embedding for photo in photos]), np.stack([s.embedding for s in best]))
    album_names, albums = np.unique([rating.album for rating in first], return_inverse=True)
    return RatedPhotos(
        keys=tuple(by_photo),
        sightings=best,
        seen=np.array([bool(photo.sightings) for photo in photos]),
        x=x,
        cues=np.stack([cues(v, s.box, s.detector_score, s.pixels) for v, s in zip(x, best, strict=True)]),
        albums=albums.astype(np.int64),
        looks=numbered([(r.album, r.look, "" if r.look else r.key) for r in first]),
        look_names=tuple(r.look for r in first),
        moments=numbered([(r.album, r.moment) for r in first]),
        hero=np.array([np.mean([r.hero for r in said]) for said in by_photo.values()], np.float64),
        first_hero=np.array([rating.hero for rating in first], np.float64),
        truth=np.array([[VOCABULARY[g].index(r.attributes[g]) for g in VOCABULARY] for r in first], np.int64),
        album_names=tuple(album_names.tolist()),
    )


def _whole(photo: PhotoEmbedding) -> SightingEmbedding:
    """A stand-in for the animal that was not found."""
    return SightingEmbedding(
        box=WHOLE,
        species=np.full(len(SPECIES), 1.0 / len(SPECIES), np.float32),
        detector_score=0.0,
        embedding=photo.embedding,
        pixels=np.zeros(len(PIXEL_MEASURES), np.float32),
    )


def numbered(names: Sequence[object]) -> Int64[np.ndarray, " n"]:
    """Equal names, equal numbers, from 0 by first appearance."""
    number: dict[object, int] = {}
    return np.array([number.setdefault(name, len(number)) for name in names], np.int64)
