"""The camera roll: who was photographed when, and how it is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from sploot_media_clustering.demo import shots
from sploot_media_clustering.demo.pictures import ANIMALS, THINGS, SamplePicture, open_picture
from sploot_media_clustering.errors import MissingExtraError

FIRST_DAY: Final = datetime(2025, 6, 14, 9, 0, tzinfo=timezone(timedelta(hours=2)))
_DAYS: Final = 21
_DAY_S: Final = 12 * 3600
"""From nine to nine."""
_WIDE: Final = 3.0
"""A margin so wide that the frame is the whole picture."""
_EVERY: Final = 5
"""One photo in so many lies on its side, and the JPEG quality goes round."""
_UPRIGHT: Final = 0.3
"""Share of occasions photographed in portrait format."""
_BLUR_PX: Final = 6.0
_OCCASIONS: Final = (
    (shots.DAYLIGHT, _WIDE),
    (shots.LAMP, 1.1),
    (shots.SHADE, 0.75),
    (shots.DUSK, 1.6),
)
"""Light and margin of an occasion."""
_OCCASIONS_EACH: Final = 3
_ROTATED: Final = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""EXIF orientation to how the stored pixels lie."""


@dataclass(frozen=True, slots=True)
class Roll:
    """What was written.

    Attributes:
        folder: where the photos are.
        animals: the animal of every photo; two names joined by "+", "" for none.
        used: the pictures that the photos were made of.
        missing: pictures whose package is not installed.
        broken: a file that ends too early.
    """

    folder: Path
    animals: dict[str, str]
    used: tuple[SamplePicture, ...]
    missing: tuple[SamplePicture, ...]
    broken: str


@dataclass(frozen=True, slots=True)
class _Planned:
    """A photo to take; of two subjects, two photos side by side."""

    taken_at: datetime
    subjects: tuple[SamplePicture, ...]
    shot: shots.Shot

    @property
    def animal(self) -> str:
        return "+".join(subject.name for subject in self.subjects if subject.animal)


def write_roll(folder: Path, *, seed: int = 7, search_path: Sequence[str] = ()) -> Roll:
    """Write about sixty photos, ``SOURCES.md`` with the licences, and ``truth.csv`` with who is on which.

    Args:
        folder: is made where it is missing; files of the same names are overwritten.
        seed: of the simulation; the same seed and pictures give the same photos.
        search_path: folders to look for the packages of the pictures in, beside the installed ones.

    Raises:
        MissingExtraError: no picture of an animal was found.
    """
    opened = {picture: open_picture(picture, search_path) for picture in (*ANIMALS, *THINGS)}
    found = {picture: image for picture, image in opened.items() if image is not None}
    if not any(picture.animal for picture in found):
        raise MissingExtraError(
            "expected a package that carries pictures of animals, found none; "
            "install the extra: pip install 'sploot-media-clustering[demo]'"
        )
    folder.mkdir(parents=True, exist_ok=True)
    plan = sorted(_plan(tuple(found), np.random.default_rng(seed)), key=lambda planned: planned.taken_at)
    roll = Roll(
        folder,
        animals={_name(place): planned.animal for place, planned in enumerate(plan)},
        used=tuple(found),
        missing=tuple(picture for picture in opened if picture not in found),
        broken=_name(len(plan)),
    )
    _write_photos(roll, plan, found, seed)
    _write_notes(roll)
    return roll


def _name(place: int) -> str:
    return f"IMG_{place + 1:04d}.jpg"


def _write_photos(
    roll: Roll, plan: Sequence[_Planned], found: dict[SamplePicture, Image.Image], seed: int
) -> None:
    def write(place: int) -> None:
        photo = _photograph(plan[place], found, np.random.default_rng([seed, place]))
        (roll.folder / _name(place)).write_bytes(_jpeg(photo, plan[place], place))

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(len(plan))))
    whole = (roll.folder / _name(0)).read_bytes()
    (roll.folder / roll.broken).write_bytes(whole[: len(whole) // 3])


def _plan(pictures: tuple[SamplePicture, ...], rng: np.random.Generator) -> Iterator[_Planned]:
    for picture in pictures:
        count = _OCCASIONS_EACH if picture.animal else 1
        for place in rng.choice(len(_OCCASIONS), size=count, replace=False):
            yield from _occasion(picture, *_OCCASIONS[int(place)], rng)
    for species in ("cat", "dog"):  # half of each: by lamp, neither first nor recent, so that it is no hero
        pairs = pairwise(picture for picture in pictures if picture.animal == species)
        for pair in islice(pairs, 1):
            yield _Planned(
                FIRST_DAY + timedelta(days=_DAYS // 2), pair, shots.Shot(1.1, shots.LAMP, upright=True)
            )


def _occasion(
    picture: SamplePicture, light: shots.Light, margin: float, rng: np.random.Generator
) -> Iterator[_Planned]:
    """A burst of two or three photos some seconds apart, the third out of focus; of a thing, one photo."""
    at = _some_time(rng)
    upright = bool(rng.random() < _UPRIGHT)
    burst = (True, True, False)[: int(rng.integers(2, 4))] if picture.animal else (True,)
    for sharp in burst:
        blur_px = 0.0 if sharp else _BLUR_PX
        yield _Planned(
            at,
            (picture,),
            shots.Shot(margin * rng.uniform(0.95, 1.1), light, upright=upright, blur_px=blur_px),
        )
        at += timedelta(seconds=int(rng.integers(2, 9)))


def _some_time(rng: np.random.Generator) -> datetime:
    return FIRST_DAY + timedelta(days=int(rng.integers(_DAYS)), seconds=int(rng.integers(_DAY_S)))


def _photograph(
    planned: _Planned, found: dict[SamplePicture, Image.Image], rng: np.random.Generator
) -> Image.Image:
    photos = [shots.take(found[subject], subject.box, planned.shot, rng) for subject in planned.subjects]
    return photos[0] if len(photos) == 1 else shots.side_by_side(photos[0], photos[1])


def _jpeg(photo: Image.Image, planned: _Planned, place: int) -> bytes:
    """The file's bytes; every fifth photo lies on its side and says so in its EXIF orientation."""
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = planned.taken_at.strftime("%Y:%m:%d %H:%M:%S")
    details[ExifTags.Base.OffsetTimeOriginal] = planned.taken_at.isoformat()[-len("+00:00") :]
    if place % _EVERY == _EVERY - 1:
        orientation = 6 if place % 2 else 8
        exif[ExifTags.Base.Orientation] = orientation
        photo = photo.transpose(_ROTATED[orientation])
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=90 - 5 * (place % _EVERY), exif=exif)
    return file.getvalue()


def _write_notes(roll: Roll) -> None:
    rows = "".join(
        f"| {p.name} | {p.animal or 'no animal'} | {p.carrier.package} | {p.licence} | {p.credit} |\n"
        for p in roll.used
    )
    (roll.folder / "SOURCES.md").write_text(
        "# Where these photos come from\n\n"
        "Simulated shots of pictures that installed Python packages carry; the licences are theirs.\n\n"
        f"| picture | shows | package | licence | by |\n| --- | --- | --- | --- | --- |\n{rows}\n"
        f"`{roll.broken}` is broken on purpose. `truth.csv` tells which animal each photo shows.\n",
        encoding="utf-8",
    )
    with (roll.folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "animal"])
        writer.writerows(roll.animals.items())
