"""What goes where when an album leaves for folders of its own, and what is written about each photo."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias

from sploot_media_clustering.services.answer import Answer, Cluster
from sploot_media_clustering.services.shapes import BoxFractions

By: TypeAlias = Literal["animal", "look"]

UNCLUSTERED: Final = "Set aside"
HERO_RATINGS: Final = (5, 4, 4)
"""Stars of an animal's heroes, by rank; photos that are none have no rating of ours."""

_MOST_BYTES: Final = 120
"""Of a folder's or file's name: below the 143 of encrypted file systems, and Windows' paths of 260."""

_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
_RESERVED: Final = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"COM{i}" for i in range(10)), *(f"LPT{i}" for i in range(10))]
)
"""Names that Windows keeps for devices, whatever their ending."""


@dataclass(frozen=True, slots=True)
class Region:
    """An animal in a photo.

    Attributes:
        name: what it is called.
        box: where it is.
    """

    name: str
    box: BoxFractions


@dataclass(frozen=True, slots=True)
class About:
    """What is known of one photo, for its keywords.

    Attributes:
        image_id: the photo.
        width_px: upright.
        height_px: upright.
        regions: its animals that have a place.
        keywords: names, species and labels, each once.
        paths: ``Animals|Milo|Asleep indoors`` for each look that it is in.
        rating: stars of a hero, else None.
    """

    image_id: str
    width_px: int
    height_px: int
    regions: tuple[Region, ...] = ()
    keywords: tuple[str, ...] = ()
    paths: tuple[tuple[str, ...], ...] = ()
    rating: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Placement:
    """One file to be written.

    Attributes:
        target: relative path, safe on every file system.
        image_id: the photo.
    """

    target: PurePosixPath
    image_id: str


def placements(answer: Answer, by: By, *, heroes_only: bool = False) -> list[Placement]:
    """Where each photo goes: a photo of two animals to both, one without a place to :data:`UNCLUSTERED`.

    Args:
        answer: of the album, both levels.
        by: ``animal``: a folder for each; ``look``: folders of looks inside it.
        heroes_only: only what deserves to be shown.
    """
    folders = dict(_folders(answer, by))
    taken: set[str] = set()
    placed: list[Placement] = []

    def place(folder: PurePosixPath, image_ids: Iterable[str]) -> None:
        for image_id in sorted(set(image_ids)):
            name = safe_name(image_id.rpartition("/")[2])
            placed.append(Placement(_distinct(folder, name, taken), image_id))

    for part in answer.clusters:
        if part.id in folders:
            chosen = part.heroes if heroes_only else part.members
            place(folders[part.id], (item.image_id for item in chosen))
    if not heroes_only:
        inside = {placement.image_id for placement in placed}
        aside = (photo.image_id for photo in answer.unclustered if photo.reason != "unreadable")
        place(PurePosixPath(UNCLUSTERED), set(aside) - inside)
    return sorted(placed)


def _folders(answer: Answer, by: By) -> Iterator[tuple[str, PurePosixPath]]:
    """A folder for each cluster of the level asked for; equal names are told apart."""
    taken: set[str] = {UNCLUSTERED.casefold()}
    animal = PurePosixPath()
    for part in answer.clusters:
        if part.level == "subject":
            animal = _distinct(PurePosixPath(), safe_name(part.name or part.label), taken)
            if by == "animal":
                yield part.id, animal
        elif by == "look":
            yield part.id, _distinct(animal, safe_name(part.name or part.label), taken)


def _distinct(folder: PurePosixPath, name: str, taken: set[str]) -> PurePosixPath:
    """The name in the folder, numbered where it is taken; some systems take "a" and "A" for one name."""
    plain = PurePosixPath(name)
    number, path = 1, folder / name
    while str(path).casefold() in taken:
        number += 1
        path = folder / f"{plain.stem} ({number}){plain.suffix}"
    taken.add(str(path).casefold())
    return path


def safe_name(name: str) -> str:
    """A name as one part of a path that every file system takes, and that leads nowhere else."""
    text = unicodedata.normalize("NFC", name)
    text = "".join("_" if c in _FORBIDDEN or unicodedata.category(c)[0] == "C" else c for c in text)
    stem, dot, ending = text.strip(" .").rpartition(".")
    if not dot or len(ending.encode()) > _MOST_BYTES // 4:
        stem, ending = text.strip(" ."), ""
    if stem.split(".")[0].upper() in _RESERVED or not stem:
        stem += "_"
    room = _MOST_BYTES - len(ending.encode()) - len(dot)
    stem = stem.encode()[:room].decode(errors="ignore").rstrip(" .")
    return f"{stem}.{ending}" if ending else stem


@dataclass(slots=True)
class _Known:
    """What is gathered of one photo."""

    regions: dict[Region, None] = field(default_factory=dict)
    keywords: dict[str, None] = field(default_factory=dict)
    paths: dict[tuple[str, ...], None] = field(default_factory=dict)
    rating: int | None = None


def about_photos(answer: Answer) -> dict[str, About]:
    """What there is to write about each photo of an album, by ``image_id``."""
    known = {image.image_id: _Known() for image in answer.images}
    animal = ""
    for part in answer.clusters:
        called = part.name or part.label
        if part.level == "subject":
            animal = called
        _tell(part, called, animal, known)
    return {
        image.image_id: About(
            image.image_id,
            image.width_px,
            image.height_px,
            tuple(told.regions),
            tuple(told.keywords),
            tuple(told.paths),
            told.rating,
        )
        for image in answer.images
        for told in [known[image.image_id]]
    }


def _tell(part: Cluster, called: str, animal: str, known: dict[str, _Known]) -> None:
    if part.id == f"{part.parent_id}-other":
        return  # what has no look of its own says nothing about a picture
    path = ("Animals", animal) if part.level == "subject" else ("Animals", animal, called)
    for member in part.members:
        told = known[member.image_id]
        told.keywords |= dict.fromkeys((animal, member.species, called))
        told.paths[path] = None
        if part.level == "subject":
            told.regions[Region(animal, member.box)] = None
    if part.level == "subject":
        for hero in part.heroes[: len(HERO_RATINGS)]:
            stars = HERO_RATINGS[hero.rank - 1]
            known[hero.image_id].rating = max(stars, known[hero.image_id].rating or 0)


CSV_COLUMNS: Final = (
    "image_id",
    "captured_at",
    "animal_id",
    "name",
    "label",
    "species",
    "look",
    "probability",
    "confirmed",
    "hero_rank",
    "left",
    "top",
    "right",
    "bottom",
)


def csv_rows(answer: Answer) -> Iterator[tuple[str, ...]]:
    """A row a photo and animal, in the order of :data:`CSV_COLUMNS`; photos without an animal come last."""
    times = {image.image_id: image.captured_at for image in answer.images}
    looks = _looks(answer.clusters)
    placed = set()
    for part in answer.clusters:
        if part.level != "subject":
            continue
        ranks = {hero.image_id: str(hero.rank) for hero in part.heroes}
        for m in sorted(part.members, key=lambda member: member.image_id):
            placed.add(m.image_id)
            time = times.get(m.image_id)
            yield tuple(
                map(
                    harmless,
                    (
                        m.image_id,
                        time.isoformat() if time else "",
                        part.id,
                        part.name or "",
                        part.label,
                        m.species,
                        looks.get((part.id, m.image_id), ""),
                        str(m.probability),
                        "yes" if m.confirmed else "",
                        ranks.get(m.image_id, ""),
                        *map(str, m.box),
                    ),
                )
            )
    for image in answer.images:
        if image.image_id not in placed:
            time = image.captured_at
            row = (image.image_id, time.isoformat() if time else "")
            yield tuple(map(harmless, row + ("",) * (len(CSV_COLUMNS) - len(row))))


def _looks(clusters: Sequence[Cluster]) -> dict[tuple[str, str], str]:
    return {
        (part.parent_id, member.image_id): part.name or part.label
        for part in clusters
        if part.parent_id is not None
        for member in part.members
    }


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, "CSV injection")."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
