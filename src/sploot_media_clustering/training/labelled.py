"""Labelled photos: reading a data set, and its vectors in columns.

A data set is a folder with an ``index.csv`` of the columns ``file, animal`` and, optionally, ``species,
captured_at`` (ISO 8601, or EXIF's ``YYYY:MM:DD HH:MM:SS``); ``a+b`` as an animal means that both are in the
photo. An ``index.jsonl`` has an object of the same names on each line. Without an index, every subfolder is
an animal. A folder of such folders is read as several data sets; an index of another name is told by path.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from sploot_media_clustering.domain.album import SPECIES, PhotoEmbedding
from sploot_media_clustering.domain.clearness import clearness
from sploot_media_clustering.domain.heads import features
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.services.ports import IMAGE_EXTENSIONS
from sploot_media_clustering.training.csv_table import Row, read_rows
from sploot_media_clustering.training.json_lines import JOINED, read_lines

_INDEXES: Final = ("index.csv", "index.jsonl")
_READERS: Final = {".csv": read_rows, ".jsonl": read_lines}
_NEEDED: Final = ("file", "animal")
_EXIF_DATE: Final = re.compile(r"^(\d{4}):(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo and what a person said of it.

    Attributes:
        key: ``set/file``, unique over all data sets.
        path: of the file.
        animals: names of the animals in it, each ``set/animal``; empty where none was named.
        captured_at: as the index tells it, on the camera's clock.
        species: as the index tells it; empty where it does not.
    """

    key: str
    path: Path
    animals: tuple[str, ...]
    captured_at: datetime | None
    species: str = ""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A named folder of labelled photos."""

    name: str
    folder: Path
    photos: tuple[LabelledPhoto, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledVectors:
    """Photos of one animal each, in columns: what identity heads are fitted on and judged by.

    Attributes:
        keys: of the photos.
        x: feature vectors of the best sighting, or of the whole photo where no animal was found.
        clearness: what the evidence of each is worth.
        animals: index of each photo's animal.
        sets: index of each photo's data set.
        animal_names: by index.
        set_names: by index.
    """

    keys: tuple[str, ...]
    x: Float32[np.ndarray, "n f"]
    clearness: Float64[np.ndarray, " n"]
    animals: Int64[np.ndarray, " n"]
    sets: Int64[np.ndarray, " n"]
    animal_names: tuple[str, ...]
    set_names: tuple[str, ...]

    def rows_of(self, set_index: int, *, least: int) -> list[Int64[np.ndarray, " m"]]:
        """Rows of each animal of a set that has at least so many photos."""
        inside = np.flatnonzero(self.sets == set_index)
        groups = (inside[self.animals[inside] == a] for a in np.unique(self.animals[inside]))
        return [rows for rows in groups if len(rows) >= least]

    def taken(self, rows: Int64[np.ndarray, " m"]) -> LabelledVectors:
        """Some of the photos; animals and sets are numbered as before."""
        return replace(
            self,
            keys=tuple(self.keys[row] for row in rows.tolist()),
            x=self.x[rows],
            clearness=self.clearness[rows],
            animals=self.animals[rows],
            sets=self.sets[rows],
        )


def read_data_sets(folders: Sequence[Path]) -> tuple[DataSet, ...]:
    """All data sets in some folders, or of some manifests, each named after its folder.

    Raises:
        DatasetError: a folder is not there, holds no labelled photos, or its index does not read.
    """
    found: dict[str, DataSet] = {}
    for folder in folders:
        for data_set in _data_sets_in(folder):
            if data_set.name in found:
                raise DatasetError(
                    f"two data sets are called {data_set.name!r}: {found[data_set.name].folder} and "
                    f"{data_set.folder}; a set is called as its folder, so rename one, or move one manifest"
                )
            found[data_set.name] = data_set
    return tuple(found.values())


def halved(data_sets: tuple[DataSet, ...]) -> tuple[DataSet, ...]:
    """Several data sets as they are; a single one as two, since heads are judged on sets unknown to them.

    Animals go to the halves in turn, by falling number of photos.
    """
    if len(data_sets) != 1:
        return data_sets
    (whole,) = data_sets
    photos = Counter(photo.animals[0] for photo in whole.photos if photo.animals)
    second = {animal for animal, _ in sorted(photos.items(), key=lambda pair: (-pair[1], pair[0]))[1::2]}
    parts: tuple[list[LabelledPhoto], list[LabelledPhoto]] = ([], [])
    for photo in whole.photos:
        parts[bool(photo.animals) and photo.animals[0] in second].append(photo)
    return tuple(
        replace(whole, name=f"{whole.name} ({number} of 2)", photos=tuple(part))
        for number, part in enumerate(parts, start=1)
    )


def labelled_vectors(
    data_sets: Sequence[DataSet], embeddings: Mapping[str, PhotoEmbedding]
) -> LabelledVectors:
    """The photos that show one named animal, as vectors; photos without an embedding are passed over.

    Raises:
        DatasetError: none is left.
    """
    photos = [
        (photo, data_set.name)
        for data_set in data_sets
        for photo in data_set.photos
        if len(photo.animals) == 1 and photo.key in embeddings
    ]
    if not photos:
        raise DatasetError("expected embedded photos of one animal each, got none; name another data set")
    animal_names, animals = np.unique([photo.animals[0] for photo, _ in photos], return_inverse=True)
    set_names, sets = np.unique([name for _, name in photos], return_inverse=True)
    whole = np.stack([embeddings[photo.key].embedding for photo, _ in photos])
    crop = np.stack([best_crop(embeddings[photo.key]) for photo, _ in photos])
    return LabelledVectors(
        keys=tuple(photo.key for photo, _ in photos),
        x=features(whole, crop),
        clearness=_clearness([embeddings[photo.key] for photo, _ in photos]),
        animals=animals.astype(np.int64),
        sets=sets.astype(np.int64),
        animal_names=tuple(animal_names.tolist()),
        set_names=tuple(set_names.tolist()),
    )


def _clearness(embeddings: Sequence[PhotoEmbedding]) -> Float64[np.ndarray, " n"]:
    best = [photo.sightings[0] if photo.sightings else None for photo in embeddings]
    unknown = np.full(len(SPECIES), 1.0 / len(SPECIES), np.float32)
    return clearness(
        np.stack([one.species if one else unknown for one in best]),
        np.array([one.detector_score if one else 0.0 for one in best]),
    )


def best_crop(embedding: PhotoEmbedding) -> np.ndarray:
    """Embedding of the best sighting's crop; of the whole photo where there is none."""
    return embedding.sightings[0].embedding if embedding.sightings else embedding.embedding


def _data_sets_in(folder: Path) -> list[DataSet]:
    if folder.is_file():
        return [_manifest(folder)]
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} is not a folder, nor a file; expected a data set, a folder of data sets, "
            f"or a manifest ({' or '.join(_READERS)})"
        )
    index = _index_in(folder)
    if index:
        return [_manifest(index)]
    children = [child for child in sorted(folder.iterdir()) if child.is_dir()]
    indexes = [index for child in children if (index := _index_in(child))]
    if indexes:
        return [_manifest(index) for index in indexes]
    photos = tuple(
        LabelledPhoto(f"{folder.name}/{child.name}/{path.name}", path, (f"{folder.name}/{child.name}",), None)
        for child in children
        for path in sorted(child.iterdir())
        if path.suffix.lower() in IMAGE_EXTENSIONS
    )
    if not photos:
        raise DatasetError(
            f"{folder} has neither an index ({', '.join(_INDEXES)}) nor a subfolder of photos for each animal"
        )
    return [DataSet(folder.name, folder, photos)]


def _index_in(folder: Path) -> Path | None:
    found = [folder / name for name in _INDEXES if (folder / name).is_file()]
    if len(found) > 1:
        raise DatasetError(f"{folder} has {' and '.join(_INDEXES)}; expected one of them, remove the other")
    return found[0] if found else None


def _manifest(path: Path) -> DataSet:
    """The photos that a file lists; they lie beside it, or where their absolute paths say."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise DatasetError(f"{path}: expected a manifest that ends in {' or '.join(_READERS)}")
    folder = path.absolute().parent
    rows = read(path, _NEEDED)
    if not rows:
        raise DatasetError(f"{path} lists no photos")
    places: dict[str, str] = {}
    for row in rows:
        before = places.setdefault(row.values["file"], row.place)
        if before != row.place:
            raise DatasetError(
                f"{row.place}: {row.values['file']} is listed already ({before}); expected each photo once, "
                f"its animals joined by {JOINED!r}"
            )
    return DataSet(folder.name, folder, tuple(_labelled(folder, row) for row in rows))


def _labelled(folder: Path, row: Row) -> LabelledPhoto:
    file, told = row.values["file"], row.values.get("captured_at", "")
    if not file:
        raise DatasetError(f"{row.place}: expected a value of 'file', got none")
    animals = tuple(f"{folder.name}/{name}" for name in row.values["animal"].split(JOINED) if name)
    try:
        captured_at = datetime.fromisoformat(_EXIF_DATE.sub(r"\1-\2-\3", told)) if told else None
    except ValueError as error:
        raise DatasetError(
            f"{row.place}: captured_at of {file} is {told!r}, expected YYYY-MM-DD HH:MM:SS"
        ) from error
    species = row.values.get("species", "")
    return LabelledPhoto(f"{folder.name}/{file}", folder / file, animals, captured_at, species)
